from __future__ import annotations

import json
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import strategies as st

from quantcfg import limits
from quantcfg.diagnostics import Diagnostic
from quantcfg.diagnostics.fixes import fixed
from quantcfg.jsontext import Array, Missing, Object, Scalar, Value, json_parser, keyed, parse, plain
from quantcfg.jsontext.valid_json import CachedText
from quantcfg.source import Source
from tests.laws import law
from tests.marks import places, unmarked


def read(text: str) -> tuple[Value, list[Diagnostic]]:
    found: list[Diagnostic] = []
    return parse(Source("config.json", text), found.append), found


# --- what is said of what JSON does not allow

NOT_ALLOWED = {
    '{"a": 1,}': ("trailing comma", "remove it"),
    "[1,]": ("trailing comma", "remove it"),
    "[1] // no": ("comment", "remove it"),
    "[1] /* no": ("unterminated comment", 'end it with "*/"'),
    "[True]": ('"True"', "write true"),
    "[0x10]": ('"0x10"', "write 16"),
    "[NaN]": ('"NaN"', "write a decimal number"),
    "[ifmr]": ('"ifmr"', "put it in double quotes"),
    "['a']": ("string in single quotes", 'write "a"'),
    "[\u201ca\u201d]": ("string in curved quotes", 'write "a"'),
    "{a: 1}": ("key without quotes", 'write "a"'),
    r'["\q"]': (r'escape "\q"', r"write \\ for a backslash"),
    '["\t"]': ("control character in a string", r"write an escape such as \t"),
}


@pytest.mark.parametrize("text", NOT_ALLOWED)
def test_what_json_does_not_allow_is_named(text: str) -> None:
    (diagnostic,) = read(text)[1]
    what, help = NOT_ALLOWED[text]
    assert (diagnostic.message, diagnostic.help) == (f"{what} is not allowed in JSON", help)


def test_other_content_is_not_what_was_wanted() -> None:
    source = Source("a.json", "<!doctype html><html></html>")
    found: list[Diagnostic] = []
    parse(source, found.append)
    parse(source, found.append, wanted="a mapping")
    assert [each.message.rpartition(", ")[2] for each in found] == ["not JSON", "not a mapping"]


# --- one error is one diagnostic, and the valid rest is read

