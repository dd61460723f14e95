from __future__ import annotations

from string import ascii_lowercase

from hypothesis import strategies as st

from quantcfg.diagnostics.suggest import did_you_mean, nearest
from tests.laws import law

FIELDS = ("batch_num", "activation_offset", "skip_layers", "skip_layer_types", "do_fusion")
WORDS = st.text(ascii_lowercase + "_", max_size=12)


def test_a_name_with_a_slip_is_found() -> None:
    for name in ("batchnum", "batch_nun", "bacth_num", "batch_num_", "abatch_num"):
        assert nearest(name, FIELDS) == "batch_num"


def test_of_two_names_the_nearer_one_is_found() -> None:
    assert nearest("skip_layer", FIELDS) == "skip_layers"
    assert nearest("skip_layer_type", FIELDS) == "skip_layer_types"


def test_a_name_that_differs_in_case_only_is_nearer_than_one_that_differs_by_a_letter() -> None:
    assert nearest("conv1", ["conv2", "CONV1", "conv"]) == "CONV1"


def test_a_name_far_from_all_others_finds_none() -> None:
    assert nearest("x", FIELDS) is None
    assert nearest("", FIELDS) is None
    assert nearest("batch_num", []) is None


def test_the_known_names_may_come_one_by_one() -> None:
    assert nearest("batchnum", iter(FIELDS)) == "batch_num"


def test_the_nearest_name_is_asked_for() -> None:
    assert did_you_mean("batchnum", FIELDS) == 'did you mean "batch_num"?'
    assert did_you_mean("x", FIELDS) is None


@law(WORDS, st.lists(WORDS, max_size=5))
def test_what_is_found_is_one_of_the_known_names(name: str, known: list[str]) -> None:
    assert nearest(name, known) in (None, *known)


@law(st.lists(WORDS, min_size=1, max_size=5))
def test_a_known_name_is_nearest_to_itself(known: list[str]) -> None:
    assert [nearest(name, known) for name in known] == known


@law(st.lists(WORDS, min_size=1, max_size=5))
def test_in_capitals_a_known_name_is_nearest_to_itself(known: list[str]) -> None:
    assert [nearest(name.upper(), known) for name in known] == known
