"""Usage: the parser of arguments, what it says of itself, and what of wrong ones."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Collection, Sequence

from quantcfg import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """A parser that says what a misspelt option, or one of its commands, was meant to be."""

    commands: Collection[str] = ()
    _given: Sequence[str] = ()

    def __init__(self, **named: Any) -> None:
        """Make a parser as argparse does, with texts that are laid out already."""
        super().__init__(**named, formatter_class=_formatter)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments, and remember them."""
        self._given = args
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End over wrong usage."""
        from quantcfg.diagnostics.suggest import suggest

        known = {*self.commands, *re.findall(r"(?<!\S)--[a-z-]+", self.format_help())}
        for word in self._names():
            if not any(name.startswith(word) for name in known) and (near := suggest(word, known).help):
                wrong = message if word in message else f"unrecognized arguments: {word}"
                super().error(f"{wrong}; {near}")
        super().error(message)

    def _names(self) -> Sequence[str]:
        """Return the arguments that are to be names of commands, or of options."""
        if self.commands:
            return self._given[:1]
        return [argument.partition("=")[0] for argument in self._given if argument.startswith("--")]


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Return what lays out a help; it is told the width, as it would load shutil to find it."""
    return argparse.RawDescriptionHelpFormatter(prog, width=_columns() - 2)


def _columns() -> int:
    """Return how wide the terminal is, as shutil.get_terminal_size does."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return 80
