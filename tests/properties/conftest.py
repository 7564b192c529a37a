"""Properties are part of the soak, where each draws many more examples."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark those that draw examples, and hurry none of them in the soak."""
    for item in items:
        is_drawn = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if HERE in item.path.parents and is_drawn:
            item.add_marker(pytest.mark.soak)
            item.add_marker(pytest.mark.timeout(3600))
