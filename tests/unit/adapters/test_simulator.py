"""A simulator's memory survives a kill."""

from __future__ import annotations

from pathlib import Path

from settle.adapters.simulator import Memory


def test_a_torn_line_is_left_out_and_swallows_nothing(tmp_path: Path) -> None:
    """What a kill cut in half is gone, and the next entry stands whole."""
    path = tmp_path / "rail.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":')
    memory = Memory(path)
    memory.append({"n": 2})
    assert list(memory.entries()) == [{"n": 1}, {"n": 2}]
    memory.close()
