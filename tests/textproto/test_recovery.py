"""After an error the parser continues: every error is reported once, and the valid rest is bound."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from quantcfg import limits
from quantcfg.diagnostics import Diagnostic
from quantcfg.diagnostics.fixes import fixed
from quantcfg.files import other_content
from quantcfg.source import Source
from quantcfg.textproto import loose_lexer, parse, tree
from tests.laws import law
from tests.marks import places, unmarked
from tests.textproto.near_misses import nearly_valid_texts
from tests.textproto.reading import CONFIG, EVERYTHING, STRICT, read, same


def syntax_of(text: str) -> tuple[tree.Document, list[Diagnostic]]:
    found: list[Diagnostic] = []
    return parse(Source("text", text), found.append), found


# --- one error is one diagnostic, and parsing continues after it

READ_ON = {
    # the colon
    "a colon too few": ("one_int32 «QC104»5\none_bool: t", "one_int32: 5 one_bool: t"),
    "neither colon nor message": ("one_nested\n«QC104»}", "one_nested {}"),
    "an equals sign": ("one_int32 «QC105»= 5 one_bool «QC105»= true", "one_int32: 5 one_bool: t"),
    "a fullwidth colon": ("one_int32«QC105»\uff1a5 one_bool: t", "one_int32: 5 one_bool: t"),
    "a name in two words": ("one «QC104»int32: 5\none_bool: t", "one_bool: t"),
    "a name in two words before a message": ("one «QC104»nested { number: 1 }\none_bool: t", "one_bool: t"),
    "a semicolon for a colon": ("one_int32«QC104»; 5 one_bool: t", "one_int32: 5 one_bool: t"),
    "a hyphen in a name": ("«QC105»one-int32: 5 one_bool: t", "one_int32: 5 one_bool: t"),
    "a point in a name": ("«QC105»one.int32: 5 one_bool: t", "one_int32: 5 one_bool: t"),
    "a name in quotes": ("«QC104»'one_int32': 5 one_bool: t", "one_int32: 5 one_bool: t"),
    # the value
    "a value with a hyphen": ("one_string: «QC105»conv1-2\none_bool: t", "one_bool: t"),
    "a value with a slash": ("one_string: «QC105»inception_3a/1x1 one_bool: t", "one_bool: t"),
    "values in a list with a slash": ("many_string: ['x', «QC105»a/b, 'c']", "many_string: ['x', 'c']"),
    "a value that should be a message": ("one_nested: «QC104»back { } one_bool: t", "one_bool: t"),
    "no value, before the next field": ("one_int32:«QC104»\none_bool: t", "one_bool: t"),
    "no value, before the next message": (
        "one_int32:«QC104»\none_nested { number: 1 }",
        "one_nested { number: 1 }",
    ),
    "no value and no colon": ("one_int32«QC104»\none_bool: t", "one_bool: t"),
    "no value at the end of a message": (
        "one_nested { number:«QC104»} one_bool: t",
        "one_nested {} one_bool: t",
    ),
    "no value at the end": ("one_bool: t one_int32:«QC104»", "one_bool: t"),
    "a number that is none": ("one_int32: «QC107»1_000 one_bool: t", "one_bool: t"),
    "a number and what should be a field": ("one_int32: «QC107»10one_bool: t\none_float: 2", "one_float: 2"),
    "a plus sign": ("one_int32: «QC105»+5 one_bool: t", "one_int32: 5 one_bool: t"),
    "a foreign character": ("one_int32: «QC105»$ one_bool: t", "one_bool: t"),
    "a foreign character behind a value": ("one_int32: 5 «QC105»% one_bool: t", "one_int32: 5 one_bool: t"),
    # strings
    "a string without an end": ('one_string: «QC106»"abc\none_bool: t', "one_bool: t"),
    "a string without an end, of several words": ('one_string: «QC106»"a b\none_bool: t', "one_bool: t"),
    "a string without an end before a bracket": (
        'row { cell: «QC106»"abc }\none_bool: t',
        "row {} one_bool: t",
    ),
    "a string without an end before a comment": ("one_string: «QC106»'abc # no\none_bool: t", "one_bool: t"),
    "a string over two lines": ('one_string: «QC106»"a\nb"\none_bool: t', "one_bool: t"),
    "a string without an end in a list": (
        "many_string: ['a', «QC106»\"b]\none_bool: t",
        "many_string: 'a' one_bool: t",
    ),
    "typographic quotes": ("one_string: «QC105»“abc” one_bool: t", "one_string: 'abc' one_bool: t"),
    "a name without quotes before": ('one_int32 «QC106»"abc\none_bool: t', "one_bool: t"),
    # lists
    "a comma too few": ("many_int32: [1 «QC104»2, 3]", "many_int32: [1, 2, 3]"),
    "a comma too many at the end": ("many_int32: [1, 2,«QC104»]", "many_int32: [1, 2]"),
    "a comma too many at the end of messages": (
        "many_nested: [{ number: 1 },«QC104»]",
        "many_nested { number: 1 }",
    ),
    "a semicolon in a list": ("many_int32: [1«QC104»; 2] one_bool: t", "many_int32: [1, 2] one_bool: t"),
    "a number that is none in a list": ("many_int32: [1, «QC107»2x, 3]", "many_int32: [1, 3]"),
    "a message among numbers": ("many_int32: [1, «QC104»{}, 3] one_bool: t", "many_int32: 1 one_bool: t"),
    "a list without an end": (
        "many_int32: [1,«QC104»\none_bool: t\none_float: 1",
        "many_int32: 1 one_bool: t one_float: 1",
    ),
    "a list without an end at the end": ("many_int32: [1«QC104»", "many_int32: 1"),
    "a list in parentheses": ("many_string: «QC105»('a', 'b') one_bool: t", "one_bool: t"),
    # separators
    "two separators": ("one_int32: 5;«QC104»; one_bool: t", "one_int32: 5 one_bool: t"),
    "separators of nothing": ("«QC104», one_bool: t", "one_bool: t"),
    "a comment with a semicolon": ("«QC104»; old value\none_bool: t", "one_bool: t"),
    "a comment with slashes": ("one_int32: 5 «QC105»// no\none_bool: t", "one_int32: 5 one_bool: t"),
    # brackets
    "a message without an end": ("one_nested { number: 1«QC104»", "one_nested { number: 1 }"),
    "two messages without an end": (
        "recursive { one_nested { number: 1«QC104»",
        "recursive { one_nested { number: 1 } }",
    ),
    "a message without an end before the next field": (
        "one_nested { number: 1\none_bool: t\none_float: 2«QC104»",
        "one_nested { number: 1 } one_bool: t one_float: 2",
    ),
    "a message without an end in a message": (
        "recursive {\n one_nested { number: 1\n one_bool: t\n}\none_float: 2«QC104»",
        "recursive { one_nested { number: 1 } one_bool: t one_float: 2 }",
    ),
    "a wrong bracket at the end": (
        "one_nested { number: 1 «QC104»> one_bool: t",
        "one_nested { number: 1 } one_bool: t",
    ),
    "a bracket too many at the end": ("one_nested {} «QC104»}\none_bool: t", "one_nested {} one_bool: t"),
    "a bracket too many before the next field": (
        "row { }\n cell: 'a' «QC104»}\none_bool: t",
        "row { cell: 'a' } one_bool: t",
    ),
    "no bracket at the start": (
        "one_nested«QC104»\n  number: 1\n}\none_bool: t",
        "one_nested { number: 1 } one_bool: t",
    ),
    "a square bracket too many": ("many_int32: [1]«QC104»] one_bool: t", "many_int32: 1 one_bool: t"),
    # no field at all
    "a number for a field": ("«QC104»7: 5\none_bool: t", "one_bool: t"),
    "a name in brackets that is none": ("«QC109»[5]: 5 one_bool: t", "one_bool: t"),
    "a section": ("«QC109»[main]\none_bool: t", "one_bool: t"),
    "only brackets": ("«QC109»[] one_bool: t", "one_bool: t"),
    "a byte order mark": ("«QC103»\ufeffone_bool: t", "one_bool: t"),
    "a byte order mark within": ("one_bool: «QC105»\ufefft", "one_bool: t"),
    "a null character": ("one_bool: t «QC105»\0 one_float: 2", "one_bool: t one_float: 2"),
    "a carriage return in a comment": ("one_bool: t «QC115»# a\rone_float: 2", "one_bool: t"),
}


@pytest.mark.parametrize("name", READ_ON)
def test_an_error_is_reported_once_and_the_valid_rest_is_bound(name: str) -> None:
    marked, rest = READ_ON[name]
    text, expected = unmarked(marked)
    reading = read(text, EVERYTHING)
    assert places(reading.diagnostics) == expected
    assert same(reading.message, read(rest, EVERYTHING).message)


def test_several_errors_of_all_kinds_are_reported_in_one_run() -> None:
    text, expected = unmarked(
        "one_int32 «QC105»= «QC202»x\n"
        "one_string: «QC106»'abc\n"
        "«QC201»one_in64: 5\n"
        "one_nested {\n"
        "  number: «QC107»1_0\n"
        "  «QC201»numbr: «QC202»abc\n"
        "}\n"
        "many_int32: [1 «QC104»2, «QC202»t]\n"
        "one_uint32: «QC203»-1 «QC104»}\n"
        "one_bool: «QC202»maybe\n"
    )
    assert places(read(text, EVERYTHING).diagnostics) == expected


def test_a_list_of_messages_without_a_comma_ends_at_its_bracket() -> None:
    text, expected = unmarked(
        'skip_layers: ["a"]\n'
        "override_layer_types: [\n"
        '  «QC206»{ layer_type: "Pooling" } «QC104»{ layer_type: "InnerProduct" }\n'
        '] «QC104»"x"\n'
        "«QC201»batch_nmu: 1\n"
    )
    reading = read(text, CONFIG)
    assert places(reading.diagnostics) == expected
    message: Any = reading.message
    assert [each.layer_type for each in message.override_layer_types] == ["Pooling"]
    assert list(message.skip_layers) == ["a"]


# --- no error follows from another


@pytest.mark.parametrize(
    "marked",
    [
        "name «QC105»= 'a' limits { low: 1 high: 2 }",
        "name: «QC106»'a\nlimits { low: 1 high: 2 }",
        "«QC104»'a' limits { low: 1 high: 2 }",
        "na «QC104»me: 'a'\nlimits { low: 1 high: 2 }",
        "name: 'a' limits { «QC107»1low: 1 high: 2 }",
        "name: 'a' limits { low: 1 high: «QC107»2x }",
        "name: 'a' limits { low: 1 high: 2«QC104»",
        "name: 'a'\nlimits«QC104»\nlow: 1 high: 2\n}",
    ],
)
def test_a_required_field_that_may_be_meant_by_what_cannot_be_read_is_not_missed(marked: str) -> None:
    text, expected = unmarked(marked)
    assert places(read(text, STRICT).diagnostics) == expected


def test_a_missing_field_is_reported_next_to_an_error_in_another_message() -> None:
    text, expected = unmarked(
        "override_layer_configs { «QC104»5 }\n«QC206»override_layer_configs { layer_name: 'a' }\n"
        "«QC206»override_layer_types { calibration_config { ifmr_quantize { search_step: «QC107»0.0.1 } } }"
    )
    assert places(read(text, CONFIG).diagnostics) == expected


def test_what_a_misspelt_field_holds_is_checked_as_what_was_meant() -> None:
    text, expected = unmarked(
        "«QC201»comon_config { ifmr_quantize { «QC201»search_stp: «QC202»'a' «QC201»quantization: 1 } }\n"
        "«QC201»batchnum: «QC203»-1"
    )
    reading = read(text, CONFIG)
    assert places(reading.diagnostics) == expected
    message: Any = reading.message
    assert message.HasField("common_config")


def test_fields_after_a_map_without_a_value_do_not_belong_to_it() -> None:
    assert read("map_string_nested: ; } value: 1", EVERYTHING).codes == ["QC104", "QC104", "QC201"]


def test_half_a_character_is_not_an_enum_value() -> None:
    assert read("one_color: '\ud800'", EVERYTHING).codes == ["QC202"]


def test_a_field_far_from_all_others_is_not_looked_into() -> None:
    assert read("quantization { ifmr_quantize { search_stp: 'a' } }", CONFIG).codes == ["QC201"]


def test_a_field_of_which_several_may_be_meant_is_not_looked_into() -> None:
    (unknown,) = read("search_range { }", CONFIG).diagnostics
    assert unknown.fix == ()


# --- fixes

FIXES = {
    "one_int32 5": "one_int32: 5",
    "one_int32 # a\n 5": "one_int32: # a\n 5",
    "one_int32 = 5": "one_int32 : 5",
    "one_int32\uff1a5": "one_int32:5",
    "one_int32:\u00a05": "one_int32: 5",
    "one_int32: +5": "one_int32: 5",
    "one_int32: 5;;": "one_int32: 5;",
    "many_int32: [1 2]": "many_int32: [1, 2]",
    "many_int32: [1 # a\n 2]": "many_int32: [1, # a\n 2]",
    "many_int32: [1; 2]": "many_int32: [1, 2]",
    "many_int32: [1, 2,]": "many_int32: [1, 2]",
    "many_int32: [1, 2, # a\n]": "many_int32: [1, 2 # a\n]",
    'one_string: "abc': 'one_string: "abc"',
    'row { cell: "abc }': 'row { cell: "abc" }',
    'one_string: "abc # no': 'one_string: "abc" # no',
    "one_string: “abc”": 'one_string: "abc"',
    "one_string: \u2018abc\u2019": "one_string: 'abc'",
    "one-int32: 5": "one_int32: 5",
    "'one_int32': 5": "one_int32: 5",
    "one_int32; 5": "one_int32: 5",
    "one_string: a/1x1": 'one_string: "a/1x1"',
    "one_bool: t // no": "one_bool: t # no",
    "; no\none_bool: t": "# no\none_bool: t",
    "\ufeffone_int32: 5": "one_int32: 5",
    "one_int32: 5 # a\rone_bool: t\r": "one_int32: 5 # a\none_bool: t\n",
    "one_in32: 5": "one_int32: 5",
    "one_int32: '5'": "one_int32: 5",
    "one_int32: 5.0": "one_int32: 5",
    "one_int32: [5]": "one_int32: 5",
    "one_float: '0.5'": "one_float: 0.5",
    "one_bool: TRUE": "one_bool: true",
    "one_bool: no": "one_bool: false",
    "one_bool: 'true'": "one_bool: true",
    "one_string: abc": 'one_string: "abc"',
    "one_color: 'RED'": "one_color: RED",
    "one_color: GREN": "one_color: GREEN",
    r"one_string: 'a\q'": r"one_string: 'a\\q'",
    r"one_string: 'D:\models\fusion'": r"one_string: 'D:\\models\\fusion'",
}


@pytest.mark.parametrize(
    "text", ["one_bool: t-rue", "ro;w { cell: 'a' }", "ro=w { cell: 'a' }", "one_message { one_in=t32 { } }"]
)
def test_a_change_that_would_cause_another_error_is_not_a_fix(text: str) -> None:
    found = read(text, EVERYTHING).diagnostics
    assert found
    assert not any(each.fix for each in found)


@pytest.mark.parametrize("text", FIXES)
def test_a_fix_removes_the_error_and_changes_nothing_else(text: str) -> None:
    source = Source("text", text)
    found: list[Diagnostic] = []
    reading = read(text, EVERYTHING)
    found += [diagnostic for diagnostic in reading.diagnostics if diagnostic.fix]
    assert len(found) == 1
    corrected, count = fixed(found[0].fix[0].span.source, found)
    assert (corrected, count) == (FIXES[text], 1)
    assert read(corrected, EVERYTHING).codes == []
    assert source.text == text


@pytest.mark.parametrize(
    "text",
    [
        "one_string: 'a b\n",
        "one_string: 'a\nb'",
        "one_int32: 1_000",
        "one_int32: 1.5",
        "one_int32: 'x'",
        "one_bool: 2",
        "one_int32:",
        "one_nested {",
        "one_nested {} }",
        "one_int32: [1, 2]",
        "one_color: PURPLE",
        "one two: 5",
        r"one_string: '\q\n'",
        r"one_string: '\400'",
        r"one_string: '\u12'",
        "one_string: null",
        "one_string: true",
    ],
)
def test_what_needs_judgement_has_no_fix(text: str) -> None:
    assert [diagnostic.fix for diagnostic in read(text, EVERYTHING).diagnostics if diagnostic.fix] == []


# --- whatever is read


def damaged(text: str, random: Random, count: int) -> str:
    """Return text with some of its characters removed, doubled or replaced."""
    for _ in range(count):
        at = random.randrange(len(text) + 1)
        junk = random.choice(
            [
                "",
                "",
                "{",
                "}",
                "<",
                ">",
                "[",
                "]",
                ":",
                ",",
                ";",
                '"',
                "'",
                "#",
                "\n",
                "\0",
                "\\",
                "-",
                "é",
                "7",
                " ",
            ]
        )
        text = text[:at] + junk + text[at + random.randrange(3) :]
    return text


@st.composite
def damaged_texts(draw: st.DrawFn) -> str:
    text = draw(nearly_valid_texts(EVERYTHING))
    return damaged(text, Random(draw(st.integers(0, 2**32))), draw(st.integers(1, 6)))


@law(damaged_texts())
def test_every_error_in_any_text_has_its_own_span(text: str) -> None:
    reading = read(text, EVERYTHING)
    if other_content(text):
        assert reading.codes == ["QC117"]  # The text is not parsed, and the error is about the whole file.
        return
    for diagnostic in reading.diagnostics:
        assert diagnostic.span
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
    spans = [
        (diagnostic.code, diagnostic.span.start, diagnostic.message)
        for diagnostic in reading.diagnostics
        if diagnostic.span
    ]
    assert len(spans) == len(set(spans))


@law(damaged_texts())
def test_fixes_come_to_an_end(text: str) -> None:
    for _ in range(10):
        found = read(text, EVERYTHING).diagnostics
        source = next((edit.span.source for diagnostic in found for edit in diagnostic.fix), None)
        if source is None:
            return
        text, _ = fixed(source, found)
    raise AssertionError(text)


BROKEN_LINES = (
    *("many_string: [1 2, 'a'", "many_int64 = x", "one_string: 'a", "one_int32: 1_0"),
    *("$", "] ;", "one two", "nested: ", "}", "many_int32: [1, 2", "'a' 'b", "one_int32"),
)


@law(st.lists(st.sampled_from(BROKEN_LINES), min_size=1, max_size=4))
def test_a_line_with_an_error_does_not_affect_other_lines(broken: list[str]) -> None:
    lines = [f"many_uint32: {number}" for number in range(len(broken) + 1)]
    text = "".join(f"{line}\n{error}\n" for line, error in zip(lines, broken, strict=False))
    message: Any = read(text + lines[-1], EVERYTHING).message
    assert list(message.many_uint32) == list(range(len(lines)))


# --- limits


def test_parsing_stops_after_many_syntax_errors() -> None:
    document, found = syntax_of("a: $\n" * (limits.SYNTAX_ERRORS * 3))
    codes = [diagnostic.code for diagnostic in found]
    assert codes.count("QC114") == 1
    assert codes[-1] == "QC114"
    assert len(codes) == limits.SYNTAX_ERRORS + 1
    assert document.fields


@pytest.mark.parametrize("piece", ["a: '{}'", "{}: 5", "a: {}", "a: 1{}", "a: '{}"])
def test_a_token_that_is_too_long_is_refused(piece: str) -> None:
    document, found = syntax_of("b: 1\n" + piece.replace("{}", "1" * (limits.TOKEN_LENGTH + 1)))
    assert [diagnostic.code for diagnostic in found] == ["QC113"]
    assert document.fields == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "a = {",
        "a: {",
        "a: [",
        "}",
        "]",
        ">",
        "a: 'b",
        "a: {'",
        "{",
        "a: 1_0",
        "a b",
        "= ",
        "a: [b: ",
        "a < b } ",
    ],
)
def test_a_long_text_of_errors_is_read_to_its_end(piece: str) -> None:
    # A reader whose time grows faster than the text would not come to an end here.
    assert syntax_of(piece * 20_000)[1]
    assert syntax_of((piece + "\n") * 20_000)[1]


@law(
    st.lists(st.sampled_from(["a: 1", "b: 'cccccccc'", "# ddddddddd", "e"]), max_size=8),
    st.sampled_from(["\n", " "]),
)
def test_only_what_is_too_long_by_itself_is_refused(pieces: list[str], between: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "TOKEN_LENGTH", 10)
        text = between.join(pieces)
        assert loose_lexer.check_tokens(Source("text", text), print)
        for long in ("f" * 11, f"f: '{'g' * 9}'", f"[{'h' * 9}]: 1"):
            assert not loose_lexer.check_tokens(Source("text", f"{text}\n{long}\n{text}"), lambda _: None)
