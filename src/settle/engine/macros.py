"""The arithmetic that each engine spells its own way, under names the views share.

Every macro takes and gives decimal(38,0), and is held against `settle.money.divide` by a
property test. Numbers are taken absolute, so that no engine's direction of rounding matters,
and each argument stands as seldom as it can: a macro is text, and nested text grows.
"""

from __future__ import annotations

from collections.abc import Mapping

MACROS: Mapping[str, str] = {
    # hugeint's // is exact where a decimal's is a double.
    "quotient(n, d)": "cast(cast(n as hugeint) // cast(d as hugeint) as decimal(38, 0))",
    "odd(n)": "cast(cast(n as hugeint) % 2 as decimal(38, 0))",
    "sign_of(n)": "case when n < 0 then -1 else 1 end",
    # Half away from zero is one quotient; half-even takes one off an odd result of a tie.
    "nearest(n, d)": "quotient(2 * abs(n) + d, 2 * d)",
    "tie(n, d)": """case when nearest(n, d) * (2 * d) = 2 * abs(n) + d
        then odd(nearest(n, d)) else 0 end""",
    "divide_half_even(n, d)": "sign_of(n) * (nearest(n, d) - tie(n, d))",
    "divide_as(n, d, rounding)": """sign_of(n) * (nearest(n, d) - case rounding
        when 'half_even' then tie(n, d)
        when 'half_up' then 0
        end)""",
    "minor(amount)": "cast(amount as bigint)",
    "instant_us(typed, said)": r"""case
        when typed is not null then epoch_us(typed)
        when regexp_full_match(
            said, '\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.]\d{1,6})?(Z|[+-]\d\d:\d\d)'
        )
            then epoch_us(try_cast(said as timestamptz))
        end""",
}
"""Signature to body. `minor` is the way out: it raises beyond 64 bits and never wraps.
`instant_us` reads an instant of ISO 8601 with its offset as microseconds; null if it is none."""
