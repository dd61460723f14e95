"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from quantcfg import editions
from quantcfg.diagnostics import Severity, catalogue
from quantcfg.diagnostics.formats import FORMATS
from quantcfg.source import Argument, Source, Span

STANDARD_STREAM = "-"
"""The file name that means standard input or output."""

STANDARD_INPUT_NAME = "<stdin>"
"""The name of standard input in diagnostics."""

_PLAIN_OPTIONS = {
    "skip_layers": "--skip-layer",
    "batch_num": "--batch-num",
    "activation_offset": "--no-activation-offset",
}
"""The plain options, by the name of the library argument."""


_NAMES_AND_SHAPES = "only names and shapes are read. Without it, the rank of a filter comes from the model"


def add_model_arguments(
    parser: argparse.ArgumentParser, *, required: bool = True, weights: str = _NAMES_AND_SHAPES
) -> None:
    """Add --model and --weights; required is whether the command needs a model from any source.

    weights is what the command does with the weights.
    """
    parser.set_defaults(stdin_filename=STANDARD_INPUT_NAME, needs_model=required)
    parser.add_argument(
        "--model",
        metavar="FILE",
        help='the model; "-" is standard input, for a model in text format. Without it, "# quantcfg-model: '
        'FILE" at the top of a quant.cfg names the model, or else quantcfg.toml',
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help=f"the weights of --model, if it does not contain them; {weights}",
    )


def add_edition_argument(parser: argparse.ArgumentParser) -> None:
    """Add --edition, for a command that can run without a network."""
    parser.add_argument(
        "--edition",
        choices=editions.NAMES,
        metavar="NAME",
        help=f"edition of AMCT, if there is no model: {', '.join(editions.NAMES)}; default: "
        f"edition in quantcfg.toml, else {editions.DEFAULT}",
    )


def add_output_argument(parser: argparse.ArgumentParser) -> None:
    """Add --output, by default standard output."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=_output,
        default=STANDARD_STREAM,
        help='output file; default "-", standard output',
    )


def _output(name: str) -> str:
    """Return the name of an output; opening /dev/stdout would lose the offset of a redirected file."""
    return STANDARD_STREAM if name == "/dev/stdout" else name


def add_request_arguments(parser: argparse.ArgumentParser, config: str = "a quant.cfg") -> None:
    """Add --config and the plain options; config describes the file."""
    parser.add_argument("--config", metavar="FILE", help=f'the request, {config}; "-" is standard input')
    plain = parser.add_argument_group("plain options", "instead of --config")
    plain.add_argument(
        "--skip-layer",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="quantizable layers to skip",
    )
    plain.add_argument("--batch-num", type=int, metavar="N", help="number of calibration batches; default 1")
    plain.add_argument(
        "--no-activation-offset",
        dest="activation_offset",
        action="store_false",
        default=None,
        help="quantize activations without an offset",
    )


def command_line_argument(name: str, value: object) -> Argument:
    """Return a library argument as it is written on the command line: an option with its values."""
    import shlex

    option = _PLAIN_OPTIONS.get(name)
    items = value if isinstance(value, list) else [] if isinstance(value, bool) else [value]
    words = [shlex.quote(str(item)) for item in items]
    source = Source("command line", " ".join([option, *words] if option else words), is_file=False)
    start = len(option) + 1 if option and words else 0
    return Argument(option or name, Span(source, start, len(source.text)), tuple(words))


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose which diagnostics are reported, and how."""
    group = parser.add_argument_group("diagnostics")
    group.add_argument("--format", choices=FORMATS, default="text", help="output format; default text")
    group.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="color the text format; default auto: on a terminal, unless NO_COLOR is set",
    )
    group.add_argument("--strict", action="store_true", help="treat warnings as errors")
    group.add_argument(
        "--ignore",
        type=_ignorable,
        action="extend",
        default=[],
        metavar="CODE[,CODE...]",
        help="ignore warnings and notes with these codes",
    )


def _ignorable(text: str) -> list[str]:
    """Return the codes in an argument of --ignore."""
    return [_ignorable_code(code.strip()) for code in text.split(",")]


def _ignorable_code(code: str) -> str:
    rule = rule_code(code)
    if catalogue.rules()[rule].severity is Severity.ERROR:
        raise argparse.ArgumentTypeError(f"{rule} is an error and cannot be ignored")
    return rule


def rule_code(code: str) -> str:
    """Normalize a diagnostic code to upper case."""
    known, upper = catalogue.rules(), code.upper()
    if upper not in known:
        near = _near(upper, known)
        raise argparse.ArgumentTypeError(
            f'unknown code "{code}"'
            + (f"; did you mean {near}?" if near else '; "quantcfg rule" lists all codes')
        )
    return upper


def _near(code: str, known: Iterable[str]) -> str | None:
    import difflib

    return next(iter(difflib.get_close_matches(code, known, n=1, cutoff=0.7)), None)
