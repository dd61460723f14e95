"""The argument parser: help and usage errors."""

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
"""Has a fixed width: to find that of the terminal, argparse would import shutil in every run."""


class Parser(argparse.ArgumentParser):
    """A parser that suggests names for misspelled options and commands."""

    commands: Collection[str] = ()
    _given: Sequence[str] = ()

    def __init__(self, **named: Any) -> None:
        """Make a parser whose description and epilog keep their line breaks."""
        super().__init__(**named, formatter_class=_FORMATTER)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments, and keep them for error()."""
        self._given = args
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Exit with a usage error."""
        from quantcfg.diagnostics.suggestions import suggest
        from quantcfg.diagnostics.terminal import printable

        help = self.format_help().partition("\nexamples:\n")[0]
        known = list(dict.fromkeys((*self.commands, *re.findall(r"(?<!\S)--[a-z-]+", help))))
        names = self._given[:1] if self.commands else self._options(known)
        # An invalid value of an option takes precedence over a misspelled name elsewhere.
        is_about_names = not message.startswith("argument ")
        for name in names:
            if (is_about_names or name in message) and (near := suggest(name, known).help):
                error = message if name in message else f"unrecognized arguments: {name}"
                super().error(printable(f"{error}; {near}"))
        super().error(printable(message))

    def _options(self, known: Iterable[str]) -> Sequence[str]:
        """Return the option names in the arguments that are neither an option nor a prefix of one."""
        given = takewhile(lambda argument: argument != "--", self._given)
        names = [argument.partition("=")[0] for argument in given if argument.startswith("--")]
        return [name for name in names if not any(option.startswith(name) for option in known)]
