"""That many pieces are taken at once makes no difference to what is found in a text."""

from __future__ import annotations

import re

import pytest
from hypothesis import strategies as st

from quantcfg import limits
from quantcfg.diagnostics import Diagnostic
from quantcfg.source import Source
from quantcfg.textproto import loose_lexer, parse
from tests.laws import law
from tests.textproto.strategies import damaged_texts

_PIECES = [
    *("$", "@@", "a", "b:", "c # d\n:", "e {", "[f.g] <", "1.5", "'h'", '"i\\"', '"j', "# k:", "# l\r", "\r"),
    *(
        "{",
        "}",
        "<",
        ">",
        "[",
        "]",
        "(",
        ")",
        ",",
        ":",
        " ",
        "\n",
        "\r\n",
        "\0",
        "\u00e9",
        "x" * 9,
        "'yyyyyyy'",
    ),
]
broken_texts = damaged_texts() | st.lists(st.sampled_from(_PIECES), max_size=30).map("".join)


def next_field_piece_by_piece(text: str, offset: int, *, in_list: bool) -> int:
    depth = 0
    for piece in loose_lexer._PIECE.finditer(text, offset):
        kind, char = piece.lastgroup, piece[0]
        if depth and piece.start() - offset > loose_lexer._FAR:
            break
        if kind == "field" and depth == 0:
            return piece.start()
        if kind == "opening":
            depth += 1
        elif kind == "closing" and depth:
            depth -= 1
        elif kind == "closing" and char in "}>":
            return piece.start()
        elif kind == "closing" and in_list:
            return piece.end()
    on_a_new_line = loose_lexer._FIELD_ON_A_NEW_LINE.search(text, offset) if depth else None
    return on_a_new_line.end() if on_a_new_line else len(text)


def pieces(text: str, start: int = 0, end: int | None = None) -> list[re.Match[str]]:
    return list(loose_lexer._PIECE.finditer(text, start, len(text) if end is None else end))


def taking(pattern: str, at_once: int) -> str:
    """Return a pattern that takes so many pieces at once, not a thousand."""
    changed, count = re.subn(r",1000\}\+", f",{at_once}}}+", pattern)
    assert count == 1
    return changed


@law(broken_texts, st.booleans(), st.sampled_from([0, 5, 10_000]), st.sampled_from([1, 1000]))
def test_the_next_field_is_that_of_a_search_piece_by_piece(
    text: str, in_list: bool, far: int, at_once: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loose_lexer, "_FAR", far)
        patch.setattr(loose_lexer, "_NOTABLE", taking(loose_lexer._NOTABLE, at_once))
        for offset in range(len(text) + 1):
            found = loose_lexer.next_field(text, offset, in_list=in_list)
            assert found == next_field_piece_by_piece(text, offset, in_list=in_list)


@law(broken_texts, st.booleans(), st.data())
def test_names_are_found_wherever_a_piece_can_be_one(text: str, strings: bool, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    names = {"field", "word", "opening"} | ({"string"} if strings else set())
    expected = any(piece.lastgroup in names for piece in pieces(text, start, end))
    assert loose_lexer.holds_names(text, start, end, strings=strings) == expected


@law(broken_texts, st.sampled_from([1, 3, 1000]))
def test_the_first_piece_that_is_too_long_is_found(text: str, at_once: int) -> None:
    kinds = ("string", "unended", "field", "word")
    long = [piece.span() for piece in pieces(text) if len(piece[0]) > 5 and piece.lastgroup in kinds]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "TOKEN_LENGTH", 5)
        patch.setattr(loose_lexer, "_has_long_line", bool)
        patch.setattr(loose_lexer, "_MANY_PIECES", taking(loose_lexer._MANY_PIECES, at_once))
        found = [(span.start, span.end) for span in loose_lexer._long_pieces(Source("text", text))]
    assert found[:1] == long[:1]


@law(broken_texts)
def test_the_comments_with_a_lone_carriage_return_are_found(text: str) -> None:
    # A comment behind the name of a field belongs to its piece.
    expected = [
        piece.span()
        for piece in pieces(text.replace(":", ";").replace("{", "}").replace("<", ">").replace("[", "]"))
        if piece.lastgroup == "comment" and loose_lexer._LONE_CARRIAGE_RETURN.search(text, *_with_end(piece))
    ]
    assert [(span.start, span.end) for span in loose_lexer._hiding_comments(Source("text", text))] == expected


def _with_end(comment: re.Match[str]) -> tuple[int, int]:
    """Return where a comment is, with the line feed behind it, which a carriage return may belong to."""
    return comment.start(), comment.end() + 1


@pytest.mark.parametrize("piece", ["@", "$", "$ ", "$\n", "\u00e9", "= ", ")", "\0", "'\n"])
@pytest.mark.slow
def test_a_megabyte_of_what_starts_no_token_is_one_error_or_a_few(piece: str) -> None:
    found: list[Diagnostic] = []
    document = parse(Source("text", piece * (2**20 // len(piece))), found.append)
    assert document.fields == ()
    assert 1 <= len(found) <= 2
    assert found[0].span
    assert found[0].span.start == 0
