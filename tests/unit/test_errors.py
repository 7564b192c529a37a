"""Every error keeps its facts, and crosses a process."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import pytest

from settle import errors
from settle.errors import SettleError


def tree(root: type[SettleError]) -> Iterator[type[SettleError]]:
    yield root
    for kind in root.__subclasses__():
        yield from tree(kind)


@pytest.mark.parametrize("kind", list(tree(SettleError)))
def test_an_error_pickles_with_its_facts(kind: type[SettleError]) -> None:
    """Type, message and fields are the same on the other side."""
    error = kind("row 7: amount is a float", row=7, field="amount")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (kind, str(error), 7, "amount") == (type(other), str(other), other.row, other.field)


def test_a_fact_that_is_not_there_is_an_attribute_error() -> None:
    """An error answers for its own facts only."""
    with pytest.raises(AttributeError):
        _ = SettleError("x").row


def test_the_tree_stands_in_the_docstring() -> None:
    """Whoever reads the module sees every error of the library's own."""
    assert errors.__doc__ is not None
    for kind in tree(SettleError):
        if kind.__module__ == errors.__name__:
            assert kind.__name__ in errors.__doc__
