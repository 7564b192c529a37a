"""The night in a sentence and in the last lines of a run."""

from __future__ import annotations

from dataclasses import replace

from settle.report import MorningReport, sentence, summary_lines


def test_the_last_lines_name_every_figure(rich: MorningReport) -> None:
    """A run ends with what came in, what was paid, what matched, what is open, what balances."""
    expected = [
        "records in: 301,204 = 300,871 accepted + 318 duplicates + 15 quarantined",
        (
            "payments so far: 3,315 accepted, 1,710 booked, 6 rejected, 4 returned, 61 scheduled, "
            "2 unknown"
        ),
        "lines matched: 1,856 of 1,875 (98.98\u00a0%)",
        "open breaks: 7, unknown payments: 1",
        "ledger balanced: 15 currencies",
    ]
    assert expected == summary_lines(rich)


def test_a_currency_that_does_not_balance_is_named(rich: MorningReport) -> None:
    """One proof that fails takes its currency out of the balanced ones."""
    failed = replace(rich.proofs[0], holds=False)

    last = summary_lines(replace(rich, proofs=(failed, *rich.proofs[1:])))[-1]

    assert last == f"ledger balanced: 14 currencies; does NOT hold: {failed.name} in AUD"


def test_the_sentence_says_what_to_look_at(rich: MorningReport, clean: MorningReport) -> None:
    """The headline counts what is open, or says that nothing is."""
    assert sentence(replace(rich, rails_down=("lark",))) == (
        "5,145 obligations in 15 currencies; to look at: lark is down, 1 payment with unknown "
        "outcome, 6 payments that somebody must act on, 61 payments waiting for funds, "
        "1 need that cannot be funded, 7 open breaks and 15 records in quarantine."
    )
    assert sentence(clean) == "5,145 obligations in 15 currencies; nothing is open."
