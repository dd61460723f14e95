"""The values of frozen.py behave like dataclasses, except for the time to create them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from functools import cached_property
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import strategies as st

from quantcfg.frozen import Caching, field, frozen_value, replace, small_value
from tests.laws import law


class Written:
    """A class before it is decorated."""

    one: Any
    two: Any = 2
    compared_only: Any = field(default=3, repr=False)
    shown_only: Any = field(default=4, compare=False)
    made: Any = ()


class WrittenForDataclass:
    """A class before it is decorated."""

    one: Any
    two: Any = 2
    compared_only: Any = dataclasses.field(default=3, repr=False)
    shown_only: Any = dataclasses.field(default=4, compare=False)
    made: Any = ()


class Other:
    """A class with a default."""

    one: Any
    two: Any = 2


class Empty:
    """A class without fields."""


def made(decorator: Callable[[type], type], cls: type) -> Any:
    # Each decorator gets a class of its own.
    content = {**vars(cls), "__qualname__": cls.__name__.removesuffix("ForDataclass")}
    return decorator(type(content["__qualname__"], (), content))


OURS = (frozen_value, small_value)
THEIRS = dataclasses.dataclass(frozen=True, slots=True)
CLASSES = {
    decorator: [made(decorator, cls) for cls in (written, Other, Empty)]
    for decorator, written in [*((each, Written) for each in OURS), (THEIRS, WrittenForDataclass)]
}
CONTENTS = st.none() | st.integers(-1, 1) | st.just(float("nan")) | st.lists(st.integers(0, 1), max_size=1)
ARGUMENTS = st.tuples(st.just(0), st.lists(CONTENTS, min_size=1, max_size=5)) | st.one_of(
    st.tuples(st.just(1), st.lists(CONTENTS, min_size=1, max_size=2)), st.just((2, []))
)


@frozen_value
class Pickled:
    """Pickle finds classes by name."""

    one: Any
    two: Any = field(default=2, compare=False, repr=False)


@frozen_value
class Worked(Caching):
    one: int
    asked: Any = field(compare=False)

    @cached_property
    def out(self) -> int:
        self.asked.append(self.one)
        return self.one + 1


def hash_of(value: object) -> int | None:
    try:
        return hash(value)
    except TypeError:
        return None


@law(ARGUMENTS, ARGUMENTS)
def test_values_are_equal_hashed_and_shown_as_those_of_dataclass(
    one: tuple[int, list[Any]], other: tuple[int, list[Any]]
) -> None:
    def pair(decorator: Any) -> list[Any]:
        return [CLASSES[decorator][index](*given) for index, given in (one, other)]

    theirs = pair(THEIRS)
    for decorator in OURS:
        ours = pair(decorator)
        assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])
        assert list(map(repr, ours)) == list(map(repr, theirs))
        assert [hash_of(each) is None for each in ours] == [hash_of(each) is None for each in theirs]
        assert ours[0] != ours[1] or hash_of(ours[0]) == hash_of(ours[1])


@pytest.mark.parametrize("decorator", OURS)
def test_the_classes_say_of_themselves_what_those_of_dataclass_say(decorator: Any) -> None:
    for ours, theirs in zip(CLASSES[decorator], CLASSES[THEIRS], strict=True):
        assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
        assert (ours.__slots__, ours.__match_args__) == (theirs.__slots__, theirs.__match_args__)
        assert ours.__doc__ == theirs.__doc__


@pytest.mark.parametrize("decorator", OURS)
def test_another_class_may_say_that_it_is_equal(decorator: Any) -> None:
    value = CLASSES[decorator][0](1)
    assert value == ANY
    assert value != (1, 2, 3, ())


@pytest.mark.parametrize("name", ["one", "two", "made"])
def test_a_field_of_a_frozen_value_is_neither_set_again_nor_deleted(name: str) -> None:
    value = CLASSES[frozen_value][0](1)
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(value, name, getattr(value, name))
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot delete field '{name}'"):
        delattr(value, name)
    assert value == CLASSES[frozen_value][0](1)


def test_a_frozen_value_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        CLASSES[frozen_value][0](1).another = 1


def test_frozen_values_can_be_changed_in_a_copy_copied_and_pickled() -> None:
    value = Pickled([1], 3)
    assert repr(replace(value, one=2)) == "Pickled(one=2)"
    assert replace(value, one=2).two == 3
    for same in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert same is not value
        assert (type(same), same.one, same.two) == (Pickled, [1], 3)
        with pytest.raises(dataclasses.FrozenInstanceError):
            same.one = 2  # type: ignore[misc]


def test_what_was_worked_out_of_a_value_is_kept_and_makes_no_difference() -> None:
    value = Worked(1, [])
    assert (value.out, value.out, value.asked) == (2, 2, [1])
    assert value == Worked(1, [0])
    assert hash(value) == hash(Worked(1, [0]))
    assert pickle.loads(pickle.dumps(value)).out == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.one = 2  # type: ignore[misc]


@pytest.mark.parametrize("decorator", OURS)
def test_a_class_keeps_the_methods_that_it_defines(decorator: Any) -> None:
    class Shown:
        one: Any

        def __repr__(self) -> str:
            return "shown"

    assert repr(decorator(Shown)(1)) == "shown"
