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
    # (2n + d) / 2d rounds a half up; one less on top leaves a half below, and one more again where
    # the quotient is odd takes it up to the even one. So there is one division of each, and no
    # argument stands more than twice: macros within macros are bound anew wherever they stand.
    "divide_half_even(n, d)": """sign_of(n) * quotient(
        2 * abs(n) + d - 1 + odd(quotient(abs(n), d)), 2 * d
    )""",
    "divide_as(n, d, rounding)": """sign_of(n) * quotient(
        2 * abs(n) + d - 1 + case rounding
            when 'half_even' then odd(quotient(abs(n), d))
            when 'half_up' then 1
        end,
        2 * d
    )""",
    # The same in 64 bits, several times faster, for what is known to fit twice over. A cast by way
    # of decimal(18,0) takes a tenth of the time of one from decimal(38,0).
    "whole(n, d)": "n // d",
    "small(n)": "cast(cast(n as decimal(18, 0)) as bigint)",
    "nearest_to(n, d, rounding)": """whole(
        2 * n + d - 1 + case rounding
            when 'half_even' then whole(n, d) % 2
            when 'half_up' then 1
        end,
        2 * d
    )""",
    "share_of(amount, ppm, rounding)": """case when amount < 4000000000000
        then nearest_to(amount * ppm, 1000000, rounding)
        else cast(divide_as(
            cast(amount as decimal(38, 0)) * cast(ppm as decimal(38, 0)),
            cast(1000000 as decimal(38, 0)),
            rounding
        ) as bigint)
        end""",
    "portion_of(total, ppm, rounding)": """case when abs(total) < 4000000000000
        then cast(sign_of(total) * nearest_to(
            small(abs(total)) * ppm, 1000000, rounding
        ) as decimal(38, 0))
        else divide_as(
            total * cast(ppm as decimal(38, 0)), cast(1000000 as decimal(38, 0)), rounding
        )
        end""",
    # A fraction in lowest terms, and limits that come with it. Nearly all amounts are below the
    # first: where no product lies halfway, every rounding is the same, and one division does it.
    "exchange(total, numerator, denominator, untied, fits, rounding)": """case
        when total < untied and total > -untied then cast(whole(
            2 * small(total) * numerator
                + case when total < 0 then -denominator else denominator end,
            2 * denominator
        ) as decimal(38, 0))
        when abs(total) < fits then cast(sign_of(total) * nearest_to(
            small(abs(total)) * numerator, denominator, rounding
        ) as decimal(38, 0))
        else divide_as(
            total * cast(numerator as decimal(38, 0)), cast(denominator as decimal(38, 0)), rounding
        )
        end""",
    # A part of what is shared: the whole units below it, and what it is over them in parts of d.
    # `below` and `more` are quotient and remainder of the absolute amount.
    "floored(n, below, more)": """case
        when n >= 0 then below
        when more = 0 then -below
        else -below - 1
        end""",
    "over_floor(n, more, d)": "case when n >= 0 or more = 0 then more else d - more end",
    "minor(amount)": """case
        when amount > -1000000000000000000 and amount < 1000000000000000000 then small(amount)
        else cast(amount as bigint)
        end""",
    # The sum of a 64-bit column, exact: no value is widened before it is added.
    "total(amount)": "cast(sum(amount) as decimal(38, 0))",
    "total_where(amount, holds)": """coalesce(
        cast(sum(amount) filter (where holds) as decimal(38, 0)), cast(0 as decimal(38, 0))
    )""",
    "utc_day(instant)": "epoch_us(instant) // 86400000000",
    "micros(instant)": "epoch_us(instant)",
    # Equal ids have equal keys, and different ones seldom; an engine may change what it gives.
    "id_key(id)": "hash(id)",
    "id_part(id)": "cast(hash(id) % 16 as integer)",
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

SPARK: Mapping[str, str] = {
    # Spark's `div` wraps beyond 64 bits where it is given decimals (seen in 4.3, with ANSI on),
    # and its `/` keeps six decimals: the quotient of an exact multiple is exact up to 10^32, and
    # beyond there it raises.
    "quotient(n, d)": "cast((n - n % d) / d as decimal(38, 0))",
    "odd(n)": "n % 2",
    # Spark's `abs` and its minus sign round a decimal to 34 digits, in silence (seen in 4.3); its
    # `%` and `*` are exact. So what is over is multiplied by the sign.
    "rest(n, d)": "sign_of(n) * (n % d)",
    # One way for all sizes, and each argument seldom: Spark compiles what it is given, and what
    # is long it does not compile at all.
    "up(n, d)": "case when 2 * rest(n, d) >= d then 1 else 0 end",
    "tie(n, d)": "case when 2 * rest(n, d) = d and rest(n, 2 * d) < d then 1 else 0 end",
    "divide_half_even(n, d)": "quotient(n, d) + sign_of(n) * (up(n, d) - tie(n, d))",
    "divide_as(n, d, rounding)": """quotient(n, d) + sign_of(n) * (up(n, d) - case rounding
        when 'half_even' then tie(n, d)
        when 'half_up' then 0
        end)""",
    "portion_of(total, ppm, rounding)": """divide_as(
        total * cast(ppm as decimal(38, 0)), cast(1000000 as decimal(38, 0)), rounding
    )""",
    "exchange(total, numerator, denominator, untied, fits, rounding)": """divide_as(
        total * cast(numerator as decimal(38, 0)), cast(denominator as decimal(38, 0)), rounding
    )""",
    "small(n)": "cast(n as bigint)",
    "minor(amount)": "cast(amount as bigint)",
    "whole(n, d)": "n div d",
    # In halves of 32 bits: each adds up in 64, where a wide sum makes an object of every value.
    "total(amount)": """cast(
        cast(sum(shiftright(amount, 32)) as decimal(38, 0)) * 4294967296
        + sum(amount & 4294967295) as decimal(38, 0)
    )""",
    "total_where(amount, holds)": "total(case when holds then amount else 0 end)",
    "utc_day(instant)": "unix_micros(instant) div 86400000000",
    "micros(instant)": "unix_micros(instant)",
    "id_key(id)": "xxhash64(id)",
    "id_part(id)": "pmod(xxhash64(id), 16)",
    "instant_us(typed, said)": r"""case
        when typed is not null then unix_micros(typed)
        when said rlike r'^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.]\d{1,6})?(Z|[+-]\d\d:\d\d)\z'
            then unix_micros(try_cast(said as timestamp))
        end""",
    "make_timestamptz(us)": "timestamp_micros(us)",
}
"""Where Spark spells it otherwise: signature to body in Spark's dialect. What is not here is
translated from the body above."""