READ_ON: dict[str, tuple[str, Any]] = {
    # commas
    "a comma too many in an object": ('{"a": 1«QC122»,}', {"a": 1}),
    "a comma too many in a list": ('{"a": [1, 2«QC122»,]}', {"a": [1, 2]}),
    "two commas": ('{"a": 1,«QC121», "b": 2}', {"a": 1, "b": 2}),
    "a comma of nothing": ('{«QC121»,"b": 2}', {"b": 2}),
    "a comma too few": ('{"a": 1\n «QC121»"b": 2}', {"a": 1, "b": 2}),
    "a comma too few in a list": ('{"a": [1 «QC121»2]}', {"a": [1, 2]}),
    "a comma too few behind an object": ('{"a": {}\n «QC121»"b": {}}', {"a": {}, "b": {}}),
    # colons and values
    "a colon too few": ('{"a" «QC121»1, "b": 2}', {"a": 1, "b": 2}),
    "no value": ('{"a": «QC121», "b": 2}', {"b": 2}),
    "no value at the end": ('{"b": 2, "a":«QC121»}', {"b": 2}),
    "a key alone": ('{"a"«QC121», "b": 2}', {"b": 2}),
    "a key alone at the end": ('{"b": 2, "a"«QC121»}', {"b": 2}),
    "an equals sign": ('{"a" «QC121»= 1, "b": 2}', {"a": 1, "b": 2}),
    "a semicolon": ('{"a": 1«QC121»; "b": 2}', {"a": 1, "b": 2}),
    # words
    "True": ('{"a": «QC122»True}', {"a": True}),
    "False": ('{"a": «QC122»False}', {"a": False}),
    "None": ('{"a": «QC122»None}', {"a": None}),
    "yes": ('{"a": «QC122»yes, "b": «QC122»Off}', {"a": True, "b": False}),
    "a misspelt word": ('{"a": «QC122»flase}', {"a": False}),
    "a word": ('{"a": «QC122»ifmr, "b": 2}', {"b": 2}),
    "NaN": ('{"a": «QC122»NaN, "b": 2}', {"b": 2}),
    "minus infinity": ('{"a": «QC122»-Infinity, "b": 2}', {"b": 2}),
    "a key without quotes": ("{«QC122»a: 1}", {"a": 1}),
    # numbers
    "a leading zero": ('{"a": «QC122»01, "b": 2}', {"a": 1, "b": 2}),
    "a plus sign": ('{"a": «QC122»+1, "b": 2}', {"a": 1, "b": 2}),
    "a point without digits": ('{"a": «QC122»-.5, "b": «QC122»1., "c": 2}', {"a": -0.5, "b": 1, "c": 2}),
    "hexadecimal": ('{"a": «QC122»-0x10, "b": 2}', {"a": -16, "b": 2}),
    "a number and a letter": ('{"a": «QC121»1x, "b": 2}', {"b": 2}),
    "an ellipsis": ('{"a": {},\n «QC121»...}', {"a": {}}),
    "a number for a key": ('{«QC121»1: 2,\n"b": 2}', {"b": 2}),
    # strings
    "single quotes": ("{«QC122»'a': «QC122»'it''s'}".replace("''", "\\'"), {"a": "it's"}),
    "a string without an end": ('{"a": «QC106»"x,\n"b": 2}', {"b": 2}),
    "a key without an end before another string": ('{«QC106»"a:{"x":1},\n"b": 2}', {"b": 2}),
    "curved quotes": ("{«QC122»\u201ca\u201d: 1}", {"a": 1}),
    "a key without an end": ('{«QC106»"a: 1,\n"b": 2}', {"b": 2}),
    "an escape that is none": ('{"a": "x«QC122»\\q", "b": 2}', {"b": 2}),
    "a tab in a string": ('{"a": "x«QC122»\ty", "b": 2}', {"b": 2}),
    # comments
    "a comment behind a line": ('{"a": 1, «QC122»// no\n"b": 2}', {"a": 1, "b": 2}),
    "a comment in stars": ('{"a": 1, «QC122»/* no\n */ "b": 2}', {"a": 1, "b": 2}),
    "a comment with a hash": ('«QC122»# no\n{"b": 2}', {"b": 2}),
    "a comment without an end": ('{"b": 2, «QC122»/* no\n"c": 3}', {"b": 2}),
    # brackets
    "an object without an end": ('{"a": {"b": 1}«QC121»', {"a": {"b": 1}}),
    "two objects without an end": ('{"a": {"b": 1«QC121»', {"a": {"b": 1}}),
    "a list without an end": ('{"a": [1, 2«QC121»', {"a": [1, 2]}),
    "a list that ends as an object": ('{"a": [1, 2«QC121»}, "b": 2}', {"a": [1, 2], "b": 2}),
    "an object that ends as a list": ('{"a": {"b": 1«QC121»], "c": 2}', {"a": {"b": 1}, "c": 2}),
    "a bracket too many": ('{"b": 2}«QC121»}', {"b": 2}),
    "a text behind the end": ('{"b": 2} «QC121»{"c": 3}', {"b": 2}),
    "a colon in a list": ('{"a": [1«QC121»: 2],\n"b": 2}', {"a": [1, 2], "b": 2}),
    # the rest
    "a byte order mark": ('«QC103»\ufeff{"b": 2}', {"b": 2}),
    "a foreign character": ('{"a": «QC121»@, "b": 2}', {"b": 2}),
}


# --- a text whose lines are indented shows by that where a bracket is missing, or too many

INDENTED = """{
    "a": {
        "b": {
            "c": [
                1
            ],
            "d": 2
        },
        "e": true
    },
    "f": {
        "g": 3
    }
}"""

BRACKETS: dict[str, tuple[str, str]] = {
    "the end of a list": ("1\n            ],", "1"),
    "the end of an object within": ("2\n        },", "2"),
    "the end of an object": ("true\n    },", "true"),
    "the end of an object before that of another": ("3\n    }\n", "3\n"),
    "the start of an object": ('"b": {', '"b":'),
    "one too many": ("2\n        },", "2\n        }},"),
    "one too many behind a comma": ("2\n        },", "2\n        },}"),
}


