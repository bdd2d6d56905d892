"""Models composed of parts compute the same in another process, or are refused when saved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

pytest.importorskip("torch")

from model_compositions import Processes, compositions

COUNT = int(os.environ.get("NBTRACK_COMPOSITIONS", "50"))


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    found = Processes(tmp_path_factory.mktemp("compositions"))
    yield found
    found.close()


@pytest.mark.timeout(max(180, 3 * COUNT))
@settings(
    max_examples=COUNT,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(case=compositions())
def test_no_composition_is_silently_wrong(processes: Processes, case: dict[str, Any]) -> None:
    said, loaded = processes.outcome(case)
    if said == "saved":
        assert loaded == "same"
    elif said != "no model":
        assert said.startswith("refused: "), said
        assert not case["sure"], said
