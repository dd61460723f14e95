"""The table driver accepts the same as lark with the grammar without names in brackets."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from lark import Lark, UnexpectedInput

from quantcfg import contracts
from quantcfg.source import Source
from quantcfg.textproto import parser, tree
from tests import shared
from tests.laws import law
from tests.textproto.near_misses import nearly_valid_texts
from tests.textproto.reading import CONFIGS, EVERYTHING, OWN_TEXTS, SHARED_TEXTS, places
from tests.textproto.strategies import damaged_texts, documents, noisy_texts


def read_by_driver(text: str) -> Any:
    return parser.parse_by_table(text, cast(parser.Table, contracts.parse_table()), parser._Build)


def read_by_lark(text: str) -> Any:
    try:
        return _lark().parse(text)
    except UnexpectedInput:
        return None


@cache
def _lark() -> Lark:
    grammar = contracts.grammar("textproto.lark")
    return Lark(
        grammar + "%override name: IDENT -> plain_name\n",
        start="document",
        parser="lalr",
        lexer="basic",
        maybe_placeholders=False,
        transformer=parser._Build,
    )


def assert_they_agree(text: str) -> None:
    ours, theirs = read_by_driver(text), read_by_lark(text)
    assert (ours is None) == (theirs is None)
    if ours is not None:
        ours, theirs = (tree.Document(Source("text", text), tuple(fields)) for fields in (ours, theirs))
        assert ours == theirs
        assert places(ours) == places(theirs)


@law(noisy_texts(documents).map(lambda noisy: noisy[1]))
def test_on_valid_text(text: str) -> None:
    assert_they_agree(text)


@law(nearly_valid_texts(*CONFIGS, EVERYTHING))
def test_on_nearly_valid_text(text: str) -> None:
    assert_they_agree(text)


@law(damaged_texts())
def test_on_text_with_tokens_added_and_removed(text: str) -> None:
    assert_they_agree(text)


@pytest.mark.parametrize("path", OWN_TEXTS, ids=lambda path: path.name)
def test_on_the_files_of_the_project(path: Path) -> None:
    assert_they_agree(path.read_bytes().decode(errors="replace"))


@pytest.mark.slow
@shared.needs_shared
@pytest.mark.parametrize("path", SHARED_TEXTS, ids=lambda path: path.name)
def test_on_real_files(path: Path) -> None:
    assert_they_agree(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", ["", " ", "# c", "a: 1", "a: [1, 2] b: [{}, <>] c: []", "a <b: 'x' \"y\">;"])
def test_valid_text_is_parsed(text: str) -> None:
    assert read_by_driver(text) is not None


@pytest.mark.parametrize("text", ["a", "a:", "a {", "a: 1 }", "a: [1", "a: 1;;", "a: 1 \0", "\0", "a: 1x"])
def test_invalid_text_is_rejected(text: str) -> None:
    assert read_by_driver(text) is None
