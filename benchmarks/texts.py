"""Unusual texts of one megabyte: legal ones that are made of one thing, and a broken one."""

from __future__ import annotations

from collections.abc import Mapping

MEGABYTE = 2**20
_DEEP = 90
_STRING = '"conv1"'

COMMENTS = "# c\n" * (MEGABYTE // 4)
"""Nothing but comments."""

BROKEN = "@" * MEGABYTE
"""Nothing but characters that cannot start a token."""


def requests() -> Mapping[str, str]:
    """Return unusual legal texts of a quant.cfg."""
    return {"a list of strings": f"skip_layers: [{_many(_STRING + ', ')}{_STRING}]"}


def networks() -> Mapping[str, str]:
    """Return unusual legal texts of a prototxt."""
    layer = 'layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" } '
    return {
        "a list of numbers": f"input_dim: [{_many('1, ')}1]",
        "adjacent strings": f"name: {_many(_STRING + ' ')}",
        f"messages nested {_DEEP} deep": _many("a{" * _DEEP + "}" * _DEEP + "\n"),
        "comment lines": COMMENTS,
        "unknown fields": _many("foo: 1\n"),
        "layers on one line": _many(layer),
    }


def _many(piece: str) -> str:
    return piece * (MEGABYTE // len(piece))
