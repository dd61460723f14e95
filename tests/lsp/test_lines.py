"""Positions: the lines and columns of the protocol, in each of its units."""

from __future__ import annotations

import pytest
from hypothesis import strategies

from quantcfg.lsp.lines import Lines
from tests.laws import law

TEXTS = strategies.text(strategies.sampled_from("ab\n\r\u2028\x0b\x85é🦊\N{GRINNING FACE}"), max_size=30)
ENCODINGS = strategies.sampled_from(["utf-8", "utf-16", "utf-32"])


@pytest.mark.parametrize(
    ("encoding", "column"), [("utf-8", 7), ("utf-16", 4), ("utf-32", 3)], ids=["utf-8", "utf-16", "utf-32"]
)
def test_a_column_counts_the_units_of_its_encoding(encoding: str, column: int) -> None:
    text = "x\né🦊a|"
    assert Lines(text, encoding).position(text.index("|")) == (1, column)
    assert Lines(text, encoding).offset(1, column) == text.index("|")


def test_only_line_ends_of_the_protocol_end_a_line() -> None:
    text = "a\u2028\x0b\x0c\x85b\r\nc\rd\n|"
    assert Lines(text, "utf-16").position(text.index("|")) == (3, 0)


def test_a_position_beyond_an_end_is_at_it() -> None:
    lines = Lines("ab\r\ncd", "utf-16")
    assert [lines.offset(0, 99), lines.offset(1, 99), lines.offset(7, 0)] == [2, 6, 6]


def test_half_of_a_character_is_before_it() -> None:
    assert Lines("🦊b", "utf-16").offset(0, 1) == 0


@law(TEXTS, ENCODINGS)
def test_an_offset_comes_back_from_its_position(text: str, encoding: str) -> None:
    lines = Lines(text, encoding)
    for offset in range(len(text) + 1):
        in_line_end = text[offset - 1 : offset + 1] == "\r\n"
        assert lines.offset(*lines.position(offset)) == offset - in_line_end


@law(TEXTS)
def test_the_line_of_an_offset_is_the_number_of_line_ends_before_it(text: str) -> None:
    lines = Lines(text, "utf-16")
    for offset in range(len(text) + 1):
        before, in_line_end = text[:offset], text[offset - 1 : offset + 1] == "\r\n"
        ends = before.count("\n") + before.count("\r") - before.count("\r\n")
        assert lines.position(offset)[0] == ends - in_line_end
