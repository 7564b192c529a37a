"""How alike two names are, in parts per million: whole numbers only, the same on every machine.

A name is compared word by word, in whatever order, and once more as one word without spaces; the
better of the two counts. No float is used: rapidfuzz gives edit distances, which are counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz.distance import OSA

from settle.payments.screening.names import Name
from settle.payments.screening.thresholds import ONE
from settle.payments.screening.wording import PARTICLES

SCORING = 1
"""The number of these rules. It is part of every version: other rules screen everybody anew."""

INITIAL = 800_000
"""An initial and a word that begins with it: likely, and far from certain."""

FOLDED = 960_000
CONSONANTS = 940_000
"""Words that only sound alike, or have only their consonants in common, count for so much."""

FLOOR = 600_000
"""Words no more alike than this have nothing in common."""

_KNEE = 850_000
_WEIGHT_MAX = 8
_SOUNDS = (
    ("ph", "f"), ("tsch", "c"), ("tch", "c"), ("sch", "s"), ("sh", "s"), ("ch", "c"),
    ("kh", "h"), ("gh", "g"), ("zh", "z"), ("dj", "j"), ("ck", "k"), ("ou", "u"), ("oy", "u"),
    ("oo", "u"), ("ee", "i"), ("ij", "i"), ("w", "v"), ("q", "k"), ("y", "i"), ("x", "ks"),
    ("ts", "c"), ("tz", "c"), ("dh", "d"), ("th", "t"),
)  # fmt: skip
_TWICE = re.compile(r"(.)\1+")
_VOWELS = re.compile("[aeiouwyv]")
_WRITTEN_ALIKE = str.maketrans("pvgc", "bfjs")


def score(one: Name, other: Name) -> int:
    """How alike two names are, from 0 to 1,000,000. This is the same both ways round."""
    if not one.tokens or not other.tokens:
        return 0
    if one.tokens == other.tokens or one.whole == other.whole:
        return ONE
    return max(_by_word(one, other), as_one_word(one.joined, other.joined))


def as_one_word(one: str, other: str) -> int:
    """How alike two names without their spaces are; 0 beyond `slips` letters."""
    longest = max(len(one), len(other))
    distance = _distance(one, other)
    return (longest - distance) * ONE // longest if distance <= slips(longest) else 0


def slips(length: int) -> int:
    """How many letters may be other in a name without spaces."""
    return 1 + length // 10


def _by_word(one: Name, other: Name) -> int:
    """The share of each name's letters that has its like in the other, mostly the larger share.

    A name of which more than one word is found is likely the other with words left out; of a
    single word that is common to both, nobody can say so much.
    """
    a, b = one.tokens, other.tokens
    weights_a, weights_b = [weight(token) for token in a], [weight(token) for token in b]
    pairs = _pairs(a, b, weights_a, weights_b, vowelless=one.vowelless != other.vowelless)
    share_a = sum(worth * weights_a[i] for worth, i, _ in pairs) // sum(weights_a)
    share_b = sum(worth * weights_b[j] for worth, _, j in pairs) // sum(weights_b)
    telling = sum(_tells(a[i]) and _tells(b[j]) for _, i, j in pairs)
    return together(share_a, share_b, telling=telling)


def together(one: int, other: int, *, telling: int) -> int:
    """What two shares of letters make of two names that have so many telling words in common."""
    more, less = max(one, other), min(one, other)
    return (7 * more + 3 * less) // 10 if telling > 1 else (more + less) // 2


def _pairs(
    one: Sequence[str], other: Sequence[str], weights: Sequence[int], others: Sequence[int],
    *, vowelless: bool,
) -> list[tuple[int, int, int]]:  # fmt: skip
    """Each word with its like, the best first and none twice: worth, and the place of both."""
    ranked = []
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            if worth := bent(alike(a, b, vowelless=vowelless)):
                # In an order that is the same both ways round.
                key = -worth * min(weights[i], others[j]), min(a, b), max(a, b), i, j
                ranked.append((key, worth))
    ranked.sort()
    left, right, found = set[int](), set[int](), []
    for (*_, i, j), worth in ranked:
        if i not in left and j not in right:
            left.add(i)
            right.add(j)
            found.append((worth, i, j))
    return found


def _tells(token: str) -> bool:
    return len(token) > 1 and token not in PARTICLES


def bent(likeness: int) -> int:
    """What a likeness of words is worth: below 850,000 less than its letters, down to nothing."""
    if likeness >= _KNEE:
        return likeness
    return max(0, (likeness - FLOOR) * _KNEE // (_KNEE - FLOOR))


@lru_cache(maxsize=1 << 16)
def weight(token: str) -> int:
    """What a word counts for in its name: its letters, within bounds."""
    return 1 if token in PARTICLES else min(len(token), _WEIGHT_MAX)


@lru_cache(maxsize=1 << 18)
def alike(one: str, other: str, *, vowelless: bool = False) -> int:
    """How alike two words are. `vowelless`: one of them is written without its short vowels."""
    if one == other:
        return ONE
    if len(one) == 1 or len(other) == 1:
        return INITIAL if one[0] == other[0] else 0
    if not (one.isalpha() and other.isalpha()):
        return 0  # "2004" and "2005" are two years, and no slip of the pen
    found = max(_closeness(one, other), _closeness(folded(one), folded(other)) * FOLDED // ONE)
    if vowelless and min(len(a := consonants(one)), len(b := consonants(other))) > 1:
        found = max(found, _closeness(a, b) * CONSONANTS // ONE)
    return found


def _closeness(one: str, other: str) -> int:
    longest = max(len(one), len(other))
    return (longest - _distance(one, other)) * ONE // longest


def _distance(one: str, other: str) -> int:
    """Letters changed, put in, left out, or two that changed places."""
    return OSA.distance(one, other)


@lru_cache(maxsize=1 << 16)
def folded(token: str) -> str:
    """A word as it sounds, roughly: spellings of one sound made one, doubled letters single."""
    for written, sound in _SOUNDS:
        token = token.replace(written, sound)
    return _TWICE.sub(r"\1", token)


@lru_cache(maxsize=1 << 16)
def consonants(token: str) -> str:
    """The consonants of a word, with one sign for those that Arabic and Hebrew write alike."""
    plain = folded(token.replace("w", "u").replace("y", "i")).translate(_WRITTEN_ALIKE)
    return _TWICE.sub(r"\1", _VOWELS.sub("", plain))
