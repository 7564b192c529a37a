"""Every command shows how it is called, and each example is one that the command would take."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click
import pytest

from settle.cli import application


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    """Every command under one that does something by itself, by how it is called."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, (*path, name))
    else:
        yield " ".join(path), command


ALL = dict(commands(application, ("settle",)))


def examples(command: click.Command) -> list[str]:
    """The lines under "Examples:", those that go on joined to what they go on from."""
    text = (command.help or "").partition("Examples:")[2].replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line.startswith("settle ")]


def parse(command: click.Command, words: list[str], parent: click.Context | None = None) -> str:
    """Which command some words call, their options and arguments read and nothing done."""
    if not isinstance(command, click.Group):
        command.make_context(command.name, words, parent=parent)
        return ""
    context = command.make_context(command.name, words, parent=parent)
    name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
    assert found is not None
    return f"{name} {parse(found, rest, context)}".strip()


@pytest.mark.parametrize("name", ALL)
def test_each_example_of_a_command_is_one_that_it_takes(name: str) -> None:
    """It names options that are there, with values that they take, and calls this very command."""
    shown = examples(ALL[name])
    assert shown, f"{name} has no example"
    for line in shown:
        words = shlex.split(line, comments=True)
        if ">" in words:
            words = words[: words.index(">")]
        assert name == f"settle {parse(application, words[1:])}", line
