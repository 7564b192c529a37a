"""Three nights to report on: a rich one in fifteen currencies, a clean one, an empty one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from settle.ledger import Proof
from settle.money import SETTLEMENT_CURRENCIES, exponent
from settle.report import (
    Amount,
    Breaks,
    CuredBreak,
    Direction,
    ExceptionKind,
    ExitCode,
    FileIntake,
    Flow,
    Funding,
    FundingMove,
    Holding,
    Incident,
    InputFinding,
    Intake,
    MatchRate,
    MorningReport,
    Netting,
    NoAccount,
    OpenBreak,
    PaidFrom,
    PassCount,
    PaymentException,
    Payments,
    ReasonCount,
    Reconciliation,
    Settled,
    Shortfall,
    StateCount,
    StatementKept,
    StoryLine,
    WindowClosed,
)

CURRENCIES = tuple(sorted((*SETTLEMENT_CURRENCIES, "CNY")))
BANK = ("EUR", "GBP", "CHF", "SEK", "DKK", "NOK", "USD", "CAD", "CNY")
HOSTILE = "<b>Müller & Söhne</b>"
DAY = date(2024, 12, 19)
NIGHT = datetime(2024, 12, 19, 16, 30, tzinfo=UTC)


def size(currency: str) -> int:
    """A plausible amount, different in each currency."""
    return (1_234_567 + 98_765 * CURRENCIES.index(currency)) * int(10 ** exponent(currency))


def rail(currency: str) -> str:
    return "iso20022_bank" if currency in BANK else "adyen_transfers"


def settled(currency: str) -> Settled:
    sales = size(currency)
    refunds, chargebacks, fees = sales // 31, sales // 210, sales // 55
    tax, withheld, released = fees // 20, sales // 40, sales // 47
    net = sales - refunds - chargebacks - fees - tax - withheld + released
    forward, waiting = net // 90, (net // 4 if currency == "NOK" else 0)
    returned = net // 60 if currency in ("USD", "JPY") else 0
    paid = net // 3
    return Settled(
        currency=currency, sales_minor=sales, refunds_minor=refunds, fees_minor=fees,
        chargebacks_minor=chargebacks, tax_minor=tax, reserve_withheld_minor=withheld,
        reserve_released_minor=released, net_minor=net, obligations=340 + len(currency),
        obligations_minor=net - forward, paid_minor=paid, waiting_minor=waiting,
        returned_minor=returned, carried_forward_minor=forward,
        on_the_way_minor=net - forward - paid - waiting - returned,
    )  # fmt: skip


def states(currency: str) -> list[StateCount]:
    row = settled(currency)
    found = {"booked": (114, row.paid_minor), "accepted": (221, row.on_the_way_minor)}
    if row.waiting_minor:
        found["scheduled"] = (61, row.waiting_minor)
    if row.returned_minor:
        found["returned"] = (2, row.returned_minor)
    if currency in ("EUR", "SGD"):
        found["unknown"] = (1, 48_210)
        found["rejected"] = (3, 91_455)
    return [
        StateCount(
            rail=rail(currency), currency=currency, state=state, count=count, amount_minor=amount
        )
        for state, (count, amount) in found.items()
    ]


def exception(kind: ExceptionKind, number: int, **facts: object) -> PaymentException:
    at = NIGHT + timedelta(minutes=3, seconds=number)
    plain = PaymentException(
        kind=kind, payment_id=f"0193e0c4-7a10-7c3e-9d52-{number:012}", beneficiary=HOSTILE,
        agreement_id=f"AGR-{number:05}", rail="iso20022_bank", currency="EUR",
        amount_minor=48_210 + number, state="accepted",
        story=(
            StoryLine(at=at, what="sent to the bank in batch B-2024-12-19-01"),
            StoryLine(at=at + timedelta(seconds=31), what="no answer within 30 s: unknown"),
        ),
    )  # fmt: skip
    return replace(plain, **facts)  # type: ignore[arg-type]


def exceptions() -> list[PaymentException]:
    kind = ExceptionKind
    return [
        exception(kind.UNKNOWN_OPEN, 1, state="unknown", currency="SGD", rail="adyen_transfers",
                  evidence="none yet; asked twice, not found, horizon not reached"),
        exception(kind.UNKNOWN_CLOSED, 2, state="booked", evidence="statement camt.053 of "
                  "2024-12-19, entry 118: debited with our EndToEndId"),
        exception(kind.REJECTED, 3, state="rejected", code="AC04",
                  beneficiary="SANDBOX REJECT AC04 Brasserie du Port"),
        exception(kind.REJECTED, 4, state="rejected", code="RC01", beneficiary="Ostsee Handel KG"),
        exception(kind.RETURNED, 5, state="returned", code="AC01", short_minor=1_500,
                  currency="USD", borne_by="the hub (charges/returns)"),
        exception(kind.RETURNED, 6, state="returned", code="MS03", short_minor=1_200,
                  currency="JPY", rail="adyen_transfers",
                  beneficiary="山田商店", amount_minor=854_300),
        exception(kind.HELD, 7, state="planned", reason="no BIC, and the rail needs one for GBP",
                  currency="GBP"),
        exception(kind.AWAITING_APPROVAL, 8, state="planned", amount_minor=912_455_10,
                  reason="above the limit of EUR 500,000.00 for one approval"),
        *(
            exception(kind.SCHEDULED, 100 + n, state="scheduled", currency="NOK", story=(),
                      beneficiary=f"Fjord Handel {n} AS", reason="account short by NOK 212,450.00")
            for n in range(61)
        ),
    ]  # fmt: skip


def open_breaks() -> list[OpenBreak]:
    rows = [
        ("unexpected", 0, "EUR", 125_000, Direction.IN, "credit without a reference we know",
         "treasury", "ask the bank who sent it"),
        ("short_return", 0, "USD", 1_500, Direction.IN, "pacs.004 AC01: returned less charges",
         "operations", "book the charge or claim it"),
        ("short_return", 0, "JPY", 1_200, Direction.IN, "returned less charges", "operations",
         "book the charge or claim it"),
        ("missing_at_bank", 1, "CHF", 482_110, Direction.OUT, "accepted 2024-12-18, no line yet",
         "operations", "ask the bank"),
        ("timing", 2, "GBP", 77_310, Direction.OUT, "value date passed by two days",
         "operations", "wait for the next statement"),
        ("fee", 6, "HKD", 4_000, Direction.OUT, "fee of 40.00 where 25.00 is agreed", "treasury",
         "claim 15.00 back"),
        ("reference", 45, "KRW", 1_250_000, Direction.IN, f"sender wrote {HOSTILE}", "operations",
         "two people write it off or link it"),
    ]  # fmt: skip
    return [
        OpenBreak(
            break_id=f"BRK-{number:04}", kind=kind, opened_on=DAY - timedelta(days=age),
            age_days=age, currency=currency, amount_minor=amount, direction=direction,
            account=f"{currency}-MAIN", evidence=evidence, owner=owner, next_action=action,
        )
        for number, (kind, age, currency, amount, direction, evidence, owner, action)
        in enumerate(rows, 1)
    ]  # fmt: skip


def flows(currency: str) -> list[Flow]:
    row = settled(currency)
    merchants = row.sales_minor - row.fees_minor - row.tax_minor - row.reserve_withheld_minor
    steps = [
        ("Partners", "Clearing", row.sales_minor),
        ("Clearing", "Merchants", merchants),
        ("Clearing", "Fees", row.fees_minor),
        ("Clearing", "Tax", row.tax_minor),
        ("Clearing", "Reserves", row.reserve_withheld_minor),
        ("Merchants", "In transit", row.paid_minor + row.on_the_way_minor + row.returned_minor),
        ("Merchants", "Scheduled", row.waiting_minor),
        ("Merchants", "Carried forward", row.carried_forward_minor),
        ("In transit", "Booked", row.paid_minor),
        ("In transit", "Accepted", row.on_the_way_minor),
        ("In transit", "Returned", row.returned_minor),
    ]
    return [
        Flow(currency=currency, source=source, target=target, amount_minor=amount)
        for source, target, amount in steps
        if amount
    ]


def proofs(currency: str) -> list[Proof]:
    account = f"nostro/{rail(currency)}/{currency}-MAIN"
    checks = {
        "trial balance": ("all accounts", 0),
        "nostro against statement": (account, size(currency)),
        "in transit against open payments": (f"in_transit/{rail(currency)}", size(currency) // 3),
        "clearing account": ("clearing", 0),
    }
    return [
        Proof(name=name, currency=currency, subject=subject, ledger_minor=value,
              other_minor=value, holds=True)
        for name, (subject, value) in checks.items()
    ] + [
        Proof(name="client money covered", currency=currency, subject="nostro ≥ client liabilities",
              ledger_minor=size(currency), other_minor=size(currency) - 12_345, holds=True)
    ]  # fmt: skip


def incidents() -> tuple[Incident, ...]:
    rows = [
        ("lost_answer", "the bank's answer to one upload never came", True,
         "the bank's statement shows the payment booked"),
        ("503_storm", "adyen_transfers answered 503 for 40 requests in a row", True,
         "all were asked again by key; none was sent twice"),
        ("short_return", "two payments came back less charges", False,
         "two breaks, and two dated payables wait for a corrected beneficiary"),
        ("batch_booked_line", "one debit of EUR 1,204,889.10 for 212 payments", True,
         "the only combination that explains it was found"),
        ("unexpected_line", "a credit of EUR 1,250.00 nobody expected", False,
         "on suspense, with treasury"),
        ("rejected_account", "two accounts were refused by the bank", False,
         "the merchants were asked for corrected details"),
    ]  # fmt: skip
    return tuple(
        Incident(kind=kind, at=NIGHT + timedelta(minutes=n), what=what, now=now, closed=closed)
        for n, (kind, what, closed, now) in enumerate(rows)
    )


def funding() -> Funding:
    """Two accounts, one transfer of two that were asked for, and a payee whom nobody pays."""
    euros = Amount(currency="EUR", amount_minor=1_500)
    crowns = Amount(currency="NOK", amount_minor=21_245_000)
    hour = timedelta(hours=1)
    return Funding(
        planned_at=NIGHT, reference="funding.toml", cost=euros, naive=euros,
        saved=Amount(currency="EUR", amount_minor=0),
        paid_from=(
            PaidFrom(currency="NOK", country="NO", value_date=DAY, account_id="bank NOK",
                     rail="iso20022_bank", account="NOK-MAIN", obligations=344, open=61,
                     amount_minor=55_000_000, by=NIGHT + 17 * hour,
                     rule="bank cut-off 11:00 Europe/Paris on 2024-12-20 governs",
                     missed="value 2024-12-19 missed"),
        ),
        no_account=(
            NoAccount(currency="EUR", country="XK", value_date=DAY, obligations=1,
                      amount_minor=48_210, why="EUR to XK is not in the matrix"),
        ),
        moves=(
            FundingMove(way="partner NOK > bank NOK", source="partner NOK", target="bank NOK",
                        sold=crowns, bought=crowns, cost=euros, send_by=NIGHT + 12 * hour,
                        lands_at=NIGHT + 15 * hour),
        ),
        short=(
            Shortfall(subject="clients/NOK/NO/2024-12-20", currency="NOK", short_minor=100,
                      hindrance="balance", detail="there is not enough money that can get there",
                      by=NIGHT + 17 * hour),
        ),
        holdings=(
            Holding(account_id="bank NOK", rail="iso20022_bank", currency="NOK", owner="clients",
                    balance_minor=33_755_000, after_minor=None),
        ),
    )  # fmt: skip


def intake() -> Intake:
    return Intake(
        records_in=301_204, accepted=300_871, duplicates=318, quarantined=15,
        by_reason=(ReasonCount(reason="fraction_of_minor_unit", count=6),
                   ReasonCount(reason="unknown_participant", count=5),
                   ReasonCount(reason="conflict", count=4)),
        files=(FileIntake(name="records-2024-12-19.parquet", records_in=301_184, accepted=300_866,
                          duplicates=318, quarantined=0),
               FileIntake(name="records-broken.csv", records_in=20, accepted=5, duplicates=0,
                          quarantined=15)),
        findings=(
            InputFinding(file="records-broken.csv", row=3, field="amount", value="0.5",
                         reason="JPY has no decimals"),
            InputFinding(file="records-broken.csv", row=9, field="participant_id",
                         value="<script>alert(1)</script>", reason="unknown participant"),
        ),
        findings_not_shown=13,
    )  # fmt: skip


def reconciliation() -> Reconciliation:
    rates = [
        MatchRate(currency=code, lines=118 + n, lines_matched=117 + n - (n % 4 == 0),
                  value_minor=size(code), value_matched_minor=size(code) - 125_000 * (n % 4 == 0))
        for n, code in enumerate(CURRENCIES)
    ]  # fmt: skip
    return Reconciliation(
        rates=tuple(rates),
        passes=tuple(
            PassCount(name=name, currency=code, lines=lines, value_minor=size(code) // 3)
            for name, lines in (("exact_reference", 100), ("batch_to_many", 1))
            for code in ("EUR", "JPY", "NOK")
        ),
        statements=tuple(
            StatementKept(rail=rail(code), account=f"{code}-MAIN", currency=code, day=DAY,
                          opening_minor=size(code) * 2, lines=118 + n, closing_minor=size(code),
                          sound=True)
            for n, code in enumerate(CURRENCIES)
        ),
    )  # fmt: skip


@pytest.fixture(scope="session")
def rich() -> MorningReport:
    return MorningReport(
        tenant="nordlicht-pay",
        day=DAY,
        known_at=NIGHT + timedelta(minutes=41),
        exit_code=ExitCode.OPEN,
        nights=(date(2024, 12, 18), DAY),
        intake=intake(),
        windows=(
            WindowClosed(window_id="2024-12-19", records=300_871, late=42, positions=5_204,
                         manifest_digest="9f2c4be1" * 8, conserved=CURRENCIES),
        ),
        settled=tuple(settled(code) for code in CURRENCIES),
        netting=tuple(
            Netting(currency=code, records=20_058, payments=343, gross_minor=size(code) * 2,
                    net_minor=settled(code).obligations_minor)
            for code in CURRENCIES
        ),
        payments=Payments.of([row for code in CURRENCIES for row in states(code)], exceptions()),
        incidents=incidents(),
        funding=funding(),
        reconciliation=reconciliation(),
        breaks=Breaks.of(
            open_breaks(),
            [CuredBreak(break_id="BRK-0000", kind="missing_at_bank", opened_on=date(2024, 12, 18),
                        currency="EUR", amount_minor=48_210, how="line 118 of the statement of "
                        "2024-12-19 booked it")],
        ),
        proofs=tuple(proof for code in CURRENCIES for proof in proofs(code)),
        flows=tuple(flow for code in CURRENCIES for flow in flows(code)),
    )  # fmt: skip


@pytest.fixture(scope="session")
def clean(rich: MorningReport) -> MorningReport:
    quiet = replace(rich.intake, accepted=301_204, duplicates=0, quarantined=0, by_reason=(),
                    files=(), findings=(), findings_not_shown=0)  # fmt: skip
    booked = [row for row in rich.payments.states if row.state in ("booked", "accepted")]
    return replace(
        rich, exit_code=ExitCode.CLEAN, intake=quiet, payments=Payments.of(booked, ()),
        incidents=(), breaks=Breaks(), funding=None,
    )  # fmt: skip


@pytest.fixture(scope="session")
def nothing() -> MorningReport:
    return MorningReport(tenant="nordlicht-pay", day=DAY, known_at=NIGHT, exit_code=ExitCode.CLEAN)
