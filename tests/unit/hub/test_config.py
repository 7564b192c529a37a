"""`settle.toml`: one file may extend another, and every mistake is named by its key."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from settle.adapters import PaymentKind
from settle.errors import BadInput, ConfigError
from settle.hub import load
from settle.payments import Scope

PLAIN = """
[settle]
tenant = "t"
[clearing]
agreements = "agreements.csv"
rates = "rates.csv"
records = ["in/records-{date}*", "more/{date}.csv"]
[approval.limit_major]
EUR = 1000
JPY = 5
"""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A small, sound file."""
    path = tmp_path / "settle.toml"
    path.write_text(PLAIN)
    return path


def test_what_is_not_said_has_its_default(plain: Path) -> None:
    """A day ends at midnight in Shanghai, and its night begins half an hour later."""
    config = load(plain)
    assert ZoneInfo("Asia/Shanghai") == config.settings.settle.zone
    begins = config.night_instant(date(2024, 12, 18))
    assert datetime(2024, 12, 18, 16, 30, tzinfo=UTC) == begins


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2024-12-18T10:29:59", "2024-12-18T10:30"), ("2024-12-18T10:30:00", "2024-12-19T10:30")],
)
def test_a_rails_cut_off_is_the_next_one_in_the_platforms_zone(
    plain: Path, now: str, expected: str
) -> None:
    """Half past six in Shanghai; a rail without one is not named."""
    rails = '\n[rails.a]\nplugin = "a"\ncut_off = "18:30"\n[rails.b]\nplugin = "b"\n'
    plain.write_text(PLAIN + rails)
    found = load(plain).cut_offs(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert {"a": datetime.fromisoformat(expected).replace(tzinfo=UTC)} == found


def test_a_file_that_extends_another_says_only_what_differs(plain: Path) -> None:
    """Tables are merged key by key, and paths are relative to the file that was named."""
    site = plain.parent / "site"
    site.mkdir()
    over = site / "settle.toml"
    over.write_text(
        'extends = "../settle.toml"\n[settle]\nlake = "l"\n[approval.limit_major]\nEUR = 2'
    )
    config = load(over)
    assert "t" == config.settings.settle.tenant  # expected before actual
    assert {"EUR": 200, "JPY": 5} == config.settings.approval.limits_minor()
    assert site.resolve() / "l" == config.path(config.settings.settle.lake)
    assert f"sqlite:///{site.resolve() / 'settle.db'}" == config.store_url


def test_overrides_replace_by_dotted_key_and_come_last(plain: Path) -> None:
    """A platform may set one value, also in a table that the file does not have."""
    overrides = {
        "settle.tenant": "other",
        "approval.limit_major.EUR": "7.50",
        "controls.paused_currencies": ["GBP"],
    }
    settings = load(plain, overrides=overrides).settings
    assert "other" == settings.settle.tenant  # expected before actual
    assert {"EUR": 750, "JPY": 5} == settings.approval.limits_minor()
    assert frozenset({"GBP"}) == settings.controls.paused_currencies


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        ({"settle.tenent": "x"}, "settle.tenent"),
        ({"setle": {}}, "setle"),
        ({"controls.paused_rail": ["x"]}, "controls.paused_rail"),
        ({"settle.zone": "Mars/Base"}, "settle.zone"),
        ({"settle.zone": "../../etc/passwd"}, "settle.zone"),
        ({"settle.zone": 8}, "settle.zone"),
        ({"settle.night_at": "25:00"}, "settle.night_at"),
        ({"settle.clock": "lunar"}, "settle.clock"),
        ({"settle.tenant": ""}, "settle.tenant"),
        ({"clearing.rates": None}, "clearing.rates"),
        ({"approval.limit_major.JPY": "0.5"}, "approval.limit_major.JPY"),
        ({"approval.limit_major.XYZ": 1}, "approval.limit_major.XYZ"),
        ({"controls.paused_rails": ["lark"]}, "controls.paused_rails"),
        ({"controls.paused_currencies": ["EUX"]}, "controls.paused_currencies"),
        ({"approval.limit_major.EUR": -1}, "approval.limit_major.EUR"),
        ({"approval.second_limit_major.EUR": "1"}, "approval.second_limit_major.EUR"),
        ({"approval.second_limit_major.JPY": "5.5"}, "approval.second_limit_major.JPY"),
        ({"controls.rails.lark.floor_major.EUR": 1}, "controls.rails"),
        ({"controls.limits": [{"per": "party"}]}, "controls.limits.0"),
        ({"controls.limits": [{"per": "house", "count": {"EUR": 1}}]}, "controls.limits.0.per.0"),
        ({"controls.limits": [{"per": "currency", "count": {"EUR": 1}}]}, "controls.limits.0.per"),
        ({"controls.limits": [{"only": ["A"], "count": {"EUR": 1}}]}, "controls.limits.0.only"),
        ({"controls.limits": [{"amount_major": {"JPY": "0.1"}}]},
         "controls.limits.0.amount_major.JPY"),
        ({"controls.limits": [{"count": {"EUX": 1}}]}, "controls.limits.0.count"),
        ({"controls.blast_radius.factor": "0.5"}, "controls.blast_radius.factor"),
        ({"controls.blast_radius.nights": 3}, "controls.blast_radius.factor"),
        ({"controls.blast_radius": {"factor": 2, "nights": 3}},
         "controls.blast_radius.nights_min"),
        ({"controls.blast_radius": {"factor": 2, "floor_major": {"EUR": -1}}},
         "controls.blast_radius.floor_major.EUR"),
        ({"controls.cool_off.changed_days.gift": 1}, "controls.cool_off.changed_days.gift.[key]"),
        ({"controls.cool_off.first_days.payout": -1}, "controls.cool_off.first_days.payout"),
        ({"rails.lark.base_url": "http://x"}, "rails.lark.plugin"),
        ({"settle.tenant.x": 1}, "settle.tenant"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_key(plain: Path, overrides: dict[str, object], key: str) -> None:
    """An unknown key is refused like a wrong value, and the message begins with file and key."""
    with pytest.raises(ConfigError) as refused:
        load(plain, overrides=overrides)
    assert key == refused.value.key
    assert str(refused.value).startswith(f"{plain}: {key}: ")


def test_controls_are_read_in_minor_units_by_rail_and_currency(plain: Path) -> None:
    """Every rule of the file is a rule of payments, and amounts are exact."""
    site = plain.with_name("site.toml")
    site.write_text(f"""extends = "{plain.name}"
[rails.lark]
plugin = "x"
[approval]
second_limit_major.EUR = 5_000
[controls]
paused_agreements = ["A-9"]
patience_days = 2
[[controls.limits]]
per = ["party", "rail"]
amount_major = {{ EUR = "10.50", JPY = 7 }}
count.EUR = 3
only = ["A-1"]
[controls.blast_radius]
factor = "1.5"
basis = "maximum"
first_major.EUR = 9
[controls.cool_off]
changed_days = {{ payout = 3 }}
[controls.rails.lark]
floor_major.EUR = 100
exposure_major.EUR = 2_000
""")
    settings = load(site).settings
    controls = settings.controls.controls()
    assert frozenset({"A-9"}) == controls.pauses.parties
    (limit,) = controls.limits
    assert ({"EUR": 1050, "JPY": 7}, {"EUR": 3}) == (limit.amount_minor, limit.count)
    assert (Scope.PARTY, Scope.RAIL) == limit.per
    assert controls.blast_radius is not None
    assert (Fraction(3, 2), {"EUR": 900}) == (
        controls.blast_radius.factor, controls.blast_radius.first_minor
    )  # fmt: skip
    assert controls.cool_off is not None
    assert 3 == controls.cool_off.length(PaymentKind.PAYOUT, is_first=False).days
    assert {("lark", "EUR"): 10_000} == controls.floors
    assert {("lark", "EUR"): 200_000} == controls.exposures
    assert {"EUR": 500_000} == settings.approval.policy().second_limit_minor


@pytest.mark.parametrize("content", [b"[settle", b"\xff\xfe", b'extends = "nobody.toml"'])
def test_a_file_that_cannot_be_read_is_a_mistake_of_configuration(
    tmp_path: Path, content: bytes
) -> None:
    """Broken TOML, other bytes than UTF-8, and an extended file that is not there."""
    path = tmp_path / "settle.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        load(path)


def test_a_file_that_extends_itself_is_a_mistake_of_configuration(tmp_path: Path) -> None:
    """A circle of files is named, and not followed for ever."""
    path = tmp_path / "settle.toml"
    path.write_text('extends = "settle.toml"')
    with pytest.raises(ConfigError):
        load(path)


def test_the_days_and_files_of_records_are_found_by_name(plain: Path) -> None:
    """Every pattern counts; a name without a day in it, or with no such day, is none."""
    names = (
        "in/records-2024-12-18.csv", "in/records-2024-12-18-late.csv", "more/2024-12-19.csv",
        "in/records-of-nobody.csv",
    )  # fmt: skip
    for name in names:
        (plain.parent / name).parent.mkdir(exist_ok=True)
        (plain.parent / name).touch()
    config = load(plain)
    assert [date(2024, 12, 18), date(2024, 12, 19)] == config.record_days()
    found = [path.name for path in config.record_files(date(2024, 12, 18))]
    assert ["records-2024-12-18-late.csv", "records-2024-12-18.csv"] == found


def test_a_name_with_a_day_that_does_not_exist_is_no_day_of_records(plain: Path) -> None:
    """The 30th of February has no night, and its file stops nothing else."""
    for name in ("2024-02-30.csv", "2024-12-18.csv"):
        (plain.parent / "more").mkdir(exist_ok=True)
        (plain.parent / "more" / name).touch()
    assert [date(2024, 12, 18)] == load(plain).record_days()


def test_a_folder_named_with_brackets_is_a_folder(tmp_path: Path) -> None:
    """Where a file stands is a path, not a pattern."""
    folder = tmp_path / "day[1]"
    (folder / "more").mkdir(parents=True)
    (folder / "more" / "2024-12-18.csv").touch()
    (folder / "settle.toml").write_text(PLAIN)
    config = load(folder / "settle.toml")
    assert [date(2024, 12, 18)] == config.record_days()
    assert 1 == len(config.record_files(date(2024, 12, 18)))  # expected before actual


def test_there_is_no_night_at_the_end_of_time(plain: Path) -> None:
    """A slip of the pen is named; it is no overflow."""
    with pytest.raises(BadInput, match="there is no night of 9999-12-31"):
        load(plain).night_instant(date(9999, 12, 31))
