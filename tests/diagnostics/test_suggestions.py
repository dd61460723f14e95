from __future__ import annotations

from string import ascii_lowercase

import pytest
from hypothesis import strategies as st

from quantcfg import limits
from quantcfg.diagnostics.suggestions import suggest
from tests.laws import law

FIELDS = ("batch_num", "activation_offset", "skip_layers", "skip_layer_types", "do_fusion")
LAYERS = ("conv1", "conv2", "conv10", "res2a_branch1", "res2a_branch2a", "fc1000")
WORDS = st.text(ascii_lowercase + "_", max_size=12)


@pytest.mark.parametrize(
    "name",
    [
        *("batchnum", "batch_nun", "bacth_num", "batch_num_", "abatch_num", "bbatch_num"),
        *("BATCH_NUM", "batch-num", "batchNum"),
    ],
)
def test_a_typing_error_has_one_suggestion(name: str) -> None:
    suggestion = suggest(name, FIELDS)
    assert suggestion.slip == "batch_num"
    assert suggestion.names == ("batch_num",)
    assert suggestion.help == 'did you mean "batch_num"?'


@pytest.mark.parametrize(
    ("name", "known", "names"),
    [
        ("skip_layer", FIELDS, "skip_layers"),
        ("batch_number", FIELDS, "batch_num"),
        ("fusion", FIELDS, "do_fusion"),
        # A number is not mistaken for another by a slip: it may be any of them, or none.
        ("conv3", LAYERS, "conv2 conv1"),
        # A name that differs by one character leaves no others: not those of other numbers, nor longer ones.
        ("conv22", ("conv1", "conv2_dw", "conv2"), "conv2"),
        ("conv11", ("conv1", "conv2", "conv3_1"), "conv1"),
        ("relu22", ("relu1", "relu2", "relu_out"), "relu2"),
        ("conv2_dww1", ("conv1_dw1", "conv2_dw1", "conv2_dw2"), "conv2_dw1"),
        ("fc66", ("fc6", "fc7", "fc8"), "fc6"),
        ("conv22", ("conv1", "conv3"), "conv3 conv1"),
        ("res2b_branch1", ("res2a_branch1", "res2c_branch1"), "res2c_branch1 res2a_branch1"),
        ("fc100", LAYERS, "fc1000"),
        # Short names are too much alike.
        ("ab", ("ac", "bb"), ""),
    ],
)
def test_names_that_are_near_come_with_the_best_one_first(
    name: str, known: tuple[str, ...], names: str
) -> None:
    suggestion = suggest(name, known)
    assert " ".join(suggestion.names) == names
    assert suggestion.slip is None or suggestion.names == (suggestion.slip,)


def test_of_several_slips_none_is_the_one_that_was_meant() -> None:
    suggestion = suggest("res2x_branch", ("res2a_branch", "res2b_branch"))
    assert suggestion.slip is None
    assert len(suggestion.names) == 2


def test_a_number_is_not_mistaken_for_another_by_a_slip() -> None:
    for name in ("conv3", "conv11", "conv", "fc100", "fc10000"):
        assert suggest(name, LAYERS).slip is None


def test_a_name_that_differs_in_case_only_is_nearer_than_one_that_differs_by_a_letter() -> None:
    assert suggest("conv1", ["conv2", "CONV1", "conv"]).slip == "CONV1"


def test_a_name_far_from_all_others_finds_none() -> None:
    for name, known in [("x", FIELDS), ("", FIELDS), ("batch_num", [])]:
        suggestion = suggest(name, known)
        assert (suggestion.names, suggestion.slip, suggestion.help) == ((), None, None)


def test_very_long_names_are_compared_only_for_slips() -> None:
    longest = "layer_" * (limits.COMPARED_LENGTH // 6)
    assert suggest(longest + "ab", [longest + "abcde"]).names == ()
    for long in (longest + "name", longest * 100):
        for slip in (long.upper(), long.replace("_", "-"), long[1:], long + "x"):
            assert suggest(slip, [long, long * 2]).slip == long


def test_the_known_names_may_come_one_by_one() -> None:
    assert suggest("batchnum", iter(FIELDS)).slip == "batch_num"


def test_several_names_are_joined_by_or() -> None:
    assert suggest("conv3", LAYERS).help == 'did you mean "conv2" or "conv1"?'


@law(WORDS, st.lists(WORDS, max_size=5))
def test_what_is_found_are_some_of_the_known_names(name: str, known: list[str]) -> None:
    suggestion = suggest(name, known)
    assert set(suggestion.names) <= set(known)
    assert suggestion.slip in (None, *suggestion.names)


@law(st.lists(WORDS, min_size=1, max_size=5, unique_by=lambda word: word.replace("_", "")))
def test_in_capitals_a_known_name_is_what_was_meant(known: list[str]) -> None:
    for name in known:
        if name.strip("_"):
            assert suggest(name.upper(), known).slip == name


@law(st.text(ascii_lowercase, min_size=6, max_size=12), st.integers(0, 11), st.sampled_from(ascii_lowercase))
def test_a_letter_too_many_too_few_or_mistaken_is_a_slip(name: str, at: int, letter: str) -> None:
    at = min(at, len(name) - 1)
    for slip in (
        name[:at] + name[at + 1 :],
        name[:at] + letter + name[at:],
        name[:at] + letter + name[at + 1 :],
    ):
        assert slip == name or suggest(slip, [name]).slip == name
