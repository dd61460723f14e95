"""Laws: tests that hold for whatever examples are generated."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.editions import EDITIONS, KnownEdition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

TWICE = 2.5
"""At most how many times the calls twice the input takes, where the work grows in step with it."""

DEEP = 40
"""How many times more examples the deep run takes."""


_NORMAL_AND_DEEP = pytest.mark.parametrize(
    "times",
    [
        pytest.param(1, id="normal", marks=pytest.mark.law),
        pytest.param(DEEP, id="deep", marks=pytest.mark.deep),
    ],
)


def law(
    *strategies: SearchStrategy[Any], examples: int = 80
) -> Callable[[Callable[..., None]], Callable[[int], None]]:
    """Make a test of a law, and its deep twin.

    The examples of the normal run are the same in each run of the same tests; those
    of the deep run are new each time.
    """

    def make_test(holds: Callable[..., None]) -> Callable[[int], None]:
        @_NORMAL_AND_DEEP
        def test(times: int) -> None:
            _check(holds, strategies, examples, times)

        return test

    return make_test


def law_of_editions(
    *strategies: Callable[[KnownEdition], SearchStrategy[Any]], examples: int = 80
) -> Callable[[Callable[..., None]], Callable[[int, str], None]]:
    """Make a test of a law for each edition; the strategies are those for an edition.

    The editions share the examples of the normal run; in the deep run each has its own.
    """

    def make_test(holds: Callable[..., None]) -> Callable[[int, str], None]:
        @pytest.mark.parametrize("edition", EDITIONS)
        @_NORMAL_AND_DEEP
        def test(times: int, edition: str) -> None:
            share = examples if times == DEEP else examples // len(EDITIONS)
            _check(holds, [strategy(EDITIONS[edition]) for strategy in strategies], share, times)

        return test

    return make_test


def _check(
    holds: Callable[..., None], strategies: Sequence[SearchStrategy[Any]], examples: int, times: int
) -> None:
    run = settings(
        max_examples=examples * times,
        derandomize=times == 1,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run(given(*strategies)(holds))()


def calls(work: Callable[[], object]) -> int:
    """Return how many functions some work calls, those written in C included."""
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
