"""A file that is another one by the end was never read as one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from settle.clearing.stamps import Stamp, unchanged
from settle.errors import BadInput


def rewrite(path: Path) -> None:
    path.write_text("other")


def replace(path: Path) -> None:
    """Another file of the same size and time takes its place, as `mv` and `rsync` do it."""
    before = path.stat()
    other = path.with_name("other")
    other.write_text("five!")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def stamped(path: Path) -> Stamp:
    path.write_text("first")
    os.utime(path, ns=(0, 0))
    return Stamp.of(path, path.stat(), name="r.parquet")


@pytest.mark.parametrize("change", [rewrite, replace, Path.unlink])
def test_a_file_that_changed_meanwhile_is_refused(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """Its name is told, and what else went wrong over it is not."""
    stamp = stamped(tmp_path / "r.parquet")
    told = "r.parquet was changed while it was read"
    with pytest.raises(BadInput, match=told), unchanged([stamp]):
        change(stamp.path)
    with pytest.raises(BadInput, match=told), unchanged([stamp]):
        raise ValueError("a column is gone")


def test_a_file_that_stayed_is_read_and_its_faults_are_its_own(tmp_path: Path) -> None:
    """Nothing is said of a file that nobody touched."""
    stamp = stamped(tmp_path / "r.parquet")
    with unchanged([stamp]):
        assert "first" == stamp.path.read_text()
    with pytest.raises(ValueError, match="a fault"), unchanged([stamp]):
        raise ValueError("a fault")
