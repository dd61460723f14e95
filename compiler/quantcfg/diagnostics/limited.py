"""Only so many findings of a kind: what a script wrote a million times is not told a million times."""

from __future__ import annotations

from collections import Counter

from quantcfg import limits
from quantcfg.diagnostics import catalogue
from quantcfg.diagnostics.diagnostic import Diagnostic, Report


def limited(report: Report) -> Report:
    """Return what passes on so many findings of each code, and a note in place of the next one."""
    seen = Counter[str]()

    def report_limited(diagnostic: Diagnostic) -> None:
        code = diagnostic.code
        seen[code] += 1
        if seen[code] <= limits.FINDINGS_OF_A_CODE:
            report(diagnostic)
        elif seen[code] == limits.FINDINGS_OF_A_CODE + 1:
            report(catalogue.NOT_ALL_TOLD.at(diagnostic.span, code=code, limit=limits.FINDINGS_OF_A_CODE))

    return report_limited
