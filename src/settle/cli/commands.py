"""Groups of commands: their help, and how the command that is asked for is found."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from settle.errors import Interrupted


class Commands(click.Group):
    """A group in whose help each command has the first line of its own. This cuts none short."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002, the names are ours
        """The commands in the order in which they were added."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the commands of this group are for."""
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, _first_line(command)) for name, command in found.items() if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class LazyCommands(Commands):
    """The commands of modules. This loads a module when one of its commands is asked for."""

    def __init__(self, *, modules: Mapping[str, str], **given: Any) -> None:
        super().__init__(**given)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002, the names are ours
        """The commands, none of them loaded."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of its module, where it stands under its own name."""
        if cmd_name not in self._modules:
            return None
        found: click.Command = getattr(import_module(self._modules[cmd_name]), cmd_name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; of one that is unknown, what may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=self._modules, ctx=ctx
            ) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Who interrupts it is told so, and as shells do by 128 + SIGINT."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, Interrupted):
            click.echo("\nAborted!", err=True)
            ctx.exit(130)


def _first_line(command: click.Command) -> str:
    return (command.help or "").partition("\n")[0]
