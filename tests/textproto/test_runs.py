"""Reading fields in runs changes only the time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st

from quantcfg.diagnostics import Diagnostic, has_errors
from quantcfg.files import without_byte_order_mark
from quantcfg.source import Source
from quantcfg.textproto import parse, parser
from quantcfg.textproto.loose_lexer import check_tokens
from tests import shared
from tests.laws import TWICE, calls, law
from tests.textproto.near_misses import nearly_valid_texts
from tests.textproto.reading import CONFIGS, EVERYTHING, OWN_TEXTS, SHARED_TEXTS, places
from tests.textproto.strategies import damaged_texts, documents, noisy_texts

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn


def assert_runs_make_no_difference(text: str) -> None:
    source = Source("text", text)
    found: list[Diagnostic] = []
    expected: list[Diagnostic] = []
    document = parse(source, found.append)
    check_tokens(source, expected.append)
    text = without_byte_order_mark(source, expected.append)
    word_by_word = parser.parse_with_recovery(source, text, expected.append)
    assert found == expected
    assert document == word_by_word
    assert document.closes_early == word_by_word.closes_early
    assert places(document) == places(word_by_word)


@law(noisy_texts(documents).map(lambda noisy: noisy[1]))
def test_in_valid_text(text: str) -> None:
    assert_runs_make_no_difference(text)


@law(nearly_valid_texts(*CONFIGS, EVERYTHING))
def test_in_nearly_valid_text(text: str) -> None:
    assert_runs_make_no_difference(text)


@law(damaged_texts())
def test_in_text_with_tokens_added_and_removed(text: str) -> None:
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
        "a: [1, -2, 3.5] b: 1",
        "a: [ # 1\n1 # ]\n, # 2\n2 # 3\n] # 4\n; # 5\nb: 1",
        "a: [0x1F, 017, .5, 1., 1f, -1e5F, 0, -inf, AVE, 'x', \"y\"]",
        "a: [] b: [1] c []; d: [ # ]\n]",
        "a: [1, ] b: 1",
        "a: [, 1]",
        "a: [1 2]",
        "a: [1, 08] b: 1",
        "a: [1x]",
        "a: [1, - 2] b: [-\nx]",
        "a [1]",
        "a: [1",
        "a: [1] [2]",
        "a: [1}",
        "a: [[1]]",
        "a: [{ b: [1] c: [{ d: 1 }] }, < e: 2 >] f: 3",
        "a: [1, { b: 1 }]",
        """a: ['b' "c", "d"\t# "e"\n'f' , "g"] h: 1""",
        """a: "b" # 'c'\n'd' # "e"\n"f" g: 'h''i'"j";k: 1""",
        """a: "b" 'c\nd: 1""",
        """a: "\\"" 'b\\'c' d: "\\\\" e: ["\\n" '\\t', '\\'']""",
        'a: "b\\',
        "a < b { c <> d < > } e: 1 > f <>",
        "a < b: 1 }",
        "a { b < c: 1 } >",
        "a: 1, # b\n c: 2; # d\n # e\n f { }, # g\n",
        "# a\n # b\n\n c { # d\n } # e\n# f",
        "# a\n\0",
        "# a\nb { c { d: 1 # e",
        "a { b: 1 [c] { d: 2 e { f: 3 } } g: 4 } h: 5",
    ],
)
def test_where_a_run_ends(text: str) -> None:
    assert_runs_make_no_difference(text)


@st.composite
def nests(draw: DrawFn) -> str:
    """Text with many levels, in which something, perhaps an error, interrupts the run at any depth."""
    around = draw(st.lists(st.sampled_from(["a {", "a: {", "a <", "a: <"]), min_size=1, max_size=12))
    within = st.sampled_from(["", "", "b: 1 ", "b: [1, 2], ", 'b: "x" "y"; ', "# c\n", *_INTERRUPTIONS])
    opened = "".join(f"{opening} {draw(within)}" for opening in around)
    closed = "".join(f"{_END[opening[-1]]} {draw(within)}" for opening in reversed(around))
    text = opened + closed
    cut = draw(st.integers(0, len(text)))
    return draw(st.sampled_from([text, text, text[:cut], text[:cut] + text[cut + 1 :]]))


_INTERRUPTIONS = ["b: - 1 ", "b: [{}] ", "[b.c]: 1 ", "b: [1, - 2] ", "b: 1x ", "b ", "} ", "> ", "# c"]
_END = {"{": "}", "<": ">"}


@law(nests())
def test_in_text_with_many_levels(text: str) -> None:
    assert_runs_make_no_difference(text)


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["a { b: 1 [c]: 1 ", "a { b: 1 c: [{}] ", "a { b: [1, 1, 1, - 1] "])
def test_the_work_grows_in_step_with_the_depth_where_a_run_is_interrupted(piece: str) -> None:
    def work(depth: int) -> int:
        return calls(lambda: parser.parse(Source("text", piece * depth + "}" * depth), print))

    work(1)  # What is made once is made here.
    assert work(400) < TWICE * work(200)


@pytest.mark.parametrize("path", OWN_TEXTS, ids=lambda path: path.name)
def test_in_the_files_of_the_project(path: Path) -> None:
    assert_runs_make_no_difference(path.read_bytes().decode(errors="replace"))


@pytest.mark.slow
@shared.needs_shared
@pytest.mark.parametrize("path", SHARED_TEXTS, ids=lambda path: path.name)
def test_in_real_files_which_are_read_in_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    assert_runs_make_no_difference(text)
    found: list[Diagnostic] = []
    parse(Source("text", text), found.append)
    if not has_errors(found):
        monkeypatch.delattr(parser, "parse_with_recovery")
        parse(Source("text", text), found.append)
