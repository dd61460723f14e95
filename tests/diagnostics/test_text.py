from __future__ import annotations

import re
from unicodedata import category

from hypothesis import strategies as st

from quantcfg.diagnostics import Diagnostic, Edit, Related, Severity
from quantcfg.diagnostics.fixes import fixed
from quantcfg.diagnostics.formats.text import render, render_line
from quantcfg.frozen import replace
from quantcfg.source import Source, Span
from tests.laws import law

RED = "\x1b[31m"

_CHANGE = re.compile(r" +([0-9]+) ([-+])(?: (.*))?")


def span(text: str, marked: str, name: str = "quant.cfg") -> Span:
    start = text.index(marked)
    return Span(Source(name, text), start, start + len(marked))


def error(span: Span | None, message: str = "no", help: str | None = None, *related: Related) -> Diagnostic:
    return Diagnostic("QC999", Severity.ERROR, message, span, related, help)


def test_a_diagnostic_shows_its_place_its_line_and_a_caret_under_the_span() -> None:
    diagnostic = error(span("a: 1\nbatch_num: x\nb: 2\n", "x"), "must be an integer", "write 1")
    assert render(diagnostic).splitlines() == [
        "quant.cfg:2:12: error[QC999]: must be an integer",
        "   |",
        " 2 | batch_num: x",
        "   |            ^",
        "   = help: write 1",
    ]


def test_a_diagnostic_without_a_place_is_its_message() -> None:
    assert render(error(None, "cannot read it")) == "error[QC999]: cannot read it"
    assert render_line(error(None, "cannot read it")) == "cannot read it [QC999]"


def test_a_diagnostic_fits_on_one_line() -> None:
    assert render_line(error(span("a: 1\nb: 2", "2"))) == "quant.cfg:2:4: no [QC999]"


def test_severities_go_by_their_names() -> None:
    heads = [render(Diagnostic("QC999", severity, "no")) for severity in Severity]
    assert heads == ["error[QC999]: no", "warning[QC999]: no", "note[QC999]: no"]


def excerpt(text: str, marked: str) -> tuple[str, str]:
    """Return the line of the excerpt, and the line below it."""
    *_, line, marks = render(error(span(text, marked))).splitlines()
    return line.removeprefix(" 1 | "), marks.removeprefix("   | ")


def test_every_character_of_the_span_is_marked() -> None:
    assert excerpt("batch_num: 123 # no", "123") == ("batch_num: 123 # no", "           ^^^")


def test_tabs_are_kept_below_them() -> None:
    assert excerpt("\ta:\t1", "1") == ("\ta:\t1", "\t  \t^")
    assert excerpt("a: '\t'", "'\t'") == ("a: '\t'", "   ^\t^")
    assert excerpt("a:\t1", "\t") == ("a:\t1", "  ^")


def test_wide_characters_take_two_columns() -> None:
    assert excerpt("'\u5377\u79ef': x", "x") == ("'\u5377\u79ef': x", "        ^")
    assert excerpt("a: '\u5377'", "'\u5377'") == ("a: '\u5377'", "   ^^^^")
    assert excerpt("\uff21: x", "x") == ("\uff21: x", "    ^")


def test_combining_and_invisible_characters_take_no_column() -> None:
    assert excerpt("e\u0301: x", "x") == ("e\u0301: x", "   ^")
    assert excerpt("a\u200b\u200d\ufe0f: x", "x") == ("a\u200b\u200d\ufe0f: x", "   ^")
    assert excerpt("x\u0301\u0302", "x\u0301\u0302") == ("x\u0301\u0302", "^")


def test_a_span_of_no_width_has_one_caret() -> None:
    assert excerpt("a\u0301", "\u0301") == ("a\u0301", " ^")


def test_control_characters_are_replaced_wherever_they_stand() -> None:
    place = span(f"a: '{RED}\0\x85\x7f' x", "x", name=f"a{RED}.cfg")
    diagnostic = error(place, f'found "{RED}"', f"drop {RED}", Related(place, f"see {RED}"))
    for shown in (render(diagnostic), render_line(diagnostic)):
        assert [char for char in shown if category(char) == "Cc" and char != "\n"] == []
        assert "\ufffd[31m" in shown
    assert render(diagnostic).splitlines()[2:4] == [
        " 1 | a: '\ufffd[31m\ufffd\ufffd\ufffd' x",
        "   |               ^",
    ]


