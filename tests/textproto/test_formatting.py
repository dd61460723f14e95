"""The canonical layout, and that formatting changes nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf import text_format
from google.protobuf.message import Message
from hypothesis import strategies as st

from quantcfg import contracts, format_text, limits
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions.sources import read_source
from quantcfg.source import Source, Span
from quantcfg.textproto import parse, tree
from quantcfg.textproto.trivia import comments, comments_between
from tests.laws import law
from tests.marks import places
from tests.shared import SHARED, files, needs_shared
from tests.textproto.reading import (
    CONFIGS,
    EVERYTHING,
    IMPLICIT,
    comments_of,
    parsed,
    read,
    read_by_google,
    same,
)
from tests.textproto.strategies import documents, messages, noisy_text, noisy_texts

if TYPE_CHECKING:
    from random import Random

NET = contracts.message_class("caffe", "caffe.NetParameter")
ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "formatting"


def formatted(text: str) -> str:
    formatting = format_text(text)
    assert formatting.text is not None, formatting.diagnostics
    return formatting.text


# --- the layout


@pytest.mark.parametrize("folder", sorted(GOLDEN.iterdir()), ids=lambda folder: folder.name)
def test_a_file_gets_the_expected_layout(folder: Path, request: pytest.FixtureRequest) -> None:
    text = formatted((folder / "input.cfg").read_bytes().decode())
    if request.config.getoption("update_golden"):
        (folder / "expected.cfg").write_bytes(text.encode())
    assert text == (folder / "expected.cfg").read_bytes().decode()
    assert formatted(text) == text


def test_the_shown_text_gets_the_shown_layout() -> None:
    page = (ROOT / "docs" / "formatting.md").read_text(encoding="utf-8")
    before, after = re.findall(r"^```textproto\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert formatted(before) == after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\n \n\t", ""),
        ("# alone", "# alone\n"),
        ("\r\n# alone\n", "# alone\r\n"),
        ("a:1", "a: 1\n"),
        ("a:1\rb:2", "a: 1\nb: 2\n"),
        ("a:1 # a \t\v\f\r\n", "a: 1  # a\r\n"),
        ("a:1 # \u2028\n", "a: 1  # \u2028\n"),
        ("\n[a # in\n.b]:1\r\n", "# in\n[a.b]: 1\n"),
        ('a: "# none" # one', 'a: "# none"  # one\n'),
        ("a {}\n\n\n\n\nb {}", "a {}\n\nb {}\n"),
    ],
)
def test_a_small_text_gets_its_layout(text: str, expected: str) -> None:
    assert formatted(text) == expected
    assert formatted(expected) == expected


# --- nothing else changes


@st.composite
def configs(draw: st.DrawFn) -> tuple[type[Message], str]:
    """A message as text, with comments and whitespace wherever they are allowed."""
    message = draw(messages(*CONFIGS, EVERYTHING, IMPLICIT))
    random: Random = draw(st.randoms(use_true_random=False))
    return type(message), noisy_text(parsed(text_format.MessageToString(message)), random)


@law(noisy_texts(documents))
def test_leaves_and_gaps_are_the_whole_text(noisy: tuple[tree.Document, str]) -> None:
    assert_lossless(noisy[1])


def assert_lossless(text: str) -> None:
    document = parse(Source("text", text), lambda _: None)
    leaves = tuple(tree.leaves(document.fields))
    ends, starts = [0, *(leaf.end for leaf in leaves)], [*(leaf.start for leaf in leaves), len(text)]
    for end, start in zip(ends, starts, strict=True):
        assert end <= start
        gap = re.sub(r"#[^\n]*", "", text[end:start])
        assert set(gap) <= set(" \t\n\v\f\r{}<>[]:;,")


@law(noisy_texts(documents))
def test_the_comments_of_fields_and_between_them_are_comments_of(noisy: tuple[tree.Document, str]) -> None:
    document = parsed(noisy[1])
    found: list[str] = []
    end = 0
    for field in document.fields:
        found += comments_between(Span(document.source, end, field.start))
        found += comments(document, field)
        end = field.end
    found += comments_between(Span(document.source, end, len(noisy[1])))
    assert found == comments_of(noisy[1])


@law(noisy_texts(documents))
def test_a_formatted_text_has_the_same_tree_and_the_same_comments(noisy: tuple[tree.Document, str]) -> None:
    document, text = noisy
    again = formatted(text)
    assert parsed(again) == document
    assert comments_of(again) == comments_of(text)
    assert formatted(again) == again


@law(noisy_texts(documents))
def test_a_formatted_text_is_laid_out(noisy: tuple[tree.Document, str]) -> None:
    text = formatted(noisy[1])
    end = "\r\n" if re.match(r"[^\n]*\r\n", noisy[1]) else "\n"
    lines = text.split(end)
    assert lines.pop() == ""
    assert not any("\n" in line or line.endswith((" ", "\t")) for line in lines)
    assert all((len(line) - len(line.lstrip(" "))) % 2 == 0 for line in lines)
    assert "" not in (lines[:1] + lines[-1:])
    for before, line, behind in zip(lines, lines[1:], lines[2:], strict=False):
        if not line:
            assert not before.endswith(("{", "["))
            assert behind.lstrip(" ")[:1] not in ("", "}", "]")


@law(configs())
def test_a_formatted_text_says_what_it_said(config: tuple[type[Message], str]) -> None:
    message_type, text = config
    again = formatted(text)
    message = read_by_google(text, message_type)
    if message is not None:
        by_google = read_by_google(again, message_type)
        assert by_google is not None
        assert same(by_google, message)
    assert same(read(again, message_type).message, read(text, message_type).message)


# --- errors


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb 2", ["QC104 2:3"]),
        ("\ufeffa: 1", ["QC103 1:1"]),
        ("a: 1 }\nb: 'c", ["QC104 1:6", "QC106 2:4"]),
        ('\n {"conv1": {}}', ["QC212 2:2"]),
        ("{}", ["QC212 1:1"]),
        ("a {" * limits.NESTING + "}" * limits.NESTING, [f"QC110 1:{3 * limits.NESTING - 2}"]),
        ("a: [{" * limits.NESTING + "}]" * limits.NESTING, [f"QC110 1:{5 * limits.NESTING - 4}"]),
        ("a {" * 100_000 + "}" * 100_000, [f"QC110 1:{3 * limits.NESTING - 2}"]),
    ],
)
def test_text_with_errors_is_not_formatted(text: str, expected: list[str]) -> None:
    formatting = format_text(text)
    assert formatting.text is None
    assert not formatting.ok
    assert places(formatting.diagnostics) == expected


def test_a_configuration_is_known_by_its_name_as_well() -> None:
    for text in ("", "batch_num: 2"):
        assert places(format_text(text, "CONFIG.json").diagnostics) == ["QC212 1:1"]


def test_text_with_a_warning_is_formatted() -> None:
    formatting = format_text("# a\rb: 1")
    assert (formatting.ok, formatting.text) == (True, "# a\rb: 1\n")
    assert places(formatting.diagnostics) == ["QC115 1:1"]


@pytest.mark.parametrize("arguments", [(1,), (b"a: 1",), ("a: 1", None)])
def test_a_file_that_is_not_text_is_an_error(arguments: tuple[str]) -> None:
    assert [each.code for each in format_text(*arguments).diagnostics] == ["QC415"]


@pytest.mark.parametrize("opening", ["a {", "a: [{", "a <"])
def test_the_deepest_text_is_formatted(opening: str) -> None:
    closing = {"a {": "}", "a: [{": "}]", "a <": ">"}[opening]
    text = opening * (limits.NESTING - 1) + closing * (limits.NESTING - 1)
    assert formatted(formatted(text)) == formatted(text)


# --- real texts


def text_of(file: Path) -> str:
    found: list[Diagnostic] = []
    source = read_source(file, found.append, wanted="a text")
    assert source, found
    return source.text


REAL = [file for kind in ("cfg", "prototxt", "txt") for file in files(SHARED, f"*/**/*.{kind}")]


@pytest.mark.slow
@needs_shared
@pytest.mark.parametrize("file", REAL, ids=lambda file: "/".join(file.parts[-2:]))
def test_a_real_text_keeps_its_message_and_its_comments(file: Path) -> None:
    text = text_of(file)
    assert_lossless(text)
    again = formatted(text)
    assert formatted(again) == again
    assert parsed(again) == parsed(text)
    assert comments_of(again) == comments_of(text)
    for message_type in (*CONFIGS, NET):
        message, expected = (read_by_google(each, message_type) for each in (again, text))
        assert (message is None) == (expected is None)
        assert message is None or (expected is not None and same(message, expected))
        assert read(again, message_type, lenient=True).codes == read(text, message_type, lenient=True).codes
