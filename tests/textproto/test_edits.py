"""Fields inserted, replaced and removed: everything else stays, including comments."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from quantcfg.diagnostics import Edit
from quantcfg.diagnostics.fixes import applied
from quantcfg.source import Source
from quantcfg.textproto import Place, tree
from quantcfg.textproto.edits import addition, removal, replacement
from quantcfg.textproto.trivia import comments
from tests.laws import law
from tests.textproto.reading import comments_of, parsed
from tests.textproto.strategies import documents, noisy_texts

LINES = ["added: 1", "added {", "  # within", "}"]
ADDED = parsed("\n".join(LINES)).fields

Noisy = tuple[tree.Document, str]


def edited(text: str, edits: tuple[Edit, ...]) -> tree.Document:
    return parsed(applied(edits[0].span.source, edits) if edits else text)


@law(noisy_texts(documents), st.integers(0, 2))
def test_a_field_goes_and_its_comments_stay(noisy: Noisy, index: int) -> None:
    document = parsed(noisy[1])
    for field in document.fields[index : index + 1]:
        after = edited(noisy[1], replacement(document, field, comments(document, field)))
        assert after.fields == (*document.fields[:index], *document.fields[index + 1 :])
        assert comments_of(after.source.text) == comments_of(noisy[1])


@law(noisy_texts(documents))
def test_all_fields_go_at_once_and_their_comments_stay(noisy: Noisy) -> None:
    document = parsed(noisy[1])
    edits = [replacement(document, field, comments(document, field)) for field in document.fields]
    after = edited(noisy[1], sum(edits, ()))
    assert after.fields == ()
    assert comments_of(after.source.text) == comments_of(noisy[1])


@law(noisy_texts(documents), st.integers(0, 2))
def test_lines_take_the_place_of_a_field(noisy: Noisy, index: int) -> None:
    document = parsed(noisy[1])
    for field in document.fields[index : index + 1]:
        after = edited(noisy[1], replacement(document, field, LINES))
        assert after.fields == (*document.fields[:index], *ADDED, *document.fields[index + 1 :])
        lost = list(comments(document, field))
        assert sorted([*comments_of(after.source.text), *lost]) == sorted(
            [*comments_of(noisy[1]), "# within"]
        )


@law(noisy_texts(documents), st.integers(0, 2))
def test_lines_go_behind_a_field(noisy: Noisy, index: int) -> None:
    document = parsed(noisy[1])
    for field in document.fields[index : index + 1]:
        after = edited(noisy[1], (addition(document, field, LINES),))
        assert after.fields == (*document.fields[: index + 1], *ADDED, *document.fields[index + 1 :])
        assert sorted(comments_of(after.source.text)) == sorted([*comments_of(noisy[1]), "# within"])


@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        ("m {\n  a: 1  # own\n  b: 2\n}\n", ["# gone"], "m {\n  # gone\n  # own\n  b: 2\n}\n"),
        ("m {\n  a: 1  # own\n  b: 2\n}\n", ["# new", "c: 3"], "m {\n  # new\n  c: 3  # own\n  b: 2\n}\n"),
        ("m {\n  a: 1 b: 2\n}\n", ["# gone"], "m {\n  # gone\n  b: 2\n}\n"),
    ],
)
def test_comments_stay_at_their_field_and_level(text: str, lines: list[str], expected: str) -> None:
    document = parsed(text)
    value = document.fields[0].value
    field = value.fields[0] if isinstance(value, tree.Message) else document.fields[0]
    assert applied(document.source, replacement(document, field, lines)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\n", "b: 2\n"),
        ("  a: 1 ; \r\nb: 2\n", "b: 2\n"),
        ("b: 2 \n a: 1, c: 3", "b: 2 \n c: 3"),
        ("a: 1 # behind\n", "# behind\n"),
        ("a: 1\n; b: 2", " b: 2"),
        ("a: 1 # behind\n; b: 2", "# behind\n b: 2"),
        ("a: # within\n1", None),
        ("a: '#'\n", ""),
    ],
)
def test_a_field_is_taken_out_unless_a_comment_would_be_lost(text: str, expected: str | None) -> None:
    document = parsed(text)
    field = next(field for field in document.fields if field.name.text == "a")
    edits = removal(Place(document, field, field.value))
    assert (applied(document.source, edits) if edits else None) == expected


def test_what_no_edit_names_stays() -> None:
    source = Source("text", "a: 1")
    assert applied(source, ()) == "a: 1"
