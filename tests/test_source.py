from __future__ import annotations

from hypothesis import strategies as st

from quantcfg.source import Source, Span, argument_source
from tests.laws import law

TEXT = "first\nsecond\r\n\n\u5377\u79ef \U0001f600x\rstill fourth\n"
TEXTS = st.text("ab\n\r\u5377\U0001f600", max_size=30)


def line(source: Source, number: int) -> str:
    start, end = source.line_bounds(number)
    return source.text[start:end]


def test_lines_and_columns_count_from_one() -> None:
    source = Source("quant.cfg", TEXT)
    assert source.position(0) == (1, 1)
    assert source.position(TEXT.index("second")) == (2, 1)
    assert source.position(TEXT.index("cond")) == (2, 3)


def test_a_line_feed_belongs_to_the_line_that_it_ends() -> None:
    source = Source("quant.cfg", TEXT)
    assert source.position(5) == (1, 6)
    assert source.position(TEXT.index("\r\n") + 1) == (2, 8)
    assert source.position(TEXT.index("\n\n") + 1) == (3, 1)


def test_columns_count_characters() -> None:
    assert Source("quant.cfg", TEXT).position(TEXT.index("x")) == (4, 5)


def test_a_carriage_return_alone_ends_no_line() -> None:
    source = Source("quant.cfg", TEXT)
    assert source.position(TEXT.index("still")) == (4, 7)
    assert line(source, 4) == "\u5377\u79ef \U0001f600x\rstill fourth"


def test_the_end_of_the_text_has_a_position() -> None:
    assert Source("quant.cfg", TEXT).position(len(TEXT)) == (5, 1)
    assert Source("quant.cfg", "a").position(1) == (1, 2)
    assert Source("quant.cfg", "").position(0) == (1, 1)


def test_a_line_comes_without_its_end() -> None:
    source = Source("quant.cfg", TEXT)
    assert [line(source, number) for number in (1, 2, 3, 5)] == ["first", "second", "", ""]
    assert line(Source("quant.cfg", "a\r"), 1) == "a"
    assert line(Source("quant.cfg", ""), 1) == ""


def test_a_span_knows_its_text_and_both_its_ends() -> None:
    start = TEXT.index("cond")
    span = Span(Source("quant.cfg", TEXT), start, start + 7)
    assert span.text == "cond\r\n\n"
    assert (span.start_position, span.end_position) == ((2, 3), (4, 1))


def test_the_value_of_an_argument_is_a_source_as_python_spells_it() -> None:
    source = argument_source("skip_layers", ["conv1", None])
    assert source == Source("argument skip_layers", "['conv1', None]", is_file=False)


@law(TEXTS)
def test_positions_rise_with_the_offset(text: str) -> None:
    source = Source("quant.cfg", text)
    positions = [source.position(offset) for offset in range(len(text) + 1)]
    assert positions == sorted(set(positions))


@law(TEXTS)
def test_a_position_leads_back_to_its_character(text: str) -> None:
    source = Source("quant.cfg", text)
    for offset, char in enumerate(text):
        number, column = source.position(offset)
        assert f"{line(source, number)}\r\n"[column - 1] == char or char in "\r\n"


@law(TEXTS)
def test_there_is_a_line_for_every_piece_between_line_feeds(text: str) -> None:
    source = Source("quant.cfg", text)
    pieces = text.split("\n")
    assert [line(source, number + 1) for number in range(len(pieces))] == [
        piece.removesuffix("\r") for piece in pieces
    ]