@pytest.mark.parametrize("name", BRACKETS)
def test_a_missing_or_extra_bracket_is_one_error_and_the_fix_removes_it(name: str) -> None:
    right, wrong = BRACKETS[name]
    assert INDENTED.count(right) == 1
    source = Source("config.json", INDENTED.replace(right, wrong))
    found: list[Diagnostic] = []
    assert plain(parse(source, found.append)) == json.loads(INDENTED)
    assert [each.code for each in found] == ["QC121"]
    assert json.loads(fixed(source, found)[0]) == json.loads(INDENTED)


def test_a_value_that_is_missing_before_the_next_key_is_one_error() -> None:
    tree, found = read(INDENTED.replace('"e": true', '"e":\n        "h": true'))
    assert [each.code for each in found] == ["QC121"]
    assert plain(tree)["a"]["h"] is True


def test_an_indentation_that_says_nothing_does_not_count() -> None:
    flat = "\n".join(line.strip() for line in INDENTED.splitlines())
    assert [each.code for each in read(flat.replace("true", "True"))[1]] == ["QC122"]


@pytest.mark.parametrize("name", READ_ON)
def test_an_error_is_reported_once_and_the_valid_rest_is_read(name: str) -> None:
    marked, rest = READ_ON[name]
    text, expected = unmarked(marked)
    tree, found = read(text)
    assert places(found) == expected
    assert plain(tree) == rest


def test_errors_on_every_line_are_all_reported() -> None:
    text, expected = unmarked(
        "{\n"
        '  "a" «QC121»1,\n'
        '  "b": «QC122»True,\n'
        "  «QC122»c: 2\n"
        '  «QC121»"d": «QC106»"x\n'
        '  «QC121»"e": [1, 2«QC122»,],\n'
        "  «QC122»// no\n"
        '  "f": {"g": 1«QC122»,}«QC121»\n'
    )
    assert places(read(text)[1]) == expected


@pytest.mark.parametrize("text", ["", " \n", "}", "]", ",", ":", "@", "// no"])
def test_text_without_a_value_is_an_error(text: str) -> None:
    tree, found = read(text)
    assert isinstance(tree, Missing)
    assert found


# --- fixes

FIXES = {
    '{"a": 1,}': '{"a": 1}',
    '{"a": 1,, "b": 2}': '{"a": 1, "b": 2}',
    '{"a": 1\n "b": 2}': '{"a": 1,\n "b": 2}',
    '{"a" 1}': '{"a": 1}',
    '{"a": True}': '{"a": true}',
    '{"a": YES}': '{"a": true}',
    '{"a": .02}': '{"a": 0.02}',
    '{"a" = 1}': '{"a" : 1}',
    '{"a": 1; "b": 2}': '{"a": 1, "b": 2}',
    '{"a": Flase}': '{"a": false}',
    '{"a": x}': '{"a": "x"}',
    "{a: 1}": '{"a": 1}',
    "{'a': 1}": '{"a": 1}',
    '{"a": \'say "x"\'}': '{"a": "say \\"x\\""}',
    '{"a": "x,\n"b": 2}': '{"a": "x",\n"b": 2}',
    '{"a": 1} // no': '{"a": 1} ',
    '\ufeff{"a": 1}': '{"a": 1}',
    '{a": 1, "b": {"c": "x"}}': '{"a": 1, "b": {"c": "x"}}',
    '{\n  "a": x",\n  "b": 1\n}': '{\n  "a": "x",\n  "b": 1\n}',
}


