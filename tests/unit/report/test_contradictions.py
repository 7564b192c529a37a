"""A payment of which evidence says what cannot be true is shown, counted and said at the top."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from settle.adapters import (
    Adapter,
    Beneficiary,
    Evidence,
    Fact,
    Key,
    KeyPlace,
    Limits,
    PaymentKind,
    Profile,
    RailSettings,
    Source,
    Support,
    Verb,
)
from settle.payments import Due, plan, record
from settle.report import ExceptionKind, ExitCode, MorningReport, sentence
from settle.report.assembly import NightFacts, assemble
from settle.report.page import page
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
NIGHT = NightFacts(tenant="t", day=NOW.date(), began_at=NOW)
WHY = "executed, and never released here"


class Single(Adapter[RailSettings]):
    """A rail that takes single payments, and is never asked anything."""

    @property
    def profile(self) -> Profile:
        return Profile(
            rail="single",
            currencies=frozenset(self.settings.accounts),
            kinds=frozenset(PaymentKind),
            verbs={Verb.SUBMIT: Support.YES},
            key=Key(
                place=KeyPlace.BODY, name="k", length_max=35, lifetime=timedelta(1),
                deduplicates=True,
            ),
            limits=Limits(),
            finality_horizon=timedelta(1),
        )  # fmt: skip


def executed_unasked(store: Store) -> None:
    """A payment that is planned and nothing more, and yet stands on the bank's statement."""
    payee = Beneficiary(
        name="Mo", country="DE", town="Berlin", account="DE89370400440532013000", bic="COBADEFFXXX"
    )
    due = Due(
        obligation_id="O-1", agreement_id="A-1", currency="EUR", amount_minor=100,
        value_date=date(2024, 12, 19), beneficiary=payee,
    )  # fmt: skip
    rail = Single(RailSettings(base_url="//single", accounts={"EUR": "acc"}))
    plan(store, [due], rails={"single": rail}, tenant="t", now=NOW, ids=lambda: "P-1")
    booked = Evidence(
        evidence_id="line-1", source=Source.STATEMENT, fact=Fact.BOOKED, reference="P-1",
        occurred_at=NOW, rail="single", account="acc", amount_minor=100, currency="EUR",
    )  # fmt: skip
    record(store, [booked], recorded_at=NOW)


def morning(store: Store, night: NightFacts = NIGHT) -> MorningReport:
    with store.reading() as connection:
        return assemble(connection, night)


def test_a_contradiction_is_shown_first_with_what_does_not_fit(store: Store) -> None:
    """It is an exception of its own beside the payment's state, with its reason and its story."""
    executed_unasked(store)

    first = morning(store).payments.exceptions[0]

    assert (ExceptionKind.CONTRADICTION, "P-1", WHY) == (first.kind, first.payment_id, first.reason)
    assert any(line.what.startswith("booked") for line in first.story)
    assert next(iter(ExceptionKind)) is ExceptionKind.CONTRADICTION


def test_a_contradiction_keeps_the_night_open_and_stands_in_the_headline(store: Store) -> None:
    """The totals count it, so the exit code is not clean, and the first sentence names it."""
    executed_unasked(store)

    report = morning(store)

    assert 1 == report.payments.total(ExceptionKind.CONTRADICTION)
    assert report.exit_code is ExitCode.OPEN
    assert "1 payment with evidence that contradicts itself" in sentence(report)
    assert WHY in page(report)


def test_another_tenants_contradiction_is_not_shown(store: Store) -> None:
    """A report is of one tenant."""
    executed_unasked(store)

    assert 0 == morning(store, replace(NIGHT, tenant="u")).payments.total(
        ExceptionKind.CONTRADICTION
    )
