"""Suggestions for misspelled names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from quantcfg import limits
from quantcfg.diagnostics.phrases import alternatives
from quantcfg.frozen import small_value

_MAX_NAMES = 3
_MIN_COMMON = 3
_MIN_SIMILARITY = 0.6


@small_value
class Suggestion:
    """The known names that are similar to an unknown one, the best first.

    slip is the only name that is one typing error away, if there is exactly one: it is safe to
    use as a fix.
    """

    names: tuple[str, ...] = ()
    slip: str | None = None

    @property
    def help(self) -> str | None:
        """The names as a question, None without names."""
        return f"did you mean {alternatives(self.names)}?" if self.names else None


def suggest(name: str, known: Iterable[str]) -> Suggestion:
    """Return the known names that an unknown name was probably meant to be.

    Names that differ only in case, "_" or "-" come first. If some names differ by one character,
    only those are suggested: conv2 for conv22, not conv1. For a very long name, only typing
    errors are suggested.
    """
    names = list(known)
    if len(name) > limits.COMPARED_LENGTH:
        # Much shorter names cannot be slips; comparing them would only take time.
        near = [other for other in names if 2 * len(other) > len(name) and _is_slip(name, other)]
    else:
        names = [other for other in names if len(other) <= limits.COMPARED_LENGTH]
        near = [other for other in names if _plain(other) == _plain(name)] or _similar(name, names)
    slips = [other for other in near if _is_slip(name, other)]
    if len(slips) == 1:
        return Suggestion(tuple(slips), slips[0])
    nearest = [other for other in near if _difference(name, other) is not None]
    return Suggestion(tuple((nearest or near)[:_MAX_NAMES]))


def suggest_likely(name: str, known: Iterable[str], *likely: Iterable[str]) -> Suggestion:
    """Return suggestions like suggest(); unless it is a clear misspelling, prefer the names in likely.

    likely are subsets of the known names, the likeliest first.
    """
    near = suggest(name, known)
    if near.slip or not near.names:
        return near
    return next((better for names in likely if (better := suggest(name, names)).names), near)


def worth_suggesting(unknown: Iterable[str], known: Collection[str]) -> Sequence[str]:
    """Return the unknown names to look up suggestions for: distinct, and limited in number."""
    return list(dict.fromkeys(unknown))[: 1 + limits.COMPARISONS // max(1, len(known))]


def meant_by_several(suggestions: Iterable[Suggestion]) -> Collection[str]:
    """Return the names that are the slip of several unknown names: a fix would make duplicates."""
    return [slip for slip, count in Counter(each.slip for each in suggestions).items() if slip and count > 1]


def is_slip_of_any(name: str, known: Iterable[str]) -> bool:
    """Return whether a name is a slip of any known one; faster than suggest()."""
    return any(_is_slip(name, candidate) for candidate in known)


def _similar(name: str, known: Sequence[str]) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(name, known, n=_MAX_NAMES, cutoff=_MIN_SIMILARITY)


@lru_cache
def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def near(name: str, known: Iterable[str]) -> Sequence[str]:
    """Return the known names that differ only in case, "_" or "-", by one letter, or by two swapped ones.

    For a very long name there are none.
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
    """Return whether a name differs from another by one letter, or only in case, "_" or "-".

    Digits do not count: "conv2" is not a misspelled "conv1".
    """
    if _plain(name) == _plain(meant):
        return name != meant
    difference = _difference(name, meant)
    return difference is not None and not any(char.isdigit() for char in difference)


def _difference(name: str, meant: str) -> str | None:
    """Return the characters in which names differ, None if more than one or two swapped ones differ.

    None as well for very short names, most of which are one letter apart.
    """
    if abs(len(name) - len(meant)) > 1:
        return None
    one, other = _parts(name, meant)
    is_long_enough = len(one) == 2 or len(name) - len(one) >= _MIN_COMMON
    return one + other if is_long_enough and _is_one_edit(one, other) else None


def _parts(one: str, other: str) -> tuple[str, str]:
    """Return two words without their common prefix and suffix."""
    start = common_prefix(one, other)
    one, other = one[start:], other[start:]
    end = common_prefix(one[::-1], other[::-1])
    return one[: len(one) - end], other[: len(other) - end]


def _is_one_edit(one: str, other: str) -> bool:
    """Return whether the differing parts of two words are at most one letter, or two swapped ones."""
    return (len(one) <= 1 and len(other) <= 1) or (len(one) == 2 and one == other[::-1])


def common_prefix(one: str, other: str) -> int:
    """Return the length of the common prefix of two strings."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
