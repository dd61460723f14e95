"""The page of each code in docs/diagnostics: what it means, an example that gives it, and the fix."""

from __future__ import annotations

from importlib.resources import files


def page(code: str) -> str:
    """Return the page of a code, as Markdown."""
    return files("quantcfg.pages").joinpath(f"{code}.md").read_text(encoding="utf-8")


def summary(code: str) -> str:
    """Return in a few words what a code means: the title of its page."""
    return page(code).partition("\n")[0].removeprefix(f"# {code}: ")
