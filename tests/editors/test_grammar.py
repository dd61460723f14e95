"""Highlighting in VS Code: its TextMate engine with the grammars of the extension."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.editors import node
from tests.shared import CONFIGS, MODELS, files, needs_shared

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
GRAMMARS = sorted((ROOT / "editors" / "vscode" / "syntaxes").glob("*.tmLanguage.json"))
SAMPLE = Path(__file__).parent / "grammar" / "sample.cfg"

OURS = [
    *(ROOT / "tests" / "golden").glob("*/quant.cfg"),
    *(ROOT / "tests" / "golden").glob("*/deploy.prototxt"),
    *(ROOT / "examples").glob("*/*.cfg"),
    *(ROOT / "examples").glob("*/*.prototxt"),
]


def tokens(texts: list[str], scope: str = "source.quantcfg") -> Any:
    """Return for each text its tokens: line, column, piece, and scopes."""
    return node.run("tokenise.cjs", {"grammars": list(map(str, GRAMMARS)), "scope": scope, "texts": texts})


def invalid(tokenised: Any) -> list[str]:
    """Return the places that are coloured as wrong, and how."""
    return [
        f"{line}:{column} {scopes[-1].removesuffix('.quantcfg')}"
        for line, column, _, scopes in tokenised
        if any(scope.startswith("invalid") for scope in scopes)
    ]


def all_invalid(paths: list[Path], scope: str) -> dict[str, list[str]]:
    said = tokens([path.read_text(encoding="utf-8") for path in paths], scope)
    found = {str(path): invalid(each) for path, each in zip(paths, said, strict=True)}
    return {path: places for path, places in found.items() if places}


@pytest.mark.parametrize("scope", ["source.quantcfg", "source.prototxt"])
def test_nothing_is_wrong_in_what_is_right(scope: str) -> None:
    assert len(OURS) > 20
    assert all_invalid(OURS, scope) == {}


@needs_shared
def test_nothing_is_wrong_in_real_files() -> None:
    assert all_invalid(files(CONFIGS, "*.cfg"), "source.quantcfg") == {}
    assert all_invalid(files(MODELS, "*/*.prototxt"), "source.prototxt") == {}


def test_a_sample_is_highlighted_as_expected(request: pytest.FixtureRequest) -> None:
    (said,) = tokens([SAMPLE.read_text(encoding="utf-8")])
    lines = [
        f"{line}:{column} {piece.strip()}  {' '.join(scope.removesuffix('.quantcfg') for scope in scopes)}\n"
        for line, column, piece, scopes in said
        if piece.strip()
    ]
    golden = SAMPLE.with_suffix(".txt")
    if request.config.getoption("update_golden"):
        golden.write_text("".join(lines), encoding="utf-8")
    assert "".join(lines) == golden.read_text(encoding="utf-8")
    assert invalid(said) == []


WRONG = {
    'skip_layers: "conv1': "1:14 invalid.illegal.unterminated-string",
    "a: 'x": "1:4 invalid.illegal.unterminated-string",
    r'a: "\q"': "1:5 invalid.illegal.escape",
    r'a: "\X41"': "1:5 invalid.illegal.escape",
    "batch_num: 08": "1:12 invalid.illegal.number",
    "batch_num: 1x": "1:12 invalid.illegal.number",
    "search_step: 1.2.3": "1:14 invalid.illegal.number",
    "batch_num = 2": "1:11 invalid.illegal.unexpected",
    "common_config { ] }": "1:17 invalid.illegal.unexpected",
    "common_config { } }": "1:19 invalid.illegal.unexpected",
    "a: [1 ; 2]": "1:7 invalid.illegal.unexpected",
    "// no comment": "1:1 invalid.illegal.unexpected",
}


def test_errors_are_highlighted() -> None:
    first = [invalid(said)[:1] for said in tokens(list(WRONG))]
    assert dict(zip(WRONG, first, strict=True)) == {text: [place] for text, place in WRONG.items()}
