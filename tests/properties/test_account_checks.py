"""Account numbers checked here against schwifty: the same answer for every country and digit."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from schwifty.registry import get_iban_spec

from settle.payments.beneficiaries import _form, _is_iban

COUNTRIES = ["DE", "FR", "GB", "MT", "NO", "LC", "RU", "BI", "SE", "IT", "SC"]
SIGNS = "ABCXYZ0123456789"


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number with a country's form, or nearly, and check digits that are right, or nearly."""
    country = draw(st.sampled_from(COUNTRIES))
    length = get_iban_spec(country).bban_length + draw(st.sampled_from([0, 0, 0, 0, -1, 1]))
    signs = draw(st.sampled_from(["0123456789", SIGNS]))
    rest = draw(st.text(signs, min_size=length, max_size=length))
    number = int("".join(str(int(sign, 36)) for sign in f"{rest}{country}00"))
    right = 98 - number % 97
    digits = draw(st.sampled_from([right, right, right, right - 97, right + 97, (right + 1) % 100]))
    return f"{country}{max(0, digits) % 100:02d}{rest}"


@given(numbers())
@example("DE99370400440000000024")
@example("DE00370400440000000060")
@example("DE01370400440000000042")
def test_an_account_is_an_iban_exactly_where_schwifty_says_so(account: str) -> None:
    """Form, length and check digits; 00, 01 and 99 are aliases that no bank gives."""
    try:
        IBAN(account)
    except SchwiftyException:
        expected = False
    else:
        expected = True
    form = _form(account[:2])
    assert form is not None
    assert expected == _is_iban(account, form)
