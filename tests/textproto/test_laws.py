from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any

from google.protobuf import text_format
from hypothesis import strategies as st

from quantcfg.frozen import replace
from quantcfg.textproto import tree
from quantcfg.textproto.literals import decode_string, encode_string, floating, integer
from quantcfg.textproto.printer import print_document
from tests.laws import law
from tests.textproto.reading import CONFIGS, EVERYTHING, IMPLICIT, parsed, read, read_by_google, same
from tests.textproto.strategies import (
    bracketed_names,
    documents,
    escapes,
    messages,
    noisy_texts,
    number_words,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message


@law(documents)
def test_a_printed_tree_parses_back_to_an_equal_tree(document: tree.Document) -> None:
    printed = print_document(document)
    assert parsed(printed) == document
    assert print_document(parsed(printed)) == printed


@law(noisy_texts(documents))
def test_spacing_comments_separators_and_kinds_of_brackets_do_not_matter(
    noisy: tuple[tree.Document, str],
) -> None:
    document, text = noisy
    assert parsed(text) == document


@law(noisy_texts(documents))
def test_every_node_has_its_offsets(noisy: tuple[tree.Document, str]) -> None:
    text = noisy[1]
    document = parsed(text)
    assert_children_follow_each_other_within(tree.Message([*document.fields], 0, len(text)))
    for node in nodes(document):
        assert_children_follow_each_other_within(node)
        assert_text_says_the_same(document, node)
    assert_nothing_is_between([node for node in nodes(document) if not tree.children(node)], text)


def assert_children_follow_each_other_within(parent: tree.Node) -> None:
    end = parent.start
    for child in tree.children(parent):
        assert end <= child.start < child.end <= parent.end
        end = child.end


def assert_text_says_the_same(document: tree.Document, node: tree.Node) -> None:
    text = document.span(node).text
    if isinstance(node, tree.Field):
        assert parsed(text).fields == (node,)
    elif isinstance(node, tree.Name):
        assert parsed(f"{text} {{}}").fields[0].name == node
    elif isinstance(node, tree.Literal):
        assert text == node.text
    else:
        assert parsed(f"x: {text}").fields[0].value == node


def assert_nothing_is_between(leaves: list[tree.Node], text: str) -> None:
    """Check that only whitespace, comments, separators and brackets are outside of the leaves."""
    starts = [leaf.start for leaf in leaves]
    ends = [leaf.end for leaf in leaves]
    for end, start in zip([0, *ends], [*starts, len(text)], strict=True):
        gap = re.sub(r"#[^\n]*", "", text[end:start])
        assert set(gap) <= set(" \t\n\v\f\r{}<>[]:;,")


def nodes(document: tree.Document) -> Iterator[tree.Node]:
    """Yield the nodes of a document in the order of the text, parents first."""
    unseen: list[tree.Node] = list(reversed(document.fields))
    while unseen:
        node = unseen.pop()
        yield node
        unseen.extend(reversed(tree.children(node)))


STYLES: tuple[dict[str, Any], ...] = (
    {},
    {"as_utf8": False},
    {"as_one_line": True},
    {"use_short_repeated_primitives": True},
    {"pointy_brackets": True},
    {"force_colon": True},
    {"as_one_line": True, "pointy_brackets": True, "use_short_repeated_primitives": True, "as_utf8": False},
)


@law(messages(*CONFIGS, EVERYTHING, IMPLICIT), st.sampled_from(STYLES))
def test_what_google_prints_is_read_back(message: Message, style: dict[str, Any]) -> None:
    reading = read(text_format.MessageToString(message, **style), type(message))
    assert reading.diagnostics == []
    assert same(reading.message, message)


@law(messages(*CONFIGS, EVERYTHING, IMPLICIT))
def test_what_we_print_google_reads_back(message: Message) -> None:
    text = print_document(parsed(text_format.MessageToString(message)))
    again = read_by_google(text, type(message))
    assert again is not None
    assert same(again, message)


@law(number_words, examples=200)
def test_a_number_is_kept_as_written_and_has_the_value_that_google_gives_it(text: str) -> None:
    (field,) = parsed(f"x:{text}").fields
    assert field.value == tree.Number(text)
    assert bits(floating(text)) == bits(google_float(text))
    value = integer(tree.Number(text))
    fits = value is not None and -(2**63) <= value < 2**63
    assert (value if fits else None) == google_integer(text)


def bits(value: float | None) -> bytes | None:
    return None if value is None else struct.pack("d", value)


def google_float(text: str) -> float | None:
    try:
        return float(text_format.ParseFloat(text))
    except ValueError:
        return None


def google_integer(text: str) -> int | None:
    try:
        return int(text_format.ParseInteger(text, is_signed=True, is_long=True))
    except ValueError:
        return None


@law(words | st.text("infatyINFATY", min_size=1, max_size=9) | st.sampled_from(["nanf", "inff", "infinityF"]))
def test_of_all_words_only_inf_infinity_and_nan_are_decimal_numbers(word: str) -> None:
    for text in (word, f"-{word}"):
        expected = google_float(text) if word.lower() in ("inf", "infinity", "nan") else None
        assert bits(floating(text)) == bits(expected)


@law(bracketed_names)
def test_a_bracketed_name_is_kept_as_written(name: str) -> None:
    assert parsed(f"[{name}] {{}}").fields[0].name == tree.Name(name, bracketed=True)


@law(st.lists(escapes | st.sampled_from("ax09\u00e9\u20ac"), max_size=6).map("".join), examples=200)
def test_a_string_has_the_bytes_that_the_escapes_stand_for(body: str) -> None:
    (field,) = parsed(f'x: "{body}"').fields
    assert isinstance(field.value, tree.String)
    assert field.value.parts == (tree.Literal(f'"{body}"'),)
    decoded = decode_string(field.value)
    assert (decoded if isinstance(decoded, bytes) else None) == unescaped(body)


def unescaped(body: str) -> bytes | None:
    """Decode escapes with what Python knows of them; None if one is not a character or byte."""
    pieces = re.findall(r"\\[0-7]{1,3}|\\x..?(?<=[0-9A-Fa-f])|\\u.{4}|\\U.{8}|\\.|[^\\]+", body)
    try:
        return b"".join(unescaped_piece(piece) for piece in pieces)
    except ValueError:
        return None


def unescaped_piece(piece: str) -> bytes:
    if piece[:2] in ("\\u", "\\U"):
        return chr(int(piece[2:], 16)).encode()
    if piece[:2] == "\\x":
        return bytes([int(piece[2:], 16)])
    if piece[:1] == "\\" and piece[1].isdigit():
        return bytes([int(piece[1:], 8)])
    return piece.replace("\\?", "?").encode().decode("unicode_escape").encode("latin-1")


@law(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_encoded_string_decodes_to_what_it_was(text: str) -> None:
    (field,) = parsed(f"x: {encode_string(text)}").fields
    assert isinstance(field.value, tree.String)
    assert decode_string(field.value) == text.encode()


def test_trees_are_equal_if_they_say_the_same_elsewhere() -> None:
    here, there = parsed("a: 1 b {}"), parsed("\n a:1, b: <>")
    assert here == there
    assert here != replace(there, fields=there.fields[:1])