@pytest.mark.parametrize("text", FIXES)
def test_a_fix_makes_the_text_json(text: str) -> None:
    source = Source("config.json", text)
    found: list[Diagnostic] = []
    parse(source, found.append)
    assert fixed(source, found) == (FIXES[text], 1)
    assert read(FIXES[text])[1] == []
    json.loads(FIXES[text])


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1} /* no',
        '{"a": NaN}',
        '{"a": {}, ...}',
        '{"a": "\\q"}',
        '{"a:{"b":1}}',
        '{"a": tr}',
        '{"a": 007}',
    ],
)
def test_what_needs_judgement_has_no_fix(text: str) -> None:
    (diagnostic,) = read(text)[1]
    assert diagnostic.fix == ()


@pytest.mark.parametrize(
    "text",
    [
        # The bracket that is one too many may be the end of what has no start.
        '{\n  "a": {\n    "b": "c": 1, "d": {"e": 1}},\n    "f": 2\n  }\n}',
        '{"a": tr}ue}',
    ],
)
def test_after_an_error_no_bracket_is_removed_and_no_word_inserted(text: str) -> None:
    source = Source("config.json", text)
    found: list[Diagnostic] = []
    parse(source, found.append)
    assert fixed(source, found)[0] == text


# --- agreement with Python's json

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=15,
)


@law(VALUES, st.sampled_from([None, 0, 4]), st.booleans())
def test_json_is_read_as_python_reads_it(value: Any, indent: int | None, ascii_only: bool) -> None:
    tree, found = read(json.dumps(value, indent=indent, ensure_ascii=ascii_only))
    assert found == []
    assert repr(plain(tree)) == repr(value)


@law(VALUES, st.integers(0, 2**32))
def test_text_is_an_error_if_and_only_if_python_rejects_it(value: Any, seed: int) -> None:
    random = Random(seed)
    text = json.dumps(value, indent=random.choice([None, 1]))
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        at = random.randrange(len(text) + 1)
        junk = random.choice(["", "", *"{}[]:,\"'\\0.e-x\n\t/#", "true", "NaN", "null"])
        text = text[:at] + junk + text[at + random.randrange(3) :]
    tree, found = read(text)
    expected = python_reads(text)
    assert (found == []) == (expected is not _REFUSED)
    if expected is not _REFUSED:
        assert repr(plain(tree)) == repr(expected)
    for diagnostic in found:
        assert diagnostic.span
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)


_REFUSED = object()


def python_reads(text: str) -> Any:
    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError:
        return _REFUSED


@law(VALUES)
def test_every_node_has_the_span_of_its_text(value: Any) -> None:
    text = json.dumps(value, indent=1)
    tree, _ = read(text)
    for node in nodes(tree):
        assert repr(json.loads(text[node.start : node.end])) == repr(plain(node))


def nodes(value: Value) -> list[Value]:
    inner = value.items if isinstance(value, Array) else ()
    if isinstance(value, Object):
        keys = [member.key for member in value.members if isinstance(member.key, Scalar)]
        inner = (*keys, *(member.value for _, member in keyed(value)))
    return [value, *(node for each in inner for node in nodes(each))]


# --- the fast path


def slowly(text: str) -> tuple[Value, list[Diagnostic]]:
    """Parse text without the fast path."""
    with patch.object(CachedText, "value_at", return_value=None):
        return read(text)


def exactly(value: Value) -> Any:
    """Return the content of a tree, with the types of its values."""
    if isinstance(value, Object):
        return (value.start, value.end, [(exactly(each.key), exactly(each.value)) for each in value.members])
    if isinstance(value, Array):
        return (value.start, value.end, [exactly(item) for item in value.items])
    return (value.start, value.end, repr(value))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """JSON with whitespace anywhere, duplicate keys, and sometimes an error."""
    text = _text(draw, draw(VALUES))
    if draw(st.integers(0, 3)):
        return text
    at = draw(st.integers(0, len(text)))
    junk = draw(
        st.sampled_from(
            ["", ",", "}", "]", "{", ":", '"', "\\", "NaN", "-Infinity", "\ufeff", "\v", "01", "/**/"]
        )
    )
    return text[:at] + junk + text[at + draw(st.integers(0, 2)) :]


