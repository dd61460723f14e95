from __future__ import annotations

from unicodedata import category

from hypothesis import strategies as st

from quantcfg.diagnostics import Diagnostic, Related, Severity
from quantcfg.diagnostics.formats.text import render, render_line
from quantcfg.source import Source, Span
from tests.laws import law

RED = "\x1b[31m"


def span(text: str, marked: str, name: str = "quant.cfg") -> Span:
    start = text.index(marked)
    return Span(Source(name, text), start, start + len(marked))


def error(span: Span | None, message: str = "no", help: str | None = None, *related: Related) -> Diagnostic:
    return Diagnostic("QC999", Severity.ERROR, message, span, related, help)


def test_a_diagnostic_shows_its_place_its_line_and_a_caret_under_the_span() -> None:
    diagnostic = error(span("a: 1\nbatch_num: x\nb: 2\n", "x"), "takes an integer", "write 1")
    assert render(diagnostic).splitlines() == [
        "quant.cfg:2:12: error[QC999]: takes an integer",
        "   |",
        " 2 | batch_num: x",
        "   |            ^",
        "  = help: write 1",
    ]


def test_a_diagnostic_without_a_place_is_its_message() -> None:
    assert render(error(None, "cannot read it")) == "error[QC999]: cannot read it"
    assert render_line(error(None, "cannot read it")) == "cannot read it [QC999]"


def test_a_diagnostic_fits_on_one_line() -> None:
    assert render_line(error(span("a: 1\nb: 2", "2"))) == "quant.cfg:2:4: no [QC999]"


def test_severities_go_by_their_names() -> None:
    heads = [render(Diagnostic("QC999", severity, "no")) for severity in Severity]
    assert heads == ["error[QC999]: no", "warning[QC999]: no", "note[QC999]: no"]


def test_a_related_place_is_shown_with_its_own_source() -> None:
    related = Related(span("layer {}\nlayer {}\n", "{", name="net.prototxt"), "defined here")
    assert render(error(span("a: 1", "a"), "no", None, related)).splitlines() == [
        "quant.cfg:1:1: error[QC999]: no",
        "   |",
        " 1 | a: 1",
        "   | ^",
        "net.prototxt:1:7: note: defined here",
        "   |",
        " 1 | layer {}",
        "   |       ^",
    ]


def test_the_margin_is_as_wide_as_the_number_of_the_line() -> None:
    text = "\n" * 99 + "a: 1"
    assert render(error(span(text, "1"))).splitlines()[1:] == ["     |", " 100 | a: 1", "     |    ^"]


def excerpt(text: str, marked: str) -> tuple[str, str]:
    """Return the line that is shown of a text, and the line below it."""
    *_, line, marks = render(error(span(text, marked))).splitlines()
    return line.removeprefix(" 1 | "), marks.removeprefix("   | ")


def test_every_character_of_the_span_is_marked() -> None:
    assert excerpt("batch_num: 123 # no", "123") == ("batch_num: 123 # no", "           ^^^")


def test_tabs_before_the_span_are_kept_below_it() -> None:
    assert excerpt("\ta:\t1", "1") == ("\ta:\t1", "\t  \t^")


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


def test_of_a_span_over_several_lines_the_first_is_shown() -> None:
    text = "layer {\n  name: 'a'\n}\n"
    assert render(error(span(text, "{\n  name: 'a'\n}"))).splitlines()[1:] == [
        "   |",
        " 1 | layer {",
        "   |       ^",
    ]


def test_of_a_span_over_several_lines_the_rest_of_the_first_is_marked() -> None:
    rendered = render(error(span("layer { a: 1\n} b: 2\n", "r { a: 1\n}")))
    assert rendered.splitlines()[-1] == "   |     ^^^^^^^^"


def test_the_end_of_a_line_is_not_shown() -> None:
    assert excerpt("a: 1\r\n", "1") == ("a: 1", "   ^")
    assert excerpt("a: 1\r\nb: 2\r\n", "1\r\nb") == ("a: 1", "   ^")
    assert excerpt("a: 1\r\n", "\r") == ("a: 1", "    ^")


def test_an_empty_span_at_the_end_of_the_text_is_behind_the_last_character() -> None:
    for text, line, marks in (
        ("a {", " 1 | a {", "   |    ^"),
        ("", " 1 | ", "   | ^"),
        ("a {\n", " 2 | ", "   | ^"),
    ):
        end = Span(Source("quant.cfg", text), len(text), len(text))
        assert render(error(end)).splitlines()[2:] == [line, marks]


@law(st.text(max_size=30), st.integers(0, 30), st.integers(0, 30), st.text(max_size=5))
def test_anything_can_be_rendered_in_four_lines(text: str, start: int, end: int, message: str) -> None:
    start, end = sorted((min(start, len(text)), min(end, len(text))))
    rendered = render(error(Span(Source("quant.cfg", text), start, end), message))
    head, _, line, marks = rendered.split("\n")
    assert head.startswith("quant.cfg:")
    assert len(line) - len(marks) <= len(text)
    assert set(marks.split("|")[1].lstrip(" \t")) == {"^"}


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
