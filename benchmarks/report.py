"""Show the results as a table, on the terminal and in docs/performance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks import pages
from benchmarks.comparisons import Result
from benchmarks.stages import REST

_PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_LIBRARIES = ("protobuf", "jsonschema", "lark", "numpy")
_HEADER = ("what", "against", "ratio", "goal", "verdict", "ours", "theirs")
_LINE = "{:59} {:43} {:>6} {:>6} {:7} {:>11} {:>11}"
_LEAST_SHOWN = 0.01
"""The smallest share of the time that is listed separately."""


def header() -> str:
    """Return the lines above the table: date, machine and versions, and the column headings."""
    return f"{_origin()}\n\n{_LINE.format(*_HEADER)}"


def line(result: Result) -> str:
    """Return a result as a line of the table."""
    return _LINE.format(*_cells(result))


def summary(results: Sequence[Result]) -> str:
    """Return how many goals are met, or an empty string if there are none."""
    verdicts = [result.verdict for result in results if result.verdict]
    return f"{verdicts.count('met')} of {len(verdicts)} goals met" if verdicts else ""


def stages(shares: Mapping[str, float]) -> str:
    """Return the share of each stage of a compile as one sentence; small stages are part of the rest."""
    large = {stage: share for stage, share in shares.items() if share >= _LEAST_SHOWN and stage != REST}
    shown = ", ".join(f"{stage} {share:.0%}" for stage, share in large.items())
    return (
        f"Processor time of `quantcfg compile` in a new process: {shown}, "
        f"{REST} {1 - sum(large.values()):.0%}."
    )


def write(results: Sequence[Result], shares: Mapping[str, float]) -> None:
    """Replace the results in docs/performance.md."""
    pages.replace_results(_PAGE, f"{_page(results)}\n{stages(shares)}\n")


def _page(results: Sequence[Result]) -> str:
    return f"{_origin()}\n\n{pages.table(_HEADER, map(_cells, results))}"


def _origin() -> str:
    return f"{date.today().isoformat()}, {_machine()}, {_versions()}."


def _cells(result: Result) -> list[str]:
    costs, goal = result.costs, "" if result.goal is None else f"{result.goal:g}"
    shown = [f"{value:.1f} {result.unit}" for value in (costs.ours, costs.theirs)]
    return [result.what, result.against, f"{costs.ratio:.2f}", goal, result.verdict, *shown]


def _machine() -> str:
    return f"{platform.system()} on {platform.machine()} with {os.cpu_count()} processors"


def _versions() -> str:
    libraries = [f"{name} {version(name)}" for name in _LIBRARIES]
    return ", ".join([f"Python {platform.python_version()}", *libraries])
