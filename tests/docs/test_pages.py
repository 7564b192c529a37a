"""Every page's links lead somewhere, its Python runs, and its commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from settle.cli import application

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("adapters/*/*.md")]
)
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[str]:
    found = BLOCK.findall(path.read_text("utf-8"))
    return [body for kind, _, body in found if kind == language]


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as repository hosts make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[`*_]", "", heading).strip().lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file that exists, and an anchor that its page has."""
    text = re.sub(BLOCK, "", page.read_text("utf-8"))
    broken = []
    for link in (a or b for a, b in LINK.findall(text)):
        target, _, anchor = link.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(link)
    assert broken == []


SERVED = ROOT / "docs" / "how-to" / "import-in-a-platform.md"
"""This page's program is served over HTTP by a test of its own."""


@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks(p, "python") and p != SERVED], ids=page_id
)
def test_python_blocks_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_night: Path
) -> None:
    """The blocks of a page run one after the other, beside a small night in `fixtures/night`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "night").symlink_to(small_night)
    source = "\n".join(blocks(page, "python"))
    exec(compile(source, str(page), "exec"), {"__name__": "page"})


def command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command or group of commands that the words name, and the words left over."""
    found: click.Command = application
    context = click.Context(found)
    while words and isinstance(found, click.Group):
        named = found.get_command(context, words[0])
        if named is None:
            break
        found, words = named, words[1:]
    return found, words


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "bash")], ids=page_id)
def test_commands_exist(page: Path) -> None:
    """Each `settle …` line of a page names a command and options that it has."""
    wrong = []
    for line in "\n".join(blocks(page, "bash")).replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words or words[0] != "settle":
            continue
        found, rest = command(words[1:])
        known = {"--help"}
        for param in found.params:
            known |= {*param.opts, *param.secondary_opts}
        if isinstance(found, click.Group) and rest != ["--help"]:
            wrong.append(line)
        wrong += [f"{line}: {word}" for word in rest if word.startswith("--") and word not in known]
    assert wrong == []
