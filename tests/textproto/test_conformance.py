from __future__ import annotations

from collections import Counter

import pytest

from tests.textproto.conformance_cases import CASES, FAILURES, Case, performance_cases
from tests.textproto.reading import parsed, read, read_by_google, same


def meets(case: Case) -> bool:
    """Return whether a case has the expected result."""
    reading = read(case.text, case.message_type)
    if case.expected is None or not reading.accepted:
        return case.expected is None and not reading.accepted
    expected = read_by_google(case.expected, case.message_type)
    return expected is not None and same(reading.message, expected)


def by_name(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_cases_come_out_as_expected_but_for_the_known_failures(case: Case) -> None:
    assert meets(case) == (case.name not in FAILURES)


@pytest.mark.parametrize("case", [case for case in CASES if case.name in FAILURES], ids=by_name)
def test_the_known_failures_parse_and_are_refused_as_not_supported(case: Case) -> None:
    parsed(case.text)
    assert set(read(case.text, case.message_type).codes) == {"QC209"}


def test_what_is_expected_is_spelled_so_that_google_reads_it() -> None:
    assert all(read_by_google(case.expected, case.message_type) for case in CASES if case.expected)


def test_the_known_failures_are_cases() -> None:
    assert FAILURES.keys() <= {case.name for case in CASES}


def test_every_case_has_a_name_of_its_own() -> None:
    assert max(Counter(case.name for case in CASES).values()) == 1


@pytest.mark.parametrize("case", performance_cases(500), ids=by_name)
def test_messages_that_are_given_often_merge(case: Case) -> None:
    assert meets(case)


@pytest.mark.deep
@pytest.mark.parametrize("case", performance_cases(50_000), ids=by_name)
def test_messages_that_are_given_as_often_as_in_the_suite_merge(case: Case) -> None:
    assert meets(case)
