"""Texts with marks in them: the code of a diagnostic, before the place that it is reported at."""

from __future__ import annotations

import re
from collections.abc import Iterable

from quantcfg.diagnostics import Diagnostic, in_order

MARK = re.compile("«(QC[0-9]{3})»")


def unmarked(marked: str) -> tuple[str, list[str]]:
    """Return text without its marks, and the marks by location: "QC104 1:5"."""
    text, expected = "", []
    for index, piece in enumerate(MARK.split(marked)):
        if index % 2:
            line = text.count("\n") + 1
            column = len(text) - (text.rfind("\n") + 1) + 1
            expected.append(f"{piece} {line}:{column}")
        else:
            text += piece
    return text, expected


def places(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Return the codes and the places of diagnostics, as unmarked returns them."""
    return [place(diagnostic) for diagnostic in in_order(diagnostics)]


def place(diagnostic: Diagnostic) -> str:
    if diagnostic.span is None:
        return diagnostic.code
    line, column = diagnostic.span.start_position
    return f"{diagnostic.code} {line}:{column}"
