"""What the benchmarks stand on; what they measure is asserted nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import report
from benchmarks.comparisons import Result, inputs_of_a_compile
from benchmarks.measure import Costs
from benchmarks.stages import shares

if TYPE_CHECKING:
    from pathlib import Path


def test_the_stages_of_a_compile_are_its_whole_time(tmp_path: Path) -> None:
    model, config = inputs_of_a_compile(tmp_path, None)
    parts = shares(model, config, tmp_path / "config.json")
    assert {"imports", "prototxt to syntax tree", "passes", "validation", "the rest"} <= parts.keys()
    assert sum(parts.values()) == pytest.approx(1)
    assert min(parts.values()) > -0.1


def test_a_goal_is_met_or_missed_by_the_ratio() -> None:
    results = [
        Result("a", "b", Costs(1, 2), goal=0.5),
        Result("a", "b", Costs(2, 1), goal=1),
        Result("a", "b", Costs(2, 1)),
    ]
    assert [result.verdict for result in results] == ["met", "missed", ""]
    assert report.summary(results) == "1 of 2 goals met"
    assert report.line(results[0]).split() == ["a", "b", "0.50", "0.5", "met", "1.0", "ms", "2.0", "ms"]
