"""All names of the lists against many names at once, and nothing lost by being fast.

Words that are alike are looked for once for each pair of words that occur, in blocks; from them
follows a bound that no score exceeds. Only names whose bound reaches the threshold are scored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from settle.payments.screening.names import Name
from settle.payments.screening.scoring import (
    FLOOR,
    alike,
    bent,
    consonants,
    folded,
    score,
    slips,
    weight,
)
from settle.payments.screening.thresholds import ONE

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 2_000
"""Words compared in one block with all others: 50 MB of distances with 25,000 of them."""

Word = tuple[str, bool]
"""A word, and whether it is written without short vowels."""


Places = Sequence[int]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Names that have a word like one that is asked: places, and its worth by either's letters."""

    places: np.ndarray[Any, Any]
    ours: np.ndarray[Any, Any]
    theirs: np.ndarray[Any, Any]


@dataclass(frozen=True)
class Index:
    """Names that are screened against, by their words. `find` says which of them are alike."""

    names: Sequence[Name]

    @cached_property
    def _postings(self) -> Mapping[Word, Sequence[int]]:
        found: dict[Word, list[int]] = defaultdict(list)
        for place, name in enumerate(self.names):
            for word in _words(name):
                found[word].append(place)
        return found

    @cached_property
    def _wholes(self) -> Mapping[str, Sequence[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for place, name in enumerate(self.names):
            found[name.whole].append(place)
        return found

    @cached_property
    def _weights(self) -> np.ndarray[Any, Any]:
        import numpy as np

        return np.array([sum(map(weight, name.tokens)) for name in self.names], dtype=np.int64)

    def find(self, asked: Sequence[Name], *, at_least: int) -> list[list[tuple[int, int]]]:
        """Of each name: places of the names alike, with their score, the highest first."""
        wanted = {word for name in asked for word in _words(name)}
        columns = {
            word: self._columns(likes, weight(word[0]))
            for word, likes in _likes(wanted, self._postings).items()
        }
        together = _joined(asked, self.names)
        found = []
        for name in asked:
            places = {*self._bounded(name, columns, at_least), *together.get(name.joined, ())}
            places.update(self._wholes.get(name.whole, ()))
            scored = ((place, score(name, self.names[place])) for place in places)
            near = [(place, points) for place, points in scored if points >= at_least]
            found.append(sorted(near, key=lambda each: (-each[1], each[0])))
        return found

    def _bounded(self, name: Name, columns: Mapping[Word, _Columns], at_least: int) -> Places:
        """Places whose bound reaches the threshold: no word that is alike counts for less in it."""
        import numpy as np

        found = [columns[word] for word in _words(name) if word in columns]
        if not found:
            return []
        every = np.concatenate([each.places for each in found])
        unique, back = np.unique(every, return_inverse=True)
        shares = []
        for values, total in (
            ([each.ours for each in found], sum(map(weight, name.tokens))),
            ([each.theirs for each in found], self._weights[unique]),
        ):
            summed = np.zeros(len(unique), np.int64)
            np.add.at(summed, back, np.concatenate(values))
            shares.append(np.minimum(summed // total + 1, ONE))
        bound = 7 * np.maximum(*shares) + 3 * np.minimum(*shares)
        return [int(place) for place in unique[bound >= 10 * at_least]]

    def _columns(self, likes: Sequence[tuple[Word, int]], ours: int) -> _Columns:
        """All names that have a word alike, with what it is worth on either side."""
        import numpy as np

        posted = [self._postings[other] for other, _ in likes]
        counts = [len(each) for each in posted]
        return _Columns(
            places=np.array([place for each in posted for place in each], np.int64),
            ours=np.repeat(np.array([worth * ours for _, worth in likes], np.int64), counts),
            theirs=np.repeat(
                np.array([worth * weight(other[0]) for other, worth in likes], np.int64), counts
            ),
        )


def _words(name: Name) -> list[Word]:
    """The words of a name, each once for every time it stands there."""
    return [(token, name.vowelless) for token in name.tokens]


def _likes(
    wanted: Iterable[Word], there: Mapping[Word, Sequence[int]]
) -> Mapping[Word, Sequence[tuple[Word, int]]]:
    """Of each word asked: the words there that are worth something beside it, and how much."""
    found: dict[Word, list[tuple[Word, int]]] = defaultdict(list)
    for one, other in _pairs_of_words(sorted(wanted), sorted(there)):
        if worth := bent(alike(one[0], other[0], vowelless=one[1] != other[1])):
            found[one].append((other, worth))
    return found


def _pairs_of_words(wanted: Sequence[Word], there: Sequence[Word]) -> Iterator[tuple[Word, Word]]:
    """Pairs of words that may be alike: a superset, each pair once."""
    seen: set[tuple[Word, Word]] = set()
    forms = ((lambda word: word, False), (folded, False), (consonants, True))
    for form, is_for_vowelless in forms:
        ours, theirs = _by_form(wanted, form), _by_form(there, form)
        for a, b in _near(list(ours), list(theirs)):
            pairs = {(one, other) for one in ours[a] for other in theirs[b]}
            seen |= {x for x in pairs if not is_for_vowelless or x[0][1] != x[1][1]}
    initials = _by_form(there, lambda word: word[0])
    singles = _by_form([word for word in there if len(word[0]) == 1], lambda word: word[0])
    for one in wanted:
        among = initials if len(one[0]) == 1 else singles
        seen |= {(one, other) for other in among.get(one[0][0], ())}
    yield from sorted(seen)


def _by_form(words: Iterable[Word], form: Any) -> dict[str, list[Word]]:
    found: dict[str, list[Word]] = defaultdict(list)
    for word in words:
        found[form(word[0])].append(word)
    return found


def _near(ours: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs that differ in fewer letters than leave them nothing in common, by length."""
    yield from _within(ours, theirs, lambda length: (length * (ONE - FLOOR) - 1) // ONE)


def _joined(asked: Sequence[Name], there: Sequence[Name]) -> Mapping[str, Sequence[int]]:
    """Of each name asked, as one word: the places of the names that are near as one word."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(there):
        places[name.joined].append(place)
    found: dict[str, list[int]] = defaultdict(list)
    for one, other in _within(sorted({name.joined for name in asked}), list(places), slips):
        found[one].extend(places[other])
    return found


def _within(ours: Sequence[str], theirs: Sequence[str], most: Any) -> Iterator[tuple[str, str]]:
    """Pairs with an edit distance up to `most(the longer length)`, found in blocks by length."""
    import numpy as np
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cdist

    left, right = _by_length(ours), _by_length(theirs)
    for length, words in left.items():
        for other_length, others in right.items():
            limit = most(max(length, other_length))
            if not length or not other_length or abs(length - other_length) > limit:
                continue
            for start in range(0, len(words), _BLOCK):
                block = words[start : start + _BLOCK]
                distances = cdist(
                    block, others, scorer=OSA.distance, score_cutoff=limit, dtype=np.uint16
                )
                for i, j in zip(*np.nonzero(distances <= limit), strict=True):
                    yield block[i], others[j]


def _by_length(words: Iterable[str]) -> Mapping[int, Sequence[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for word in words:
        found[len(word)].append(word)
    return found
