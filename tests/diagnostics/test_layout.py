"""How diagnostics look on a terminal: one case each, with the expected output beside this file.

"pytest --update-golden" writes what is shown now; look at it before it is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from quantcfg.diagnostics import Diagnostic, Edit, Related, Severity
from quantcfg.diagnostics.formats.text import render_all
from quantcfg.source import Source, Span

FOLDER = Path(__file__).parent / "layout"


def span(source: Source, marked: str, occurrence: int = 1) -> Span:
    """Return the span of the n-th occurrence of a part of the text."""
    start = -1
    for _ in range(occurrence):
        start = source.text.index(marked, start + 1)
    return Span(source, start, start + len(marked))


def source(text: str, name: str = "quant.cfg") -> Source:
    return Source(name, text)


def error(
    span: Span | None, *related: Related, help: str | None = None, fix: Sequence[Edit] = ()
) -> Diagnostic:
    return Diagnostic("QC999", Severity.ERROR, "this is wrong", span, related, help, tuple(fix))


def marked(text: str, piece: str) -> Diagnostic:
    return error(span(source(text), piece))


def fixed(text: str, *changes: tuple[str, str], help: str | None = "do this") -> Diagnostic:
    """Return an error at the first of some parts of the text, with a fix that changes all of them."""
    of = source(text)
    edits = [Edit(span(of, piece), new) for piece, new in changes]
    return error(edits[0].span, help=help, fix=edits)


REQUEST = source('batch_num: 1\nskip_layers: "a"\n# one\n# two\nskip_layers: "b"\nskip_layers: "c"\n')
LONG_REQUEST = source("batch_num: 1\n" + "#\n" * 98 + "batch_num: 2\n")
MODEL = source('layer {\n  name: "a"\n}\n', "deploy.prototxt")
ONE_LINE = source('{"a":1,' + '"skipped":0,' * 30 + '"a":2,' + '"skipped":0,' * 30 + '"a":3}', "config.json")

SITUATIONS: dict[str, Sequence[Diagnostic]] = {
    "several": [
        Diagnostic("QC997", Severity.ERROR, "this is an error", span(REQUEST, "1"), help="write 2"),
        Diagnostic("QC998", Severity.WARNING, "this is a warning", span(REQUEST, '"a"')),
        Diagnostic("QC999", Severity.NOTE, "this is a note", file="quant.cfg"),
        Diagnostic("QC999", Severity.ERROR, "this is about no file"),
    ],
    "related_above": [error(span(REQUEST, '"c"'), Related(span(REQUEST, '"b"'), "the line before"))],
    "related_below": [error(span(REQUEST, "1"), Related(span(REQUEST, '"a"'), "the line behind"))],
    "related_one_line_between": [error(span(REQUEST, "# one"), Related(span(REQUEST, '"b"'), "behind it"))],
    "related_lines_between": [error(span(REQUEST, '"a"'), Related(span(REQUEST, '"c"'), "behind them"))],
    "related_in_the_same_line": [
        error(
            span(REQUEST, '"a"'),
            Related(span(REQUEST, "skip_layers"), "the field"),
            Related(span(REQUEST, '"b"'), "another value"),
        )
    ],
    "related_far_away": [
        error(
            span(LONG_REQUEST, "batch_num", 2),
            Related(span(LONG_REQUEST, "batch_num"), "first written here"),
            help="remove one",
        )
    ],
    "related_in_another_file": [
        error(span(REQUEST, '"a"'), Related(span(MODEL, '"a"'), "the layer is here"), help="remove it")
    ],
    "related_in_a_long_line": [
        error(span(ONE_LINE, '"a"', 2), Related(span(ONE_LINE, '"a"'), "first defined here"))
    ],
    "several_lines": [
        marked("layer {\n  name: 'a'\n  type: 'b'\n}\nlayer { }\n", "{\n  name: 'a'\n  type: 'b'\n}")
    ],
    "two_lines": [marked("layer { a: 1\n  b: 2 } c: 3\n", "{ a: 1\n  b: 2 }")],
    "a_line_and_its_end": [marked("a: 1\nb: 2\n", "a: 1\n")],
    "tabs": [marked("\ta:\t'\t' b: 1\n", "'\t'")],
    "wide_characters": [marked("'\u5377\u79ef\uff21' : '\u5377' x", "'\u5377'")],
    "combining_characters": [marked("e\u0301\u200b\u200d\ufe0f: x", "x")],
    "control_characters": [marked("a: '\x1b[31m\0\x85\x7f\u202e' x", "x")],
    "carriage_returns": [marked("a: 1\r\nb: 2\r\n", "1\r\nb")],
    "long_line": [
        marked("skip_layers: [" + "'aaaa', " * 100 + "'here', " + "'bbbb', " * 100 + "]", "'here'")
    ],
    "long_span": [marked("skip_layers: '" + "a" * 1000 + "'\n", "'" + "a" * 1000 + "'")],
    "empty_file": [error(Span(source(""), 0, 0))],
    "end_of_file": [error(Span(source("a {"), 3, 3)), error(Span(source("a {\n"), 4, 4))],
    "numbers_of_two_widths": [
        error(span(source("\n" * 8 + "a: 1\nb: 2\n"), "b"), Related(span(MODEL, "layer"), "in the model"))
    ],
    "fix_of_a_word": [fixed("a: yes\nb: 1\n", ("yes", "true"))],
    "fix_without_help": [fixed("a: yes\n", ("yes", "true"), help=None)],
    "fix_that_removes_a_line": [fixed("a: 1\nb: 2\nc: 3\n", ("b: 2\n", ""))],
    "fix_that_adds_a_line": [fixed("a: 1\nc: 3\n", ("c", "b: 2\nc"))],
    "fix_that_adds_the_last_line": [fixed("a {\n", ("\n", "\n}\n"))],
    "fix_of_two_words_in_a_line": [fixed("a: <yes>\n", ("<", "{"), (">", "}"))],
    "fix_of_lines_far_apart": [fixed("a [\n" + "#\n" * 8 + "b: yes\n", ("[", "{\n# begin"), ("yes", "true"))],
    "fix_of_many_lines": [fixed("a: 1\nb: 2\nc: 3\nd: 4\n", ("1", "5"), ("2", "6"), ("3", "7"), ("4", "8"))],
    "fix_in_a_long_line": [fixed("a: [" + "0, " * 100 + "yes" + ", 0" * 100 + "]\n", ("yes", "true"))],
    "fix_with_carriage_returns": [fixed("a: yes\r\nb: no\r\n", ("yes", "true"), ("no", "false"))],
    "fix_that_shows_nothing": [fixed("a: 1\nb: 2\r\n", ("\r\n", "\n"))],
    "fix_with_control_characters": [fixed("a: '\x1b[31m', yes\n", ("yes", "true"))],
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_looks_as_it_is_shown_beside_it(name: str, request: pytest.FixtureRequest) -> None:
    shown = f"{render_all(SITUATIONS[name])}\n"
    golden = FOLDER / f"{name}.txt"
    if request.config.getoption("update_golden"):
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


def test_nothing_else_is_beside_it() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(SITUATIONS)


def test_the_documentation_shows_a_diagnostic_of_the_golden_files() -> None:
    root = Path(__file__).parents[2]
    (shown,) = re.findall(
        r"^```text\n(.*?)^```", (root / "docs" / "checking.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    golden = root / "tests" / "golden" / "several_errors" / "diagnostics.txt"
    assert f"\n\n{shown}\n" in golden.read_text(encoding="utf-8")
