"""What a misspelt name was probably meant to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from quantcfg import limits
from quantcfg.diagnostics.phrases import alternatives
from quantcfg.frozen import small_value

_MOST = 3
_SHORTEST_SLIP = 3
_LEAST_ALIKE = 0.6


@small_value
class Suggestion:
    """The known names that a name is near to, the best one first.

    slip is the one that it must have been meant to be: a slip of the pen away
    from the name, as no other is. Where there is one, putting it in needs no
    judgement.
    """

    names: tuple[str, ...] = ()
    slip: str | None = None

    @property
    def help(self) -> str | None:
        """The names as a question, or None where there are none."""
        return f"did you mean {alternatives(self.names)}?" if self.names else None


def suggest(name: str, known: Iterable[str]) -> Suggestion:
    """Return what a name that is none of the known ones was probably meant to be.

    A name that differs only in case, in "_" or in "-" is nearest of all. If some names differ
    by one character, only those are suggested: conv2 for conv22, not conv1. For a very long
    name, only slips are suggested.
    """
    names = list(known)
    if len(name) > limits.COMPARED_LENGTH:
        # To tell of a short one that it is no slip takes longer than it is worth.
        near = [other for other in names if 2 * len(other) > len(name) and _is_slip(name, other)]
    else:
        names = [other for other in names if len(other) <= limits.COMPARED_LENGTH]
        near = [other for other in names if _plain(other) == _plain(name)] or _most_alike(name, names)
    slips = [other for other in near if _is_slip(name, other)]
    if len(slips) == 1:
        return Suggestion(tuple(slips), slips[0])
    nearest = [other for other in near if _difference(name, other) is not None]
    return Suggestion(tuple((nearest or near)[:_MOST]))


def worth_suggesting(unknown: Iterable[str], known: Collection[str]) -> Sequence[str]:
    """Return the names of which to find out what they were meant to be, each once: of very many the first."""
    return list(dict.fromkeys(unknown))[: 1 + limits.COMPARISONS // max(1, len(known))]


def meant_by_several(suggestions: Iterable[Suggestion]) -> Collection[str]:
    """Return the names that several others are slips of: none of those is to be mended without judgement."""
    return [slip for slip, count in Counter(each.slip for each in suggestions).items() if slip and count > 1]


def is_slip_of_any(name: str, known: Iterable[str]) -> bool:
    """Tell whether a name may be a slip, without the time that all suggestions for it would take."""
    return any(_is_slip(name, candidate) for candidate in known)


def _most_alike(name: str, known: Sequence[str]) -> list[str]:
    """Return the known names that are most like a name."""
    from difflib import get_close_matches

    return get_close_matches(name, known, n=_MOST, cutoff=_LEAST_ALIKE)


@lru_cache
def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def near(name: str, known: Iterable[str]) -> Sequence[str]:
    """Return the known names that differ from one in case, "_" or "-", one letter, or two swapped ones.

    A name that is very long is near to none.
    """
    if len(name) > limits.COMPARED_LENGTH:
        return []
    plain = _plain(name)
    return [
        other
        for other in known
        if _plain(other) == plain or (abs(len(other) - len(name)) <= 1 and _is_one_edit(*_parts(name, other)))
    ]


def _is_slip(name: str, meant: str) -> bool:
    """Return whether a name differs from what was meant by one letter, or only in case, "_" or "-".

    A number is not mistaken for another by a slip of the pen: "conv2" is not a
    misspelt "conv1".
    """
    if _plain(name) == _plain(meant):
        return name != meant
    difference = _difference(name, meant)
    return difference is not None and not any(char.isdigit() for char in difference)


def _difference(name: str, meant: str) -> str | None:
    """Return the characters in which names differ, or None if that is more than one or two swapped ones.

    Of very short names one letter is too much of them to tell.
    """
    if abs(len(name) - len(meant)) > 1:
        return None
    one, other = _parts(name, meant)
    is_long_enough = len(one) == 2 or len(name) - len(one) >= _SHORTEST_SLIP
    return one + other if is_long_enough and _is_one_edit(one, other) else None


def _parts(one: str, other: str) -> tuple[str, str]:
    """Return what is left of two words without what they start and end with in common."""
    start = _common_start(one, other)
    one, other = one[start:], other[start:]
    end = _common_start(one[::-1], other[::-1])
    return one[: len(one) - end], other[: len(other) - end]


def _is_one_edit(one: str, other: str) -> bool:
    """Return whether one letter, or two that are swapped, are all that two words differ in."""
    return (len(one) <= 1 and len(other) <= 1) or (len(one) == 2 and one == other[::-1])


def _common_start(one: str, other: str) -> int:
    """Return how many characters two words start with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
