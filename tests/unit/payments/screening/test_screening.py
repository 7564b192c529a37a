"""No payment leaves that the lists in force have not seen and set free, on either database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.errors import BadInput
from settle.payments import attention
from settle.payments.leasing import Lease
from settle.payments.retaking import resend
from settle.payments.screening import (
    Ruling,
    Thresholds,
    Verdict,
    adopt,
    held,
    in_force,
    rounds,
    rule,
    screening_story,
)
from settle.payments.screening import end as end_screening
from settle.payments.screening.tables import screening_standings, screenings
from settle.payments.tables import payments
from settle.store import Store


def kept(store: Store) -> list[dict[str, Any]]:
    with store.reading() as connection:
        found = connection.execute(sa.select(screenings).order_by(*screenings.primary_key))
        return [dict(row) for row in found.mappings()]


def whys(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        return {each.beneficiary_name: each.why for each in attention(connection)}


def clear(screens: Any, payment_id: str, actor: str, ruling: Ruling = Ruling.FALSE_POSITIVE) -> Any:
    return rule(
        screens.desk.store, payment_id, ruling, tenant="t", actor=actor, reason="looked",
        now=screens.desk.now, ids=lambda: next(screens.ids),
    )  # fmt: skip


def test_without_lists_nobody_is_held(screens: Any) -> None:
    """Screening is a choice; where no list is in force, what is ready goes."""
    screens.ready("Mo")
    assert ["Mo"] == screens.claimed()


def test_a_match_holds_and_is_neither_cancelled_nor_unfunded(
    screens: Any, lists: Any, store: Store
) -> None:
    """Block is not reject: the payment keeps its state and its cover, and the others go."""
    screens.ready("Evil Person", "Evel Persson", "Good Soul")
    done = screens.screen(lists("Evil Person"))
    assert (True, 3, 2, 0) == (done.is_new, done.screened, done.held, done.in_flight)
    assert ["Good Soul"] == screens.claimed()
    with store.reading() as connection:
        found = {row.beneficiary_name: row for row in connection.execute(sa.select(payments))}
        verdicts = [each.verdict for each in held(connection, tenant="t")]
    assert [Verdict.BLOCK, Verdict.REVIEW] == verdicts
    for name in ("Evil Person", "Evel Persson"):
        assert ("approved", True, "") == (
            found[name].state, found[name].funded, found[name].hold_reason
        )  # fmt: skip
    assert whys(store)["Evil Person"].startswith(
        "screening: block: like Evil Person (1,000,000 ppm; own E-1, list 2024-12-01)"
    )


def test_what_no_list_in_force_has_seen_does_not_leave(
    screens: Any, lists: Any, store: Store
) -> None:
    """A payment that is planned after the round waits for the next, and says why."""
    screens.ready("Mo")
    screens.screen(lists("Evil Person"))
    screens.desk.ready(screens.due(9, "Newcomer"))
    assert ["Mo"] == screens.claimed()
    assert "screening: not screened by the lists in force" == whys(store)["Newcomer"]
    screens.screen(lists("Evil Person"))
    assert ["Newcomer"] == screens.claimed()


def test_a_list_that_changes_between_approval_and_release_holds(screens: Any, lists: Any) -> None:
    """As soon as it is in force nothing leaves on the word of the older one, screened or not."""
    screens.ready("Mo", "Evil Person")
    screens.screen(lists("Somebody Else", day=1))
    newer = lists("Somebody Else", "Evil Person", day=2)
    assert adopt(screens.desk.store, newer, tenant="t", now=screens.desk.now)
    assert [] == screens.claimed()
    done = screens.screen(newer)
    assert (False, 2, 1) == (done.is_new, done.screened, done.held)
    assert ["Mo"] == screens.claimed()


def test_a_round_run_twice_writes_nothing_twice(screens: Any, lists: Any, store: Store) -> None:
    """Neither the same round nor the same release adds a row; each occasion is kept by itself."""
    screens.ready("Evil Person", "Mo")
    for _ in range(2):
        screens.screen(lists("Evil Person"))
    for _ in range(2):
        screens.screen(lists("Evil Person"), releasing=True)
    changed = lists("Evil Person", "Other", day=2)
    for _ in range(2):
        screens.screen(changed)
    rows = kept(store)
    assert {"instruction": 2, "release": 2, "list_change": 2} == {
        occasion: sum(row["occasion"] == occasion for row in rows)
        for occasion in ("instruction", "release", "list_change")
    }
    with store.reading() as connection:
        story = screening_story(connection, "P-00001", tenant="t")
    assert [1_000_000] * 3 == [each.score for each in story.screenings]
    versions = [match.list_version[:10] for each in story.screenings for match in each.matches]
    assert {"2024-12-01": 2, "2024-12-02": 1} == {x: versions.count(x) for x in versions}


def test_release_trusts_no_earlier_word(screens: Any, lists: Any, store: Store) -> None:
    """What is about to be sent is compared once more: a standing that was touched does not last."""
    screens.ready("Evil Person")
    screens.screen(lists("Evil Person"))
    with store.transaction() as connection:
        connection.execute(sa.update(screening_standings).values(free=True, verdict="clear"))
    assert 1 == screens.screen(lists("Evil Person"), releasing=True).held
    assert [] == screens.claimed()


def test_what_is_in_flight_is_reported_and_not_stopped(
    screens: Any, lists: Any, store: Store
) -> None:
    """A list that names somebody after the release changes no state; a person is told."""
    screens.ready("Evil Person")
    assert ["Evil Person"] == screens.claimed()
    done = screens.screen(lists("Evil Person"))
    assert (0, 1) == (done.held, done.in_flight)
    with store.reading() as connection:
        (name,) = held(connection, tenant="t")
        assert "sending" == connection.scalar(sa.select(payments.c.state))
    assert name.in_flight
    assert whys(store)["Evil Person"].startswith("screening: block")


def test_an_unknown_payment_to_a_listed_name_is_not_sent_again(
    screens: Any, lists: Any, store: Store
) -> None:
    """Sending again would be a release; it is looked for, and stays unknown."""
    screens.ready("Evil Person")
    (sending,) = screens.desk.claim()
    desk = screens.desk
    with store.transaction() as connection:
        connection.execute(
            sa.update(payments).values(state="unknown", worker=None, lease_until=None)
        )
    lease = Lease(rail="single", worker="w", now=desk.now, length=timedelta(minutes=5))
    wish = (lease, [sending.conversation_id])
    screens.screen(lists("Evil Person"))
    with store.transaction() as connection:
        assert [[]] == [list(found) for found in resend(connection, [wish])]
    clear(screens, "P-00001", "ann")
    clear(screens, "P-00001", "bob")
    with store.transaction() as connection:
        assert [1] == [len(found) for found in resend(connection, [wish])]


def test_a_beneficiary_changed_after_its_screening_does_not_leave(
    screens: Any, lists: Any, store: Store
) -> None:
    """What was screened is the name and account that are paid."""
    screens.ready("Mo")
    screens.screen(lists("Evil Person"))
    with store.transaction() as connection:
        connection.execute(sa.update(screening_standings).values(beneficiary_name="Other"))
    assert [] == screens.claimed()
    screens.screen(lists("Evil Person"))
    assert ["Mo"] == screens.claimed()


def test_a_review_is_cleared_by_one_person_and_holds_for_the_pair(
    screens: Any, lists: Any, store: Store
) -> None:
    """Every payment to this beneficiary goes, until the entry or the beneficiary changes."""
    screens.ready("Evel Persson", "Evel Persson")
    screens.screen(lists("Evil Person"))
    assert Verdict.CLEARED is clear(screens, "P-00001", "ann")
    assert ["Evel Persson", "Evel Persson"] == screens.claimed()
    screens.desk.ready(
        screens.due(7, "Evel Persson"), screens.due(8, "Evel Persson", account="GB33BUKB20201555")
    )
    assert 1 == screens.screen(lists("Evil Person")).held
    assert 1 == len(screens.claimed())
    screens.desk.ready(screens.due(9, "Evel Persson"))
    assert 1 == screens.screen(lists("Someone New", "Evil Person", day=2)).held - 1


def test_a_block_is_cleared_by_two_people(screens: Any, lists: Any) -> None:
    """The first word is kept and frees nobody; the same person saying it again is no second."""
    screens.ready("Evil Person")
    screens.screen(lists("Evil Person"))
    assert [Verdict.BLOCK, Verdict.BLOCK] == [clear(screens, "P-00001", "ann") for _ in range(2)]
    assert [] == screens.claimed()
    assert Verdict.CLEARED is clear(screens, "P-00001", "bob")
    assert ["Evil Person"] == screens.claimed()


def test_a_confirmed_match_stays_held_whatever_is_screened_again(
    screens: Any, lists: Any, store: Store
) -> None:
    """It is never cancelled by itself; clearing it takes its people anew."""
    screens.ready("Evel Persson")
    screens.screen(lists("Evil Person"))
    assert Verdict.CONFIRMED is clear(screens, "P-00001", "ann", Ruling.CONFIRMED)
    screens.screen(lists("Evil Person"), releasing=True)
    assert [] == screens.claimed()
    with store.reading() as connection:
        assert [("approved", True)] == [
            tuple(row) for row in connection.execute(sa.select(payments.c.state, payments.c.funded))
        ]
    assert Verdict.CLEARED is clear(screens, "P-00001", "bob")


def test_a_ruling_made_while_a_round_compares_names_is_not_lost(
    screens: Any, lists: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people rule is read with the lists held still, not when the round began."""
    screens.ready("Evel Persson")
    screener = lists("Evil Person")
    screens.screen(screener)
    clear(screens, "P-00001", "ann")
    comparing = type(screener).matches

    def meanwhile(self: Any, names: Any) -> Any:
        clear(screens, "P-00001", "ann", Ruling.CONFIRMED)
        return comparing(self, names)

    monkeypatch.setattr(type(screener), "matches", meanwhile)
    assert 1 == screens.screen(screener, releasing=True).held
    assert [] == screens.claimed()


