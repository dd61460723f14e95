"""Tables in Markdown, and the part of a page that a benchmark writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

_START, _END = "<!-- results: ", "<!-- end of results -->\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with a newline at the end."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def replace_results(page: Path, content: str) -> None:
    """Replace what is between the marks for results in a page."""
    before, start, rest = page.read_text().partition(_START)
    mark, newline, _ = rest.partition("\n")
    _, end, after = rest.partition(_END)
    page.write_text(f"{before}{start}{mark}{newline}\n{content}\n{end}{after}")