def _text(draw: st.DrawFn, value: Any) -> str:
    spaces = draw(st.text(" \t\n\r", max_size=2))
    if isinstance(value, dict):
        pairs = [
            (key, item) for key, item in value.items() for _ in range(draw(st.sampled_from([1, 1, 1, 2])))
        ]
        members = [f"{_text(draw, key)}:{_text(draw, item)}" for key, item in pairs]
        return f"{spaces}{{{','.join(members)}{spaces}}}{spaces}"
    if isinstance(value, list):
        return f"{spaces}[{','.join(_text(draw, item) for item in value)}{spaces}]{spaces}"
    return f"{spaces}{json.dumps(value, ensure_ascii=draw(st.booleans()))}{spaces}"


@law(texts(), examples=200)
def test_the_fast_path_gives_the_tree_of_the_slow_one(text: str) -> None:
    (tree, found), (expected, errors) = read(text), slowly(text)
    assert exactly(tree) == exactly(expected)
    assert found == errors
    if not errors:
        assert repr(plain(tree)) == repr(plain(expected))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"b": 1, "b": 2}, "c": [{"d": 1, "d": 1}, {}], "a": 3}',
        '[{"a": []}, [[], {}], "\\u0061\\n", -0.0, 1E5, true, null]',
        ' \n{"\\ud83d\\ude00 \\"": "\\\\"}\t\r\n',
        "{}",
        "[]",
        "1",
        '"a"',
        f"[{'1, ' * 50_000}2]",
    ],
    ids=range(8),
)
def test_valid_text_takes_the_fast_path(text: str) -> None:
    with patch.object(json_parser, "_parts", side_effect=AssertionError):
        tree, _ = read(text)
    assert exactly(tree) == exactly(slowly(text)[0])
    assert plain(tree) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[NaN]",
        "[-Infinity]",
        '{"a": 1,}',
        "[" * 101 + "]" * 101,
        "[" * 100_000,
        '{"a": ' + "[" * 100 + "]" * 100 + ', "a": 1}',
        f'["{"x" * (limits.TOKEN_LENGTH - 1)}"]',
        '["' + r"\n" * (limits.TOKEN_LENGTH // 2) + '"]',
        f"[0.{'0' * limits.TOKEN_LENGTH}]",
        f"[{'9' * 5000}]",
    ],
    ids=range(11),
)
def test_other_text_takes_the_slow_path(text: str) -> None:
    assert CachedText(text).value_at(0, 1, None) is None


# --- the fast path around an error

WORDS = st.sampled_from(["act_algo", "a", "res2a/conv", "größe", "b b"])
PLAIN = st.sampled_from([1, 0.5, -2, 1e-05, True, None, "ifmr", "", [], {}, [0.7, 1.3], {"a": 1}])
CONFIGURATIONS = st.dictionaries(
    st.text("abc/", min_size=1, max_size=3),
    st.dictionaries(WORDS, PLAIN | st.dictionaries(WORDS, PLAIN, max_size=3), max_size=3) | PLAIN,
    max_size=4,
)
INDENTS: st.SearchStrategy[int | str] = st.sampled_from([1, 2, 4, "\t"])
DAMAGE = [
    "",
    "",
    *"{}[]:,\"'#x=;\n\t\r",
    "/*",
    "*/",
    "//",
    "}},",
    '"a": {',
    ",}",
    '"a": 1',
    '"a"',
    "\n  ",
    "    ",
    "@",
    "True",
]


