"""Drive a conversation by hand: with canned answers, and no network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from settle.adapters.exchange import Conversation, Exchange, Response

T = TypeVar("T")


def converse(
    conversation: Conversation[T], answer: Callable[[Exchange], Response]
) -> tuple[T, list[Exchange]]:
    """Run a conversation against a function. This returns its result and what it asked.

    It is how adapters are tested without a network, and how recorded traffic is replayed.
    """
    asked: list[Exchange] = []
    try:
        exchange = next(conversation)
        while True:
            asked.append(exchange)
            exchange = conversation.send(answer(exchange))
    except StopIteration as end:
        result: T = end.value
        return result, asked