def test_a_slow_round_does_not_overwrite_a_newer_one(
    screens: Any, lists: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists that came into force while it compared make its words worth nothing."""
    screens.ready("Evil Person")
    older, newer = lists("Nobody Here", day=1), lists("Evil Person", day=2)
    comparing = type(older).matches

    def meanwhile(self: Any, names: Any) -> Any:
        monkeypatch.setattr(type(older), "matches", comparing)
        screens.screen(newer)
        return comparing(self, names)

    monkeypatch.setattr(type(older), "matches", meanwhile)
    assert screens.screen(older).is_over
    assert [] == screens.claimed()


def test_an_old_copy_of_a_list_is_never_taken_for_a_new_one(screens: Any, lists: Any) -> None:
    """Not by its date, nor by a content that another has followed, nor dated ahead."""
    store, now = screens.desk.store, screens.desk.now
    adopt(store, lists("A B", day=2), tenant="t", now=now)
    with pytest.raises(BadInput, match="older than the one in force"):
        adopt(store, lists("A B", day=1), tenant="t", now=now)
    adopt(store, lists("C D", day=2), tenant="t", now=now)
    with pytest.raises(BadInput, match="in force before; to go back to it, give it a new date"):
        adopt(store, lists("A B", day=2), tenant="t", now=now)
    with pytest.raises(BadInput, match="dated ahead of 2024-12-18"):
        adopt(store, lists("A B", day=21), tenant="t", now=now)
    with store.reading() as connection:
        standing = in_force(connection, tenant="t")
    assert standing is not None
    assert lists("C D", day=2).version == standing.version


def test_other_thresholds_screen_everybody_anew_and_back_again(screens: Any, lists: Any) -> None:
    """What is in force is lists and thresholds together; there is never none in force."""
    screens.ready("Evel Persson")
    strict = Thresholds(review_at=990_000, block_at=990_000)
    assert 1 == screens.screen(lists("Evil Person")).held
    assert 0 == screens.screen(lists("Evil Person", thresholds=strict)).held
    with pytest.raises(BadInput, match="run it again"):
        screens.screen(lists("Evil Person"))
    screens.desk.now += timedelta(seconds=1)
    assert 1 == screens.screen(lists("Evil Person")).held
    assert [] == screens.claimed()


def test_screening_ends_on_the_word_of_a_person(screens: Any, lists: Any) -> None:
    """Whoever was held is free then, and there is nothing to end any more."""
    screens.ready("Evil Person")
    screens.screen(lists("Evil Person"))
    now = screens.desk.now
    end_screening(screens.desk.store, tenant="t", actor="ann", reason="bank does", now=now)
    assert ["Evil Person"] == screens.claimed()
    with pytest.raises(BadInput, match="no screening lists are in force"):
        end_screening(screens.desk.store, tenant="t", actor="ann", reason="again", now=now)


def test_lists_of_one_tenant_hold_nobody_elses_payments(screens: Any, lists: Any) -> None:
    """Each tenant has lists of its own."""
    screens.ready("Evil Person")
    desk = screens.desk
    desk.plan(replace(screens.due(1, "Other Name"), obligation_id="O-u"), tenant="u")
    desk.approve()
    desk.fund()
    screens.screen(lists("Evil Person", "Other Name"))
    assert ["Other Name"] == screens.claimed()


def test_more_matches_than_are_kept_do_not_pass_unseen(
    screens: Any, lists: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clearing those that were shown frees nobody; the next round shows the others."""
    monkeypatch.setattr(rounds, "MATCHES_KEPT_MAX", 2)
    screens.ready("Evel Persson")
    screener = lists("Evil Person", "Evil Persson", "Evell Perssen")
    screens.screen(screener)
    for actor in ("ann", "bob"):
        assert Verdict.REVIEW is clear(screens, "P-00001", actor)
    screens.screen(screener, releasing=True)
    for actor in ("ann", "bob"):
        verdict = clear(screens, "P-00001", actor)
    assert Verdict.REVIEW is verdict


def test_nothing_is_ruled_about_what_is_clear(screens: Any, lists: Any) -> None:
    """A typing error does not make a decision."""
    screens.ready("Mo")
    screens.screen(lists("Evil Person"))
    for payment_id in ("P-00001", "P-9"):
        with pytest.raises(BadInput, match="has nothing against payment"):
            clear(screens, payment_id, "ann")


@pytest.mark.parametrize("name", ["***", "!? " * 40 + "!"])
def test_a_name_that_cannot_be_compared_is_held(screens: Any, lists: Any, name: str) -> None:
    """Nobody can say that it is on no list, until two people do."""
    screens.ready(name)
    assert 1 == screens.screen(lists("Evil Person")).held
    assert Verdict.BLOCK is clear(screens, "P-00001", "ann")
    assert [] == screens.claimed()
    assert Verdict.CLEARED is clear(screens, "P-00001", "bob")
    assert [name] == screens.claimed()
