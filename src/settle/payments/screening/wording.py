"""Words of names that say little: legal forms, titles, particles, and how they are written out."""

from __future__ import annotations

_FORMS = {
    "ltd": "limited|ltda|limitada|limitee",
    "plc": "public limited company",
    "llc": "limited liability company|ooo|obshchestvo s ogranichennoy otvetstvennostyu"
    "|tovarystvo z obmezhenoyu vidpovidalnistyu|tov|too",
    "jsc": "joint stock company|joint stock co|joint stock|ao|oao|pao|zao|ojsc|pjsc|cjsc"
    "|open joint stock company|public joint stock company|closed joint stock company"
    "|aktsionernoe obshchestvo|otkrytoe aktsionernoe obshchestvo"
    "|publichnoe aktsionernoe obshchestvo|zakrytoe aktsionernoe obshchestvo",
    "inc": "incorporated",
    "corp": "corporation",
    "co": "company|cie|compagnie",
    "ag": "aktiengesellschaft|akg",
    "gmbh": "gesellschaft mit beschraenkter haftung|gesellschaft mit beschrankter haftung|mbh"
    "|g m b h|ges m b h",
    "kg": "kommanditgesellschaft",
    "sa": "societe anonyme|sociedad anonima|sociedade anonima|s a",
    "sarl": "societe a responsabilite limitee|s a r l",
    "srl": "societatea cu raspundere limitata|societa a responsabilita limitata"
    "|sociedad de responsabilidad limitada|s r l",
    "spa": "societa per azioni|s p a",
    "bv": "besloten vennootschap|b v",
    "nv": "naamloze vennootschap|n v",
    "ab": "aktiebolag",
    "as": "aksjeselskap|aktieselskab|a s",
    "oy": "osakeyhtio|oyj",
    "lp": "limited partnership|l p",
    "llp": "limited liability partnership|l l p",
    "pty": "proprietary",
    "na": "national association|n a",
    "se": "societas europaea",
    "kk": "kabushiki kaisha|kabushiki gaisha",
    "sdn bhd": "sendirian berhad",
    "pt": "perseroan terbatas",
    "fzco": "fze|fz llc",
}


def _phrases() -> dict[tuple[str, ...], str]:
    """Each way to write a form, by its words, and the form that it is."""
    found = {tuple(short.split()): short for short in _FORMS}
    for short, written in _FORMS.items():
        found |= {tuple(each.split()): short for each in written.split("|")}
    return found


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LEGAL_FORMS = _phrases()
"""Legal forms by their words. They say what a firm is, and not which."""

FORM_WORDS_MAX = max(len(words) for words in LEGAL_FORMS)

TITLES = _words(
    "mr mrs ms miss dr prof professor sir madam monsieur madame mme herr frau senor senora don"
    " president prezident presidente praesident prasident presiden predsjednik presedintele"
    " minister general gen col colonel major capt captain sheikh shaikh shaykh sheik haji hajji"
    " hadji mullah maulavi mawlawi ayatollah imam lord lady jr sr esq the"
)
"""Words before or after a name that are not part of it."""

PARTICLES = _words(
    "al el ul ud ad as at an ash bin ben ibn bint abu abou umm van von der den de del della di da"
    " dos du la le les and und et y e i of for na ter ten zu zur"
)
"""Small words of names and firms. They count for little, being put in and left out at will."""

_SPELLINGS = {
    "first": "1st", "second": "2nd", "third": "3rd", "international": "intl",
    "brothers": "bros", "manufacturing": "mfg", "department": "dept", "government": "govt",
    "organization": "organisation", "center": "centre", "bin": "ibn ben",
    "mohammed": "mohamed mohammad mohamad muhammad muhammed muhamad muhamed mohd md",
    "ahmed": "ahmad achmed achmad", "hussein": "hussain husain husayn husein hossein",
    "hassan": "hasan", "abdullah": "abdallah abdulla abdalla", "youssef": "yusuf yousef yusef",
    "osama": "usama", "omar": "umar", "khalid": "khaled", "ibrahim": "ebrahim",
    "abdulrahman": "abdurrahman abdelrahman abderrahman", "vladimir": "wladimir",
}  # fmt: skip

SAME_WORDS = {other: word for word, others in _SPELLINGS.items() for other in others.split()}
"""Words of names written in ways further apart than a slip of the pen, and the one they become."""
