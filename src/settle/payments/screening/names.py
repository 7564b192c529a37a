"""Names as they are compared: in ASCII letters, without what says little about who it is.

`A.B.C. Handels-Gesellschaft mbH`, `ООО «Ромашка»` and `القاعدة` all become lower-case words, so
that one rule holds for every script. What is lost by it (tones, short vowels that Arabic does not
write, the readings of Chinese characters) is named in `docs/reference/screening.md`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from settle.payments.screening.wording import (
    FORM_WORDS_MAX,
    LEGAL_FORMS,
    PARTICLES,
    SAME_WORDS,
    TITLES,
)

NAME_LENGTH_MAX = 500
"""Characters of a name that are compared; longer ones are refused where lists are read."""

_INITIALS = re.compile(r"\b(?:\w\.)+\w\b\.?|\b(?:\w\.){2,}")
_APOSTROPHES = re.compile("['`\u00b4\u2018\u2019\u02b9-\u02bf\u2032\u00ad\u200b-\u200f]")
_WORD = re.compile(r"[a-z0-9]+")
_VOWELLESS = ("ARABIC", "HEBREW", "SYRIAC")
_ARTICLES = frozenset({"al", "el", "ul", "ur", "as", "ar", "an", "ash", "at"})


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it is compared. `tokens` are in the order of the name; `whole` has every word.

    `vowelless`: it is written in a script without short vowels, so only its consonants compare.
    """

    tokens: tuple[str, ...]
    whole: str = ""
    vowelless: bool = False

    @property
    def joined(self) -> str:
        """The tokens as one word: where spaces are put is chance."""
        return "".join(self.tokens)


@lru_cache(maxsize=65536)
def normalised(text: str) -> Name:
    """A name as it is compared. This is the same on every machine, and never raises."""
    from anyascii import anyascii

    composed = unicodedata.normalize("NFKC", text[:NAME_LENGTH_MAX])
    compact = _APOSTROPHES.sub("", composed).replace("・", " ")
    initialled = _INITIALS.sub(lambda found: found[0].replace(".", "") + " ", compact)
    letters = anyascii(initialled).lower().replace("'", "").replace("`", "")
    words = list(_servants([SAME_WORDS.get(word, word) for word in _WORD.findall(letters)]))
    return Name(tokens=_telling(words), whole="".join(words), vowelless=_is_vowelless(composed))


def is_comparable(text: str) -> bool:
    """Whether all of a name can be compared: it has letters, is not too long, and hides nothing."""
    hides = any(unicodedata.category(sign) == "Cc" for sign in text)
    return not hides and len(text) <= NAME_LENGTH_MAX and bool(normalised(text).tokens)


def _is_vowelless(text: str) -> bool:
    first = next((sign for sign in text if sign.isalpha()), "")
    return bool(first) and unicodedata.name(first, "").startswith(_VOWELLESS)


def _servants(words: Sequence[str]) -> Iterator[str]:
    """`Abd al-`, `Abd el` and `Abdul` are one word, whatever follows."""
    skips = False
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if skips:
            skips = False
        elif word == "abd" and following in _ARTICLES:
            skips = True
            yield "abdul"
        else:
            yield word


def _telling(words: Sequence[str]) -> tuple[str, ...]:
    """The words without legal forms and titles, unless nothing else is left."""
    without_forms = list(_without_forms(words))
    without_titles = [word for word in without_forms if word not in TITLES]
    left = without_titles or without_forms
    return tuple(left if any(word not in PARTICLES for word in left) else words)


def _without_forms(words: Sequence[str]) -> Iterator[str]:
    at = 0
    while at < len(words):
        length = _form_at(words, at)
        if not length:
            yield words[at]
        at += length or 1


def _form_at(words: Sequence[str], at: int) -> int:
    """How many words from here on are a legal form; the longest counts."""
    for length in range(min(FORM_WORDS_MAX, len(words) - at), 0, -1):
        if tuple(words[at : at + length]) in LEGAL_FORMS:
            return length
    return 0
