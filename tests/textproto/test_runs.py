"""That fields are taken in runs makes no difference but to the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantcfg.diagnostics import Diagnostic, has_errors
from quantcfg.files import without_byte_order_mark
from quantcfg.source import Source
from quantcfg.textproto import parse, parser
from quantcfg.textproto.scan import check_pieces
from tests import shared
from tests.laws import law
from tests.textproto.near_misses import nearly_valid_texts
from tests.textproto.reading import CONFIG, EVERYTHING, OWN_TEXTS, SHARED_TEXTS, places
from tests.textproto.strategies import damaged_texts, documents, noisy_texts


def assert_runs_make_no_difference(text: str) -> None:
    source = Source("text", text)
    found: list[Diagnostic] = []
    expected: list[Diagnostic] = []
    document = parse(source, found.append)
    check_pieces(source, expected.append)
    text = without_byte_order_mark(source, expected.append)
    word_by_word = parser.parse_word_by_word(source, text, expected.append)
    assert found == expected
    assert document == word_by_word
    assert document.closes_early == word_by_word.closes_early
    assert places(document) == places(word_by_word)


@law(noisy_texts(documents).map(lambda noisy: noisy[1]))
def test_in_a_text_without_mistakes(text: str) -> None:
    assert_runs_make_no_difference(text)


@law(nearly_valid_texts(CONFIG) | nearly_valid_texts(EVERYTHING))
def test_in_a_text_that_is_nearly_right(text: str) -> None:
    assert_runs_make_no_difference(text)


@law(damaged_texts(), examples=400)
def test_in_a_text_with_pieces_put_in_and_left_out(text: str) -> None:
    assert_runs_make_no_difference(text)


@pytest.mark.parametrize(
    "text",
    [
        'a: "x" b: "y" "z" c: 1',
        'a: "x"\n# between\n"y"',
        'b { a: "x" "y" } c: 1',
        "b { a: 1x } c: 1",
        "a: x-1",
        "a: xy: 1",
        "a: b { c: 1 }",
        "a: - 5 b: -\n5 c: -x",
        "a: 1 # {\n; # }\n, b: 2",
        "a: 1;; b: 2",
        "a # : 1\n : # 2\n 3 # 4",
        "a: 1 b # 1\n: 2 c: # 2\n3 d # 3\n{ # 4\n e: 5 # 5\n, # 6\nf: 6 } # 7\n; # 8\ng: 7",
        "a: # 1\nb c: 2 d { e: 1, # 2\n f: # 3\n g: 1 }",
        "a { b: { c { d { e { f: 1 } } } } } g: 1",
        "a { b { c { d: [1] } } e: 1 } f: 1",
        "a { b: 1 > c: 1",
        "a { b: 1 }} c: 1",
        "a { b { c: 1 } d: 1",
        'a: "\\"" b: \'"\' c: "#" d: "}"',
        "a: 1\rb: 2\vc: 3\f# \u2028 \u00a0\r\nd: 4 #",
        "a:1b:2 c:.5.d:1",
        "a: 0x1Fg: 1 b: 08 c: 1e5 d: 1e+5F e: 1.f",
    ],
)
def test_where_a_run_ends(text: str) -> None:
    assert_runs_make_no_difference(text)


@pytest.mark.parametrize("path", OWN_TEXTS, ids=lambda path: path.name)
def test_in_the_texts_here(path: Path) -> None:
    assert_runs_make_no_difference(path.read_bytes().decode(errors="replace"))


@shared.needs_shared
@pytest.mark.parametrize("path", SHARED_TEXTS, ids=lambda path: path.name)
def test_in_real_texts_and_they_are_read_in_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    assert_runs_make_no_difference(text)
    found: list[Diagnostic] = []
    parse(Source("text", text), found.append)
    if not has_errors(found):
        monkeypatch.delattr(parser, "parse_word_by_word")
        parse(Source("text", text), found.append)
