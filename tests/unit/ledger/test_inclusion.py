"""A merchant checks its own lines alone, with a script that knows nothing of this library."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from settle.errors import BadInput
from settle.ledger import accounts, post, prove
from settle.ledger.tables import journal
from settle.store import Store

from .conftest import NOW, SIGNER, postings, sealed, touched

CHECKER = Path(__file__).resolve().parents[3] / "docs" / "reference" / "check_proof.py"

Checked = subprocess.CompletedProcess[str]
Check = Callable[..., Checked]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Check a proof in a bare process: no site packages, no environment, another folder."""

    def run(proof: dict[str, Any], *more: str) -> Checked:
        file = tmp_path / "proof.json"
        file.write_text(json.dumps(proof))
        return subprocess.run(
            [sys.executable, "-I", "-S", str(CHECKER), str(file), *more],
            capture_output=True, text=True, cwd=tmp_path, env={}, timeout=60, check=False,
        )  # fmt: skip

    return run


def proof_of(store: Store, agreement: str) -> dict[str, Any]:
    with store.reading() as connection:
        return prove(connection, accounts.of_agreement(agreement), of=agreement).as_json()


def lines(proof: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for block in proof["blocks"]:
        yield from block["lines"]


def test_a_proof_holds_and_shows_the_merchants_lines_only(chain: Store, check: Check) -> None:
    """All of its sealed lines, in blocks of several nights, and nobody else's."""
    proof = proof_of(chain, "A-2")
    with chain.reading() as connection:
        query = sa.select(journal.c.entry_id).where(journal.c.credit == "payable/A-2")
        mine = sorted(connection.scalars(query))
    leaves = [json.loads(line["leaf"])["row"] for line in lines(proof)]
    assert mine == sorted(leaf["entry_id"] for leaf in leaves)
    assert {"payable/A-2"} == {leaf["credit"] for leaf in leaves}
    done = check(proof)
    assert (0, "") == (done.returncode, done.stderr)
    assert f"3 lines, in the chain whose head is 6:{proof['head']}" in done.stdout


def test_a_proof_is_held_against_a_head_that_is_known(chain: Store, check: Check) -> None:
    """The head of another day or of another chain is not this one's."""
    proof = proof_of(chain, "A-2")
    assert 0 == check(proof, f"6:{proof['head']}").returncode
    assert 1 == check(proof, f"5:{proof['head']}").returncode
    assert 1 == check(proof, "6:" + "0" * 64).returncode


def tampered(proof: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The proof with one thing changed, for each thing that it has."""

    def changed(
        what: str, change: Callable[[dict[str, Any]], object]
    ) -> tuple[str, dict[str, Any]]:
        other = copy.deepcopy(proof)
        change(other)
        return what, other

    def first(other: dict[str, Any]) -> dict[str, Any]:
        return next(lines(other))

    def flipped(text: str) -> str:
        return ("1" if text[0] == "0" else "0") + text[1:]

    yield changed("amount", lambda p: first(p).update(
        leaf=first(p)["leaf"].replace('"amount_minor":', '"amount_minor":9')))  # fmt: skip
    yield changed(
        "salt", lambda p: first(p).update(leaf=first(p)["leaf"].replace('salt":"', 'salt":"0'))
    )
    yield changed("index", lambda p: first(p).update(index=first(p)["index"] ^ 1))
    yield changed("beyond", lambda p: first(p).update(index=first(p)["index"] + 64))
    yield changed("before", lambda p: first(p).update(index=-1))
    yield changed(
        "sibling", lambda p: first(p)["path"].__setitem__(0, flipped(first(p)["path"][0]))
    )
    yield changed("short", lambda p: first(p)["path"].pop())
    yield changed("long", lambda p: first(p)["path"].append("0" * 64))
    yield changed("twice", lambda p: p["blocks"][0]["lines"].append(first(p)))
    yield changed("header", lambda p: p["blocks"][0].update(
        header=p["blocks"][0]["header"].replace('"count":', '"count":1')))  # fmt: skip
    yield changed("head", lambda p: p.update(head=flipped(p["head"])))
    yield changed("block", lambda p: p["blocks"].pop(1))
    yield changed("end", lambda p: p["blocks"].pop())
    yield changed("order", lambda p: p["blocks"].reverse())
    yield changed("nothing", lambda p: p.update(blocks=[]))


def test_a_proof_that_was_touched_anywhere_is_refused(chain: Store, check: Check) -> None:
    """Leaf, place, path, header, chain and head: each of them is held against the others."""
    held = [what for what, other in tampered(proof_of(chain, "A-2")) if not check(other).returncode]
    assert [] == held


def test_the_checker_is_short_enough_to_be_read_by_whoever_runs_it() -> None:
    """Thirty lines of code at most, and nothing but Python's own library."""
    text = CHECKER.read_text()
    code = [each for each in text.splitlines() if each.strip() and each.strip()[0] not in '#"']
    assert len(code) <= 30
    imported = [each.split()[1] for each in code if each.startswith("import ")]
    assert ["hashlib", "json", "sys"] == imported


def test_lines_that_no_block_has_yet_are_told(chain: Store) -> None:
    """What is not sealed is not proved, and not kept silent."""
    with chain.transaction() as connection:
        post(connection, postings(700, 8), recorded_at=NOW)
    assert 2 == proof_of(chain, "A-0")["unsealed"]
    sealed(chain, signer=SIGNER)
    assert 0 == proof_of(chain, "A-0")["unsealed"]
    assert 5 == len(list(lines(proof_of(chain, "A-0"))))


def test_a_merchant_without_lines_is_refused_by_name(chain: Store) -> None:
    """A slip of the pen gets no empty proof."""
    with pytest.raises(BadInput, match="A-99: no sealed line"):
        proof_of(chain, "A-99")


def test_no_proof_is_made_of_what_was_touched(chain: Store) -> None:
    """Who asks is sent to the audit, with the block."""
    with touched(chain) as connection:
        connection.execute(sa.update(journal).values(amount_minor=7))
        with pytest.raises(BadInput, match="not as it was sealed"):
            prove(connection, accounts.of_agreement("A-2"), of="A-2")


def test_a_neighbours_line_cannot_be_guessed_from_a_proof(chain: Store) -> None:
    """Two leaves of the same figures have other hashes, for each has a salt of its own."""
    salts = [json.loads(line["leaf"])["salt"] for line in lines(proof_of(chain, "A-2"))]
    assert len(salts) == len(set(salts))
    assert {32} == {len(salt) for salt in salts}
