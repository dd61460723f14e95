"""No reader fails on hostile input: the corpus of the fuzzer, and seeded mutations of it."""

from __future__ import annotations

import pytest

from fuzz.mutations import inputs, seeds
from fuzz.targets import TARGETS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_is_taken(name: str) -> None:
    target = TARGETS[name]()
    contents = seeds(name)
    assert contents
    for content in contents:
        target(content)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize(
    "count", [pytest.param(60, id="normal"), pytest.param(25_000, id="deep", marks=pytest.mark.deep)]
)
def test_mutations_are_taken(name: str, count: int) -> None:
    target = TARGETS[name]()
    for content in inputs(name, count, 0):
        target(content)
