"""Whatever a bank writes in a camt.053 is read back exactly, or refused."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from settle.adapters import Statement
from settle.errors import DocumentError
from settle.money import plain
from settle.reconciliation.camt053 import read_camt053

CURRENCIES = ("EUR", "JPY", "KRW", "SEK", "CNY")
amounts = st.integers(min_value=-(10**15), max_value=10**15)
references = st.sampled_from(["", "NONREF", "A", "B", "A/1", "S/1", "S/2"])
bookings = st.lists(st.tuples(st.lists(amounts, min_size=1, max_size=4), references), max_size=6)


def signed(tag: str, minor: int, currency: str) -> str:
    direction = "DBIT" if minor < 0 else "CRDT"
    amount = plain(abs(minor), currency)
    return f'<{tag} Ccy="{currency}">{amount}</{tag}><CdtDbtInd>{direction}</CdtDbtInd>'


def document(opening: int, entries: list[tuple[list[int], str]], currency: str) -> bytes:
    closing = opening + sum(sum(parts) for parts, _ in entries)
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{signed('Amt', minor, currency)}"
        f"<Dt><Dt>2024-12-19</Dt></Dt></Bal>"
        for code, minor in (("OPBD", opening), ("CLBD", closing))
    )
    body = "".join(entry(parts, reference, currency) for parts, reference in entries)
    return (
        f"<Document><BkToCstmrStmt><Stmt><Id>S</Id><Acct><Id><Othr><Id>1</Id></Othr></Id></Acct>"
        f"{balances}{body}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def entry(parts: list[int], reference: str, currency: str) -> str:
    details = "".join(f"<TxDtls>{signed('Amt', part, currency)}</TxDtls>" for part in parts)
    return (
        f"<Ntry>{signed('Amt', sum(parts), currency)}<Sts>BOOK</Sts>"
        f"<AcctSvcrRef>{reference}</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"
    )


def read(content: bytes) -> Statement:
    [statement] = read_camt053(content, rail="bank")
    return statement


@given(amounts, bookings, st.sampled_from(CURRENCIES))
def test_amounts_come_back_to_the_unit(
    opening: int, entries: list[tuple[list[int], str]], currency: str
) -> None:
    """What was booked is what is read: every part, in order, and the balances close."""
    statement = read(document(opening, entries, currency))
    assert opening == statement.opening_minor
    assert statement.difference_minor == 0
    booked = [part for parts, _ in entries for part in parts]
    assert booked == [line.amount_minor for line in statement.lines]


@given(bookings)
def test_every_line_has_a_name_of_its_own(entries: list[tuple[list[int], str]]) -> None:
    """However a bank repeats, omits or imitates references, no two lines share a name."""
    content = document(0, entries, "EUR")
    names = [line.line_ref for line in read(content).lines]
    assert len(names) == len(set(names))
    assert names == [line.line_ref for line in read(content).lines]


@given(bookings, st.data())
def test_a_damaged_file_is_read_or_refused_by_name(
    entries: list[tuple[list[int], str]], data: st.DataObject
) -> None:
    """Cut or overwritten anywhere, a file raises `DocumentError` or is still a statement."""
    content = document(0, entries, "EUR")
    at = data.draw(st.integers(min_value=0, max_value=len(content) - 1))
    with suppress(DocumentError):
        read(content[:at])
        raise AssertionError("a file cut short was read as whole")
    damaged = content[:at] + data.draw(st.binary(max_size=4)) + content[at + 1 :]
    with suppress(DocumentError):
        assert read_camt053(damaged, rail="bank")


@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    """Bytes that are no XML are refused as a document, whatever they are."""
    with suppress(DocumentError):
        read_camt053(noise, rail="bank")
        raise AssertionError("noise was read as a statement")