@st.composite
def damaged_configurations(draw: st.DrawFn) -> str:
    """A configuration after a manual edit: with unusual lines, and errors."""
    text = json.dumps(draw(CONFIGURATIONS), indent=draw(INDENTS), ensure_ascii=False)
    if draw(st.booleans()):
        text = text.replace("[\n", "[", 1).replace("\n", "\r\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(DAMAGE)) + text[at + draw(st.integers(0, 3)) :]
    return text


@law(damaged_configurations(), examples=250)
def test_around_an_error_the_fast_path_equals_the_slow_path(text: str) -> None:
    (tree, found), (expected, errors) = read(text), slowly(text)
    assert found == errors
    assert exactly(tree) == exactly(expected)


LAYER = """{
        "quant_enable": true,
        "activation_quant_params": {
            "search_range": [
                0.7,
                1.3
            ],
            "act_algo": "ifmr"
        },
        "weight_quant_params": {"channel_wise": [1, 2]}
    }"""


@pytest.mark.parametrize(
    "body",
    [
        LAYER.replace('{"channel_wise": [1, 2]}', "[true, false]"),
        LAYER.replace('{"channel_wise": [1, 2]}', "null").replace("\n", "\r\n"),
        '{\n     "a": 1\n    }',
        '{"a": 1}',
        "{}",
    ],
    ids=range(5),
)
def test_an_object_whose_indentation_shows_the_same_takes_the_fast_path(body: str) -> None:
    value = CachedText(body).value_at(0, 1, "    ")
    assert value
    assert value.end == len(body)
    text = f'{{\n    "conv1": {body},\n    "conv2" {{"a": 1}}\n}}'
    tree, found = read(text)
    assert [each.code for each in found] == ["QC121"]
    assert exactly(tree) == exactly(slowly(text)[0])


@pytest.mark.parametrize(
    "body",
    [
        "{\n    }",
        '{\n        "a": 1}',
        '{\n    "a": 1\n    }',
        '{\n        "a": 1,\n    }',
        '{\n        "a": "/*"\n    }',
        '{\n        "a": "\\n"\n    }',
        '{\n        "a": {"b": 1}\n    }',
        '{\n        "a": {\n        "b": 1\n        }\n    }',
        '{\n        "a": [\n            1]\n    }',
        '{\n        "a": [\n            1\n      ]\n    }',
        '{\n        "a": NaN\n    }',
        '{\n        "a": 01\n    }',
        '{\n        "a": 1\n    ]',
        '{\n        "a": 1\n        }\n    }',
    ],
)
def test_an_object_whose_indentation_may_show_something_else_is_parsed(body: str) -> None:
    assert CachedText(body).value_at(0, 1, "    ") is None


@pytest.mark.parametrize(
    "depth", [limits.NESTING - 3, limits.NESTING - 2, limits.NESTING - 1, limits.NESTING]
)
def test_an_object_that_is_nested_too_deep_is_found_around_an_error(depth: int) -> None:
    text = '{"a":' * (depth - 1) + f'{{\n    "conv1": {LAYER}\n}}' + "}" * depth
    (tree, found), (expected, errors) = read(text), slowly(text)
    assert found == errors
    assert exactly(tree) == exactly(expected)


# --- limits


@pytest.mark.slow
def test_what_is_nested_too_deep_is_refused_where_it_gets_too_deep() -> None:
    for opening in ("[", '{"a":'):
        assert read(opening * limits.NESTING + "1" + "]}"[opening != "["] * limits.NESTING)[1] == []
        _, found = read(opening * 10_000)
        assert places(found) == [f"QC110 1:{limits.NESTING * len(opening) + 1}"]


def test_a_number_of_any_length_is_read() -> None:
    tree, found = read(f"[{'9' * 10_000}, -1e{'9' * 100}]")
    assert found == []
    assert plain(tree) == [float("inf"), float("-inf")]


@pytest.mark.parametrize("text", ['"{}"', "1{}", "{}", "'{}'"])
def test_a_token_that_is_too_long_is_refused(text: str) -> None:
    _, found = read("[" + text.replace("{}", "1" * (limits.TOKEN_LENGTH + 1)) + "]")
    assert "QC113" in [diagnostic.code for diagnostic in found]
    assert all(len(diagnostic.message) < 300 for diagnostic in found)


def test_parsing_stops_after_many_errors() -> None:
    _, found = read("{" + "a: True,\n" * 1000)
    assert [diagnostic.code for diagnostic in found].count("QC114") == 1
    assert len(found) == limits.SYNTAX_ERRORS + 1


@pytest.mark.parametrize(
    "piece", ["{", "[", "}", "]", ",", ":", "'", '"', "a", '"a":', "/*", "#", "1 ", "[,", "{]"]
)
@pytest.mark.slow
def test_a_long_text_of_errors_is_read_to_its_end(piece: str) -> None:
    # A reader whose time grows faster than the text would not come to an end here.
    assert read(piece * 20_000)[1]
    assert read(f"{piece}\n" * 20_000)[1]
