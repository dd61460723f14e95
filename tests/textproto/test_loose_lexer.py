"""The loose lexer accepts any text, and its result does not depend on how many tokens it reads at once."""

from __future__ import annotations

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


@law(broken_texts, st.sampled_from([1, 3, 1000]))
def test_the_first_token_that_is_too_long_is_found(text: str, at_once: int) -> None:
    kinds = ("string", "unclosed", "field", "word")
    tokens = loose_lexer.tokens(text, len(text))
    long = [token.span() for token in tokens if len(token[0]) > 5 and token.lastgroup in kinds]
    many = loose_lexer._MANY_TOKENS.replace("{1,1000}+", f"{{1,{at_once}}}+")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "TOKEN_LENGTH", 5)
        patch.setattr(loose_lexer, "_has_long_line", bool)
        patch.setattr(loose_lexer, "_MANY_TOKENS", many)
        found = [(span.start, span.end) for span in loose_lexer._long_tokens(Source("text", text))]
    assert found[:1] == long[:1]


@law(broken_texts)
def test_every_text_is_made_of_tokens(text: str) -> None:
    assert "".join(token[0] for token in loose_lexer.tokens(text, len(text))) == text


@pytest.mark.parametrize("piece", ["@", "$", "$ ", "$\n", "\u00e9", "= ", ")", "\0", "'\n"])
@pytest.mark.slow
def test_a_megabyte_of_what_starts_no_token_is_one_error_or_a_few(piece: str) -> None:
    found: list[Diagnostic] = []
    document = parse(Source("text", piece * (2**20 // len(piece))), found.append)
    assert document.fields == ()
    assert 1 <= len(found) <= 2
    assert found[0].span
    assert found[0].span.start == 0
