"""Where an offset is, by the text before it: the message, the field, and the unfinished word."""

from __future__ import annotations

import pytest
from hypothesis import strategies

from quantcfg.textproto.cursor import cursor_at
from tests.laws import law

MARK = "‸"


def at(marked: str) -> tuple[tuple[str, ...], str | None, str]:
    """Return the path, the field, and the word around the mark."""
    before, _, after = marked.partition(MARK)
    text = before + after
    cursor = cursor_at(text, len(before))
    assert cursor
    return cursor.path, cursor.field, text[cursor.start : cursor.end]


@pytest.mark.parametrize(
    ("marked", "path", "field", "word"),
    [
        ("‸", (), None, ""),
        ("bat‸ch", (), None, "batch"),
        ("a: 1 ‸", (), None, ""),
        ("a: ‸", (), "a", ""),
        ("a:‸", (), "a", ""),
        ("a: tr‸ue b: 2", (), "a", "true"),
        ("a: 1, ‸", (), None, ""),
        ("a: 1; b‸", (), None, "b"),
        ("m { ‸ }", ("m",), None, ""),
        ("m: < a: ‸ >", ("m",), "a", ""),
        ("m { n { a: 1 } ‸", ("m",), None, ""),
        ("m { n { a: 1 } } ‸", (), None, ""),
        ('m { a: "x‸', ("m",), "a", "x"),
        ('a: "on‸e two" b: 1', (), "a", "one two"),
        ("a: 'o\\'‸n' b: 1", (), "a", "o\\'n"),
        ('a: "one" ‸', (), None, ""),
        ('a: "one"‸', (), None, ""),
        ('a: ["one", ‸]', (), "a", ""),
        ('a: ["one", "t‸wo"]', (), "a", "two"),
        ('a: ["one"] ‸', (), None, ""),
        ("m [{ a: 1 }, { ‸", ("m",), None, ""),
        ("a: # not here\n‸", (), "a", ""),
        ('a: "open\n‸', (), None, ""),
        ("} ‸", (), None, ""),
        ("a # m {\n: ‸", (), "a", ""),
    ],
)
def test_what_can_be_written_at_an_offset(
    marked: str, path: tuple[str, ...], field: str | None, word: str
) -> None:
    assert at(marked) == (path, field, word)


def test_in_a_comment_nothing_can_be_written() -> None:
    assert cursor_at("a: 1 # b: ", 10) is None


def test_an_unterminated_string_is_reported() -> None:
    assert [cursor.is_closed for text in ('a: "b', 'a: "b"') if (cursor := cursor_at(text, 5))] == [
        False,
        True,
    ]


def test_the_names_before_it_are_returned() -> None:
    text = "a: 1 m { b: 1 c { d: 1 } "
    cursor = cursor_at(text, len(text))
    assert cursor
    assert cursor.given == {"b", "c"}


@law(strategies.text(strategies.sampled_from("ab:{}[]<>\"'\\#\n,; 1-")), strategies.integers(0, 50))
def test_every_offset_of_every_text_has_a_place(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    cursor = cursor_at(text, offset)
    assert cursor is None or cursor.start <= offset <= cursor.end <= len(text)
