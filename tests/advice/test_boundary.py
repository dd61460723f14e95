"""Only editions name layer types: other code uses the properties of operations."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from quantcfg.editions import NAMES, edition_named

PACKAGE = Path(__file__).parents[2] / "compiler" / "quantcfg"
NEUTRAL = (
    "advice",
    "weights",
    "network",
    "plan",
    "emit",
    "provenance",
    "configuration",
    "decompiler",
    "diff",
)
TYPES = frozenset(name for edition in NAMES for name in edition_named(edition).layer_types.known)


def literals(path: Path) -> Iterator[str]:
    """Yield the strings in a module that are not docstrings, which may give examples."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements:
            yield node.value


@pytest.mark.parametrize("package", NEUTRAL)
def test_no_neutral_package_names_a_layer_type(package: str) -> None:
    modules = [*(PACKAGE / package).rglob("*.py")]
    assert modules
    named = {(path.name, text) for path in modules for text in literals(path) if text in TYPES}
    assert named == set()


@pytest.mark.parametrize("package", ["advice", "weights"])
def test_the_advice_does_not_speak_of_one_edition(package: str) -> None:
    """Neither do comments; a type such as Scale may be a plain word, but one with several capitals is not."""
    words = {name for name in TYPES if re.search("[a-z][A-Z]", name)}
    words |= {"Caffe", "ONNX", "caffemodel", "prototxt", "transform_param"}
    for path in (PACKAGE / package).rglob("*.py"):
        found = words.intersection(re.findall(r"\w+", path.read_text(encoding="utf-8")))
        assert found == set(), path


def test_editions_name_layer_types() -> None:
    for file, name in (("caffe/layer_weights.py", "BatchNorm"), ("onnx/layer_weights.py", "ConvTranspose")):
        assert name in TYPES & set(literals(PACKAGE / "editions" / file))
