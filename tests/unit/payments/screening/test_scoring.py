"""Scores are whole numbers, the same both ways round, and what is fast finds what is slow."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settle.payments.screening import index as indexes
from settle.payments.screening.index import Index
from settle.payments.screening.names import Name, normalised
from settle.payments.screening.scoring import score

VOCABULARY = (
    "al bin ben abdul abd mohammed mohamed muhammad mhmd ahmed ahmad hmd assad asad ivan iwan kim"
    " chol chul un v j trading tradng shipping holdings 2004 2005 ltd gmbh company co"
)
WORDS = st.sampled_from(VOCABULARY.split())
NAMES = st.one_of(
    st.lists(WORDS, min_size=1, max_size=5).map(" ".join),
    st.sampled_from(["محمد بن سلمان", "محمد أحمد", "Иван Ким", "金正恩", "김정은", "Άσαντ", "חמד"]),
    st.text(max_size=12),
)


def points(one: str, other: str) -> int:
    return score(normalised(one), normalised(other))


@given(NAMES, NAMES)
def test_a_score_is_the_same_both_ways_round(one: str, other: str) -> None:
    """From 0 to a million, and a million for the same name."""
    found = points(one, other)
    assert type(found) is int
    assert 0 <= found <= 1_000_000
    assert found == points(other, one)
    assert points(one, one) == (1_000_000 if normalised(one).tokens else 0)


@given(
    st.lists(NAMES, min_size=1, max_size=12),
    st.lists(NAMES, min_size=1, max_size=12),
    st.sampled_from([400_000, 775_000, 950_000]),
)
@settings(deadline=None)
def test_the_index_finds_what_comparing_each_with_each_finds(
    asked: list[str], there: list[str], at_least: int
) -> None:
    """Nobody is lost by being fast, at any threshold, in any script."""
    ours, theirs = [normalised(x) for x in asked], [normalised(x) for x in there]
    assert _each_with_each(ours, theirs, at_least) == Index(theirs).find(ours, at_least=at_least)


def test_an_index_that_forgets_a_way_to_be_alike_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the comparison of whole names, whoever leaves out a space is lost."""
    ours, theirs = [normalised("vladimirputin")], [normalised("Vladimir Putin")]
    assert [[(0, 1_000_000)]] == Index(theirs).find(ours, at_least=775_000)
    monkeypatch.setattr(indexes, "_joined", lambda asked, there: {})
    monkeypatch.setattr(Index, "_wholes", {})
    assert [[]] == Index(theirs).find(ours, at_least=775_000)


def _each_with_each(
    ours: list[Name], theirs: list[Name], at_least: int
) -> list[list[tuple[int, int]]]:
    found = []
    for one in ours:
        scored = [(place, score(one, other)) for place, other in enumerate(theirs)]
        near = [each for each in scored if each[1] >= at_least]
        found.append(sorted(near, key=lambda each: (-each[1], each[0])))
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller & Söhne GmbH", "MULLER SOHNE"),
        ("Putin, Vladimir", "Vladimir Putin"),
        ("Владимир Путин", "Vladimir Putin"),
        ("ООО «Ромашка»", "Romashka LLC"),
        ("A.B.C. Company", "ABC Co."),
        ("Dr. Abd al-Aziz", "Abdul Aziz"),
        ("SiemensAG", "Siemens Aktiengesellschaft"[:7] + " AG"),
        ("VladimirPutin", "Vladimir Putin"),
        ("Ｖｌａｄｉｍｉｒ Putin", "vladimir putin"),
        ("Société Générale S.A.", "Societe Generale"),
        ("Vladi\u200bmir Putin", "Vladimir Putin"),
    ],
)
def test_writing_that_changes_nothing_scores_a_million(one: str, other: str) -> None:
    """Case, order, marks, scripts, legal forms, titles and hidden signs do not hide a name."""
    assert 1_000_000 == points(one, other)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ("Vladimir Pulin", "Vladimir Putin", 900_000, 940_000),
        ("Mohamed bin Salman", "Muhammad ibn Salman", 775_000, 1_000_000),
        ("محمد بن سلمان", "Mohammed bin Salman", 775_000, 1_000_000),
        ("Wladimir Poetin", "Ivan Petrov", 0, 400_000),
        ("Andrei Navalny", "Alexei Navalny", 400_000, 774_999),
        ("Bank of Chad", "Trading of Sweden", 0, 400_000),
        ("", "Vladimir Putin", 0, 0),
    ],
)
def test_scores_lie_where_they_are_said_to(one: str, other: str, low: int, high: int) -> None:
    """Near names score high, others low."""
    assert low <= points(one, other) <= high
