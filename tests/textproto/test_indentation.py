"""If brackets do not match, the note points at the one whose indentation is wrong."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from quantcfg.diagnostics import Diagnostic
from quantcfg.format import format_source
from quantcfg.source import Source
from quantcfg.textproto import parse, tree
from tests.laws import law
from tests.marks import unmarked

MISSING = {
    "a message in a layer": (
        'layer {\n  name: "a"\n  convolution_param «QC104»{\n    num_output: 16\n}\nlayer {\n  name: "b"\n}\n'
    ),
    "a message in a message": (
        "layer {\n  a {\n    b «QC104»{\n      x: 1\n    y: 2\n  }\n  z: 3\n}\nlayer {\n}\n"
    ),
    "a message before another": "layer {\n  a «QC104»{\n    x: 1\n  b {\n    y: 2\n  }\n}\n",
    "a layer before another": "layer {\n  x: 1\n}\nlayer «QC104»{\n  x: 2\nlayer {\n  x: 3\n}\n",
    "with tabs": "layer {\n\ta «QC104»{\n\t\tx: 1\n}\nlayer {\n}\n",
    "with carriage returns": "layer {\r\n  a «QC104»{\r\n    x: 1\r\n}\r\nlayer {\r\n}\r\n",
    "with brackets on lines of their own": "layer\n{\n  a\n  «QC104»{\n    x: 1\n}\nlayer\n{\n}\n",
    "with angle brackets": "layer <\n  a «QC104»<\n    x: 1\n>\nlayer <\n>\n",
    "with brackets in strings and comments": (
        'layer {\n  a «QC104»{\n    x: \'}\' # {\n    # }\n}\nlayer {\n  y: "{\\"{"\n}\n'
    ),
    "with messages on one line": "layer {\n  a «QC104»{\n    b { x: 1 } c { d { } }\n}\nlayer { }\n",
    "two of them": "layer {\n  a {\n    b «QC104»{\n      x: 1\n}\nlayer {\n}\n",
    "at the end": "layer {\n  a «QC104»{\n    x: 1\n}\n",
    "behind closing brackets that are indented as what they end": (
        "layer {\n  a {\n    x: 1\n    }\n  b «QC104»{\n    y: 2\n}\nlayer {\n  z: 3\n  }\n"
    ),
    "after another error": "layer {\n  x = 1\n  a «QC104»{\n    x: 1\n}\nlayer {\n}\n",
    "in a list of messages": "layer: [\n  {\n    a «QC104»{\n      x: 1\n  }\n]\n",
    # Indentation says nothing, or nothing that fits: the innermost bracket that is open.
    "without indentation": "layer «QC104»{\na {\nx: 1\n}\nlayer {\n}\n",
    "on one line": "layer «QC104»{ a { x: 1 } layer { }",
    "with a bracket too many as well": "layer {\n  a {\n    x: 1\n}\n}\nlayer «QC104»{\n",
    "with a list that is not closed": "layer {\n  a {\n    x: 1\n}\n  b: «QC104»[1, 2 }\n",
    "with a field in a list": "layer {\n  a {\n    x: 1\n}\n  b: «QC104»[1\n  c: 2\n}\n",
    "with the text cut off": "layer {\n  a «QC104»{\n    x: 1\n",
}
SURPLUS = {
    "behind a message": "layer {\n  a {\n    x: 1\n  }\n  «QC104»}\n  y: 2\n}\nlayer {\n}\n",
    "behind a message in a message": "layer {\n  a {\n    b {\n    }\n    «QC104»}\n  }\n}\n",
    "behind a field": "layer {\n  x: 1\n  «QC104»}\n  y: 2\n}\n",
    "with angle brackets": "layer <\n  a <\n  >\n  «QC104»>\n>\n",
}
NO_SURPLUS = {
    "behind a layer": "layer {\n  x: 1\n}\n}\nlayer {\n}\n",
    "at the start": "}\nlayer {\n}\n",
    "without indentation": "layer {\na {\n}\n}\n}\n",
    "on one line": "layer { a { } } }",
    "where all are indented as what they end": "layer {\n  x: 1\n  }\nlayer {\n  y: 1\n  }\n}\n",
    "after another error": "layer {\n  x = 1\n  }\n  y: 2\n}\n",
}


def found_in(text: str) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    parse(Source("text", text), found.append)
    return found


def notes(text: str) -> list[tuple[str, str]]:
    """Return the locations and the messages of the notes."""
    places = ((*each.span.start_position, each.message) for one in found_in(text) for each in one.related)
    return [(f"QC104 {line}:{column}", message) for line, column, message in places]


@pytest.mark.parametrize("name", MISSING)
def test_the_bracket_that_is_not_closed_is_pointed_at(name: str) -> None:
    text, (place,) = unmarked(MISSING[name])
    (found, message), *_ = notes(text)
    assert found == place
    assert message in (
        'this "{" is never closed',
        'this "<" is never closed',
        'this "[" is never closed',
    )


@pytest.mark.parametrize("name", SURPLUS)
def test_the_bracket_that_is_one_too_many_is_pointed_at(name: str) -> None:
    text, (place,) = unmarked(SURPLUS[name])
    ((found, message),) = notes(text)
    assert found == place
    assert message in ('this "}" may be extra', 'this ">" may be extra')


@pytest.mark.parametrize("name", NO_SURPLUS)
def test_no_bracket_is_pointed_at_where_none_is_at_odds(name: str) -> None:
    assert found_in(NO_SURPLUS[name])
    assert notes(NO_SURPLUS[name]) == []


# --- laws


def _messages(fields: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    named = st.tuples(st.sampled_from(["layer", "param", "a"]), st.lists(fields, max_size=4))
    return named.map(lambda each: f"{each[0]} {{ {' '.join(each[1])} }}")


SCALARS = st.sampled_from(["x: 1", "name: '}{'", "y: [1, 2] # {\n", "z: '\\\"' '}'"])
TEXTS = st.lists(st.recursive(SCALARS, _messages, max_leaves=12), min_size=1, max_size=6).map(" ".join)


def laid_out(text: str) -> str:
    formatted = format_source(Source("text", text), lambda _: None)
    assert formatted is not None
    return formatted


def messages_in(text: str) -> list[tree.Message]:
    """Return the messages in text whose closing bracket is alone on its line."""
    waiting: list[tree.Field] = [*parse(Source("text", text), lambda _: None).fields]
    found = []
    while waiting:
        value = waiting.pop().value
        if isinstance(value, tree.Message):
            found.append(value)
            waiting += value.fields
    return [each for each in found if line_of(text, each.end).strip() == "}"]


def line_of(text: str, end: int) -> str:
    start = text.rfind("\n", 0, end) + 1
    return text[start : text.index("\n", end) + 1]


@law(TEXTS)
def test_of_a_bracket_that_is_taken_out_the_opening_one_is_pointed_at(text: str) -> None:
    text = laid_out(text)
    for message in messages_in(text):
        line = line_of(text, message.end)
        start = message.end - len(line) + 1
        broken = text[:start] + text[start + len(line) :]
        (error,) = found_in(broken)
        (note,) = error.related
        assert (error.code, note.span.start) == ("QC104", message.start)


@law(TEXTS)
def test_of_a_bracket_that_is_put_in_again_one_of_the_two_is_pointed_at(text: str) -> None:
    text = laid_out(text)
    for message in messages_in(text):
        line = line_of(text, message.end)
        broken = text[: message.end + 1] + line + text[message.end + 1 :]
        (error,) = found_in(broken)
        again = message.end + len(line) - 1
        place = error.related[0].span.start if error.related else error.span and error.span.start
        assert place == again
