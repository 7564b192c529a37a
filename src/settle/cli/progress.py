"""A night's progress on a terminal: a bar while a step is under way, a line when it is done."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console

_TITLE_WIDTH = 38
_WIDTH_MIN = 132
"""On a narrower terminal the figures of a step stand on a line of their own."""


class TerminalProgress:
    """Shows steps with rich; on a pipe it prints one plain line a step."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            console=console,
            transient=True,
        )
        self._title = ""
        self._began = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def begin(self, title: str) -> None:
        """A step begins."""
        self._title, self._began = title, time.monotonic()
        self._task = self._bars.add_task(f"{title:<{_TITLE_WIDTH}}", total=None)

    def advance(self, done: int, total: int) -> None:
        """The step under way has done so much of so much."""
        self._bars.update(self._task, completed=done, total=total)

    def end(self, summary: str) -> None:
        """The step under way has ended, with its figures."""
        self._bars.remove_task(self._task)
        took_s = time.monotonic() - self._began
        narrow = self._console.is_terminal and self._console.width < _WIDTH_MIN
        apart = "\n      " if narrow else ""
        self._console.print(
            f"  {self._title:<{_TITLE_WIDTH}} {apart}{summary}  ({took_s:.1f} s)",
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=not narrow,
        )
