from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import text_format

from quantcfg import contracts
from quantcfg.textproto import Binding, BoundMessage, Dialect, bind
from tests.laws import law
from tests.protos import descriptor_of
from tests.textproto.reading import (
    CONFIGS,
    EVERYTHING,
    IMPLICIT,
    STRICT,
    message_of,
    parsed,
    read,
    read_by_google,
    same,
)
from tests.textproto.strategies import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from quantcfg.diagnostics import Diagnostic
    from quantcfg.textproto import Path

NETWORK = contracts.message_class("caffe", "caffe.NetParameter")


def bound(text: str, message_type: type[Message], *, lenient: bool = False) -> Binding:
    diagnostics: list[Diagnostic] = []
    binding = bind(parsed(text), descriptor_of(message_type), diagnostics.append, Dialect(lenient=lenient))
    assert [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"] == []
    return binding


def message(text: str, message_type: type[Message], *, lenient: bool = False) -> Any:
    return message_of(bound(text, message_type, lenient=lenient), message_type)


def spans(binding: Binding) -> dict[Path, tuple[str, str]]:
    """Return the text of the name and of the value at each path."""
    places = ((path, binding.place_at(path)) for path in given(binding.whole))
    return {path: (place.name_span.text, place.span.text) for path, place in places if place}


def given(bound: BoundMessage) -> Iterator[Path]:
    """Yield the paths of all that is set in a message."""
    for name, each in bound.fields.items():
        path = (*bound.path, name)
        items = enumerate(each) if isinstance(each, list) else [(None, each)]
        for index, item in items:
            yield path if index is None else (*path, index)
            if isinstance(item, BoundMessage):
                yield from given(item)


def test_every_value_knows_the_name_and_the_text_that_gave_it() -> None:
    text = "one_int32: - 5 Data <group_int32: 0x1> many_string: ['a', 'b' 'c'] many_string: \"d\""
    assert spans(bound(text, EVERYTHING)) == {
        ("one_int32",): ("one_int32", "- 5"),
        ("data",): ("Data", "<group_int32: 0x1>"),
        ("data", "group_int32"): ("group_int32", "0x1"),
        ("many_string", 0): ("many_string", "'a'"),
        ("many_string", 1): ("many_string", "'b' 'c'"),
        ("many_string", 2): ("many_string", '"d"'),
    }


def test_of_several_values_the_last_one_has_the_place() -> None:
    text = "one_int32: 1 one_nested {number: 2} one_nested {number: 3} one_int32: 4"
    assert spans(bound(text, EVERYTHING)) == {
        ("one_int32",): ("one_int32", "4"),
        ("one_nested",): ("one_nested", "{number: 3}"),
        ("one_nested", "number"): ("number", "3"),
    }


def test_items_that_are_refused_leave_no_gap() -> None:
    reading = read("many_int32: [x, 1, y, 2] many_nested: 5 many_nested {number: 6}", EVERYTHING)
    assert reading.codes == ["QC202", "QC202", "QC202"]
    assert same(reading.message, message("many_int32: [1, 2] many_nested {number: 6}", EVERYTHING))


@law(messages(*CONFIGS, EVERYTHING, IMPLICIT), examples=100)
def test_every_value_of_a_message_has_a_place_and_nothing_else_has_one(message: Message) -> None:
    text = text_format.MessageToString(message)
    assert set(given(bound(text, type(message)).whole)) == set(paths(message, ()))


def paths(message: Any, path: Path) -> Iterator[Path]:
    for field, value in message.ListFields():
        items = enumerate(value) if field.is_repeated else [(None, value)]
        for index, item in items:
            inner = (*path, field.name) if index is None else (*path, field.name, index)
            yield inner
            if field.message_type:
                yield from paths(item, inner)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("one_nested {number: 1} one_nested {back {}}", "one_nested {number: 1 back {}}"),
        ("chosen_nested {number: 1} chosen_int32: 2 chosen_nested {}", "chosen_nested {}"),
        ("many_int32: [1] many_int32: 2 many_int32: [] many_int32: [3, 4]", "many_int32: [1, 2, 3, 4]"),
        ("row {cell: 'a'} Row {} Row: [{}, <cell: 'b'>]", "Row {cell: 'a'} Row {} Row {} Row {cell: 'b'}"),
        ("former_name: [{a: '\\q'}] one_int32: 1 reserved_field <>", "one_int32: 1"),
        ("one_nested {}", "one_nested {}"),
        ("one_color: nan many_color: [t, -1]", "one_color: 4 many_color: 3 many_color: ULTRAVIOLET"),
    ],
)
def test_text_has_the_same_meaning_as_for_google(text: str, plain: str) -> None:
    expected = read_by_google(plain, EVERYTHING)
    assert expected is not None
    assert same(message(text, EVERYTHING), expected)


# --- lenient binding: the schema is only a part of the format


def unknown_enums(binding: Binding) -> dict[Path, tuple[str, str]]:
    """Return the texts of the names and values where an enum has no such value."""
    return {path: (place.name_span.text, place.span.text) for path, place in binding.unknown_enums.items()}


def test_a_lenient_binding_passes_over_fields_that_the_schema_lacks() -> None:
    text = 'name: "net" force_backward: true quantize { level: 1 } [a.b] { c: 1 } layer { name: "a" loss: 1 }'
    network = message(text, NETWORK, lenient=True)
    assert same(network, message('name: "net" layer { name: "a" }', NETWORK))


def test_a_lenient_binding_keeps_the_words_that_an_enum_lacks() -> None:
    binding = bound("layers { type: CONVOLUTION } layers { type: WARP }", NETWORK, lenient=True)
    assert unknown_enums(binding) == {("layers", 1, "type"): ("type", "WARP")}
    assert "type" not in binding.whole["layers"][1]


def test_a_lenient_binding_keeps_the_numbers_that_an_enum_lacks() -> None:
    text = f"layers {{ type: 99 }} layers {{ type: {2**32} }}"
    binding = bound(text, NETWORK, lenient=True)
    assert unknown_enums(binding) == {
        ("layers", 0, "type"): ("type", "99"),
        ("layers", 1, "type"): ("type", str(2**32)),
    }


def test_a_lenient_binding_does_not_miss_required_fields() -> None:
    assert read("", STRICT, lenient=True).codes == []
    assert read("", STRICT).codes == ["QC206", "QC206"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("layer { name: 5 }", "QC202"),
        ("input_dim: 2147483648", "QC203"),
        ("layer { name: ['a'] }", "QC205"),
        (r"layer { name: '\q' }", "QC108"),
        (r"layer { name: '\xff' }", "QC210"),
        ("layers { type: 'CONVOLUTION' }", "QC202"),
        ("layers { type: {} }", "QC202"),
    ],
)
def test_a_lenient_binding_refuses_values_that_fields_do_not_take(text: str, code: str) -> None:
    assert read(text, NETWORK, lenient=True).codes == [code]


@law(messages(*CONFIGS, EVERYTHING), examples=100)
def test_what_a_strict_binding_accepts_a_lenient_one_reads_the_same(given: Message) -> None:
    text = text_format.MessageToString(given)
    assert same(message(text, type(given), lenient=True), message(text, type(given)))
