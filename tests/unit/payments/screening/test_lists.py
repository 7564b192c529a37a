"""A list is read whole or refused by file, line and field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settle.errors import BadInput
from settle.payments.screening import Entry, ScreeningList

HEAD = "# date: 2024-12-01\nid,name,aliases,kind,country,date_of_birth\n"
Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: str | bytes) -> Path:
        path = tmp_path / "own.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def test_a_list_is_read_with_its_date_and_all_names_of_each_entry(write: Write) -> None:
    """Its version is the date it gives itself and the digest of its content."""
    path = write(HEAD + '1,"Doe, John",J. Doe; Johnny Doe,person,US;GB,1957\n2,Firm Ltd,,,,\n')
    found = ScreeningList.load(path, name="own")
    assert date(2024, 12, 1) == found.published_on
    assert found.version.startswith("2024-12-01/")
    assert [
        Entry(
            entry_id="1", names=("Doe, John", "J. Doe", "Johnny Doe"), kind="person",
            country="US;GB", date_of_birth="1957",
        ),
        Entry(entry_id="2", names=("Firm Ltd",)),
    ] == list(found.entries)  # fmt: skip
    other = ScreeningList.load(write(HEAD + "1,Doe,,,,\n"), name="own")
    assert found.version != other.version


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("id,name\n1,A\n", "own.csv, line 1, date: the first line gives"),
        ("# date: 2024-02-30\nid,name\n1,A\n", "line 1, date"),
        ("# date: 2024-12-01\nid\n1\n", "line 2, name: no such column"),
        ("# date: 2024-12-01\nid,name,nmae\n1,A,B\n", "line 2, nmae: is not a column"),
        ("# date: 2024-12-01\nid,name,id\n1,A,2\n", "line 2, id: is not a column, or is one twice"),
        (HEAD, "own.csv: has no entry; an empty list would clear everybody"),
        ("", "line 1, date"),
        (HEAD + "1,A,,,,\n2,B\n", "line 4, columns: 2 cells, the header has 6"),
        (HEAD + "1,A,,,,\n1,B,,,,\n", "line 4, id: '1' is there twice"),
        (HEAD + ",A,,,,\n", "line 3, id: '': is blank or too long"),
        (HEAD + "1,A,,spy,,\n", "line 3, kind: 'spy': give one of person"),
        (HEAD + "1,A,,,Cuba,\n", "line 3, country: 'Cuba'"),
        (HEAD + "1,A,,,,1.5.57\n", "line 3, date_of_birth"),
        (HEAD + "1,***,,,,\n", "line 3, name: '***' has no letters to compare"),
        (HEAD + "1,A,B;***,,,\n", "line 3, aliases: '***'"),
        (HEAD + f"1,{'A' * 501},,,,\n", "line 3, name"),
        (HEAD + "1,A\x1b[2J,,,,\n", "line 3, name: 'A\\x1b[2J' has a character"),
        (HEAD + '1,"A\nB",,,,\n', "name: 'A\\nB' has a character"),
        (HEAD + '1,"A"x,,,,\n', "line 3, columns: is not CSV"),
        (HEAD + '1,"A,,,,\n', "columns: is not CSV"),
        (HEAD.encode() + b"1,A,,,,\n2,\xff\xfe,,,,\n", "own.csv, line 4: is not UTF-8"),
    ],
)
def test_what_does_not_fit_refuses_the_whole_list(
    write: Write, content: str | bytes, told: str
) -> None:
    """Half a list would clear whoever stands in the other half."""
    with pytest.raises(BadInput) as refused:
        ScreeningList.load(write(content), name="own")
    assert told in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The path is told, and why it cannot be read."""
    with pytest.raises(BadInput, match="No such file"):
        ScreeningList.load(tmp_path / "none.csv", name="own")


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused(content: bytes) -> None:
    """Nothing but a refusal comes out of a hostile file."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.csv"
        for each in (content, HEAD.encode() + content):
            path.write_bytes(each)
            try:
                assert ScreeningList.load(path, name="own").entries
            except BadInput as error:
                assert "own.csv" in str(error)  # noqa: PT017
