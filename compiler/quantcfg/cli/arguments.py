"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from quantcfg import editions
from quantcfg.diagnostics import Severity, catalogue
from quantcfg.diagnostics.formats import FORMATS
from quantcfg.source import Argument, Source, Span

STANDARD_STREAM = "-"
"""What stands for standard input, or output, in place of a file."""

STANDARD_INPUT_NAME = "<stdin>"
"""What standard input is called in diagnostics."""


_PLAIN_OPTIONS = {
    "skip_layers": "--skip-layer",
    "batch_num": "--batch-num",
    "activation_offset": "--no-activation-offset",
}
"""The plain options by their arguments in the library."""


def add_model_arguments(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add --model and --weights; required says whether the command needs a model, however it is named."""
    parser.set_defaults(stdin_filename=STANDARD_INPUT_NAME, needs_model=required)
    parser.add_argument(
        "--model",
        metavar="FILE",
        help='the network, a prototxt; "-" is standard input. Without it, the one that '
        '"# quantcfg-model: FILE" at the top of a quant.cfg names, or else quantcfg.toml',
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="its weights, a caffemodel, with --model; only names and shapes are read. "
        "Without it the rank of a filter comes from the prototxt",
    )


def add_edition_argument(parser: argparse.ArgumentParser) -> None:
    """Add --edition, for a command that may have no network to take it from."""
    parser.add_argument(
        "--edition",
        choices=editions.NAMES,
        metavar="NAME",
        help=f"the edition of AMCT, where there is no model: {', '.join(editions.NAMES)}; default: "
        f"edition in quantcfg.toml, else {editions.DEFAULT}",
    )


def add_output_argument(parser: argparse.ArgumentParser) -> None:
    """Add where to write; standard output if it is not given."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=_output,
        default=STANDARD_STREAM,
        help='where to write; "-", the default, is standard output',
    )


def _output(name: str) -> str:
    """Return the name of an output; opened by its name, standard output would lose its offset in a file."""
    return STANDARD_STREAM if name == "/dev/stdout" else name


def add_request_arguments(parser: argparse.ArgumentParser, config: str = "a quant.cfg") -> None:
    """Add --config, and the plain options in its place; config says what the file is."""
    parser.add_argument("--config", metavar="FILE", help=f'the request, {config}; "-" is standard input')
    plain = parser.add_argument_group("plain options", "instead of --config")
    plain.add_argument(
        "--skip-layer",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="a quantizable layer that is not to be quantized",
    )
    plain.add_argument("--batch-num", type=int, metavar="N", help="calibration batches; default 1")
    plain.add_argument(
        "--no-activation-offset",
        dest="activation_offset",
        action="store_false",
        default=None,
        help="quantize activations without an offset",
    )


def command_line_argument(name: str, value: object) -> Argument:
    """Return an argument of the library as it is typed: an option and its words, or a word alone."""
    import shlex

    option = _PLAIN_OPTIONS.get(name)
    items = value if isinstance(value, list) else [] if isinstance(value, bool) else [value]
    words = [shlex.quote(str(item)) for item in items]
    source = Source("command line", " ".join([option, *words] if option else words), is_file=False)
    start = len(option) + 1 if option and words else 0
    return Argument(option or name, Span(source, start, len(source.text)), tuple(words))


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how findings are shown, and which of them count."""
    group = parser.add_argument_group("findings")
    group.add_argument("--format", choices=FORMATS, default="text", help="how they are shown; default text")
    group.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colour in the text; auto, the default, is for terminals and heeds NO_COLOR",
    )
    group.add_argument("--strict", action="store_true", help="take warnings for errors")
    group.add_argument(
        "--ignore",
        type=_ignorable,
        action="extend",
        default=[],
        metavar="CODE[,CODE...]",
        help="leave out warnings and notes with these codes",
    )


def _ignorable(text: str) -> list[str]:
    """Return the codes in an argument; an error cannot be ignored."""
    return [_ignorable_code(code.strip()) for code in text.split(",")]


def _ignorable_code(code: str) -> str:
    rule = rule_code(code)
    if catalogue.rules()[rule].severity is Severity.ERROR:
        raise argparse.ArgumentTypeError(f"{rule} is an error, and an error cannot be ignored")
    return rule


def rule_code(code: str) -> str:
    """Return a code that there is; in capitals, however it is written."""
    known, capitals = catalogue.rules(), code.upper()
    if capitals not in known:
        near = _near(capitals, known)
        raise argparse.ArgumentTypeError(f'there is no code "{code}"' + (f"; is it {near}?" if near else ""))
    return capitals


def _near(code: str, known: Iterable[str]) -> str | None:
    import difflib

    return next(iter(difflib.get_close_matches(code, known, n=1, cutoff=0.7)), None)
