"""The tree is that of RFC 6962: held against its definition, and against its own test vectors."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settle.ledger.merkle import EMPTY, Tree, leaf_hash

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
          "606162636465666768696a6b6c6d6e6f"]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""The roots over the first one to eight leaves, as certificate transparency logs publish them."""


def mth(leaves: list[bytes]) -> bytes:
    """Section 2.1 as it is written: split at the largest power of two below the count."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """Section 2.1.1 as it is written."""
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_root_and_paths_are_those_of_the_definition(leaves: list[bytes]) -> None:
    """Any number of leaves, whole powers of two or not."""
    tree = Tree([leaf_hash(leaf) for leaf in leaves])
    assert mth(leaves) == tree.root
    assert [path(m, leaves) for m in range(len(leaves))] == [
        tree.path(m) for m in range(len(leaves))
    ]


@pytest.mark.parametrize("count", range(1, 9))
def test_roots_are_the_published_ones(count: int) -> None:
    """A reference that had the same mistake would not show it."""
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:count]]
    assert ROOTS[count - 1] == Tree(leaves).root.hex()


def test_no_leaves_have_a_root_of_their_own() -> None:
    """The hash of nothing, as the RFC says."""
    assert "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" == EMPTY.hex()
    assert EMPTY == Tree([]).root
