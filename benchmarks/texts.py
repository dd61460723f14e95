"""Unusual input of one megabyte: valid text that repeats one construct, and invalid text."""

from __future__ import annotations

from collections.abc import Mapping

MEGABYTE = 2**20
_DEEP = 90
_STRING = '"conv1"'

COMMENTS = "# c\n" * (MEGABYTE // 4)
"""Comments only."""

INVALID = "@" * MEGABYTE
"""Characters that cannot start a token."""


def requests() -> Mapping[str, str]:
    """Return unusual valid quant.cfg texts by label."""
    return {"strings in one list": f"skip_layers: [{_repeated(_STRING + ', ')}{_STRING}]"}


def networks() -> Mapping[str, str]:
    """Return unusual valid prototxt texts by label."""
    layer = 'layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" } '
    return {
        "numbers in one list": f"input_dim: [{_repeated('1, ')}1]",
        "adjacent strings": f"name: {_repeated(_STRING + ' ')}",
        f"messages nested {_DEEP} deep": _repeated("a{" * _DEEP + "}" * _DEEP + "\n"),
        "comment lines": COMMENTS,
        "unknown fields": _repeated("foo: 1\n"),
        "layers on one line": _repeated(layer),
    }


def _repeated(text: str) -> str:
    return text * (MEGABYTE // len(text))