def test_the_end_of_a_line_is_not_shown() -> None:
    assert excerpt("a: 1\r\n", "1") == ("a: 1", "   ^")
    assert excerpt("a: 1\r\n", "\r") == ("a: 1", "    ^")


TEXTS = st.text(st.sampled_from("ab\t\n\r \u5377\u0301\x1b") | st.characters(), max_size=40)


@st.composite
def spans(draw: st.DrawFn, source: Source) -> Span:
    places = st.integers(0, len(source.text))
    start, end = sorted((draw(places), draw(places)))
    return Span(source, start, end)


@st.composite
def errors(draw: st.DrawFn) -> Diagnostic:
    """Draw an error with related spans and a fix, whose edits do not overlap."""
    sources = [Source(name, draw(TEXTS)) for name in ("quant.cfg", "deploy.prototxt")]
    related = [Related(draw(spans(draw(st.sampled_from(sources)))), "there") for _ in range(2)]
    text = sources[0].text
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    pairs = zip(places[::2], places[1::2], strict=False)
    fix = tuple(Edit(Span(sources[0], start, end), draw(TEXTS)) for start, end in pairs)
    return replace(error(draw(spans(sources[0])), "no", None, *related), fix=fix)


@law(errors())
def test_anything_can_be_rendered(diagnostic: Diagnostic) -> None:
    head, margin, *lines = render(diagnostic).split("\n")
    assert head.startswith("quant.cfg:")
    assert margin.strip() == "|"
    assert any(line.partition("|")[2].strip(" \t").startswith("^") for line in lines)
    assert [char for char in "".join(lines) if category(char) == "Cc" and char != "\t"] == []


LINES = st.lists(st.sampled_from(["a", "b {", "", "}"]), max_size=8).map("\n".join)
NEW = st.sampled_from(["", "a", "\n", "a\nb\n", "\nb", "}"])


@law(LINES, st.sets(st.integers(0, 25), max_size=4), st.tuples(NEW, NEW), examples=200)
def test_the_lines_of_a_fix_are_those_that_fix_makes(
    text: str, offsets: set[int], new: tuple[str, str]
) -> None:
    source = Source("quant.cfg", text)
    places = sorted({min(offset, len(text)) for offset in offsets})
    spans = [Span(source, *pair) for pair in zip(places[::2], places[1::2], strict=False)]
    fix = tuple(map(Edit, spans, new))
    diagnostic = replace(error(Span(source, 0, 0)), fix=fix)
    _, has_fix, shown = render(diagnostic).partition(" = fix:\n")
    if not has_fix:  # There is none, or it is too long to be shown.
        return
    changed = [_CHANGE.fullmatch(line) for line in shown.splitlines()]
    lines = text.splitlines()
    for sign in "-+":
        rows = [(int(row[1]), row[3] or "") for row in changed if row and row[2] == sign]
        for number, line in reversed(rows) if sign == "-" else rows:
            if sign == "-":
                assert lines.pop(number - 1) == line
            else:
                lines.insert(number - 1, line)
    assert lines == fixed(source, [diagnostic])[0].splitlines()


def test_of_a_long_line_only_what_is_around_the_span_is_shown() -> None:
    text = 'skip_layers: ["' + "a" * 500 + '", "here", "' + "b" * 500 + '"]'
    shown = render(error(span(text, '"here"')))
    _, _, line, caret = shown.splitlines()
    assert len(shown) < 600
    assert line.startswith(" 1 | ...a")
    assert line.endswith("b...")
    assert line.index('"here"') == caret.index("^")
    assert caret.endswith("^^^^^^")
    assert caret.count("^") == len('"here"')


def test_a_span_that_is_longer_than_what_is_shown_is_marked_as_far_as_it_is() -> None:
    shown = render(error(span("a: " + "9" * 10_000, "9" * 10_000)))
    _, _, line, caret = shown.splitlines()
    assert len(caret) <= len(line)
    assert line.endswith("999...")


def test_characters_that_would_reorder_the_line_are_replaced_and_count_as_one() -> None:
    text = 'a: "\u202ex" b: 1'
    *_, line, caret = render(error(span(text, "1"))).splitlines()
    assert "\u202e" not in line
    assert caret.index("^") == line.index("1", 8)
