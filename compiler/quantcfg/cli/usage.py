"""Usage: the parser of arguments, what it says of itself, and what of wrong ones."""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import takewhile

from quantcfg import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, NoReturn

_FORMATTER = partial(argparse.RawDescriptionHelpFormatter, width=80)
"""A fixed width: to find that of the terminal, argparse would load shutil in every run."""


class Parser(argparse.ArgumentParser):
    """A parser that says what a misspelt option, or one of its commands, was meant to be."""

    commands: Collection[str] = ()
    _given: Sequence[str] = ()

    def __init__(self, **named: Any) -> None:
        """Make a parser as argparse does, with texts that are laid out already."""
        super().__init__(**named, formatter_class=_FORMATTER)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments, and remember them."""
        self._given = args
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End over wrong usage."""
        from quantcfg.diagnostics.suggestions import suggest
        from quantcfg.diagnostics.terminal import printable

        help = self.format_help().partition("\nexamples:\n")[0]
        known = list(dict.fromkeys((*self.commands, *re.findall(r"(?<!\S)--[a-z-]+", help))))
        names = self._given[:1] if self.commands else self._options(known)
        # What is wrong with a value is said before what is wrong with another name.
        is_about_names = not message.startswith("argument ")
        for name in names:
            if (is_about_names or name in message) and (near := suggest(name, known).help):
                wrong = message if name in message else f"unrecognized arguments: {name}"
                super().error(printable(f"{wrong}; {near}"))
        super().error(printable(message))

    def _options(self, known: Iterable[str]) -> Sequence[str]:
        """Return the names of options that are none, nor the start of one."""
        given = takewhile(lambda argument: argument != "--", self._given)
        names = [argument.partition("=")[0] for argument in given if argument.startswith("--")]
        return [name for name in names if not any(option.startswith(name) for option in known)]
