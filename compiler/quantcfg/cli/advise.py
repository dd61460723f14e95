"""quantcfg advise: what the weights and a simulation say about quantizing a network."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from quantcfg.cli.arguments import STANDARD_STREAM, add_model_arguments, add_output_argument
from quantcfg.cli.console import print_failure, print_plain, print_result, print_stderr
from quantcfg.cli.given_shapes import add_input_argument, named_shapes, operations_of
from quantcfg.cli.rewriting import write
from quantcfg.cli.streams import OTHER_WEIGHTS, check_inputs, edition_of, read_with_model, write_output
from quantcfg.diagnostics import Diagnostic, Report, has_errors
from quantcfg.diagnostics.phrases import quoted
from quantcfg.diagnostics.terminal import printable

if TYPE_CHECKING:
    from quantcfg.advice import Advice, Simulation
    from quantcfg.emit import Config
    from quantcfg.network import Network
    from quantcfg.network.operations import Operations
    from quantcfg.source import Source

_Item = TypeVar("_Item")

_SIMULATION = ("images", "count", "seed", "mean", "scale", "time_limit")

EPILOG = """\
examples:
  quantcfg advise --model MODEL --weights WEIGHTS
  quantcfg advise --model MODEL.onnx
  quantcfg advise --model MODEL --weights WEIGHTS --config quant.cfg --format json
  quantcfg advise --model MODEL --weights WEIGHTS --simulate --format cfg -o quant.cfg
  quantcfg advise --model MODEL --weights WEIGHTS --config quant.cfg --format cfg -o quant.cfg
  quantcfg advise --model MODEL --weights WEIGHTS --simulate --mean 104,117,123 --sort share

The exit status is 0 with or without advice.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    from quantcfg.advice.text_format import COLUMNS

    parser.description = (
        "Advise on the settings of a network, without data, Caffe or ONNX Runtime: whether channel_wise\n"
        "helps, from the weights, and with --simulate which layers of a Caffe network to keep in\n"
        "floating point. An ONNX model contains its weights."
    )
    add_model_arguments(parser, weights="their values are read")
    parser.add_argument("--config", metavar="FILE", help='the request, a quant.cfg; "-" is standard input')
    add_input_argument(parser)
    parser.add_argument("--sort", choices=COLUMNS, metavar="COLUMN", help=f"sort by {', '.join(COLUMNS)}")
    parser.add_argument(
        "--format",
        choices=("text", "json", "cfg"),
        default="text",
        help="default text; cfg is a quant.cfg: --config with the advice",
    )
    add_output_argument(parser)
    group = parser.add_argument_group("simulation")
    group.add_argument(
        "--simulate", action="store_true", help="quantize one layer at a time and compare the outputs"
    )
    group.add_argument(
        "--images",
        action="append",
        metavar="[NAME=]PATH",
        help="an .npy file with N,C,H,W values, or a directory of PNG and JPEG files, for an input; "
        "default: generated images",
    )
    group.add_argument(
        "--count", type=partial(_integer, least=1), metavar="N", help="number of images; default 2, or all"
    )
    group.add_argument(
        "--seed", type=partial(_integer, least=0), metavar="N", help="seed of generated images; default 0"
    )
    group.add_argument("--mean", type=_numbers, metavar="X[,X...]", help="subtracted from each channel")
    group.add_argument("--scale", type=_number, metavar="X", help="factor of the images, after --mean")
    group.add_argument(
        "--time-limit",
        type=_seconds,
        metavar="S",
        help="end the simulation after S seconds; ^C does the same",
    )


def _integer(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f'expected an integer >= {least}, found "{printable(text)}"')
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f'expected a number, found "{printable(text)}"')
    return value


def _numbers(text: str) -> list[float]:
    return [_number(each) for each in text.split(",")]


def _seconds(text: str) -> float:
    value = _number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f'expected a number >= 0, found "{printable(text)}"')
    return value


def run(options: argparse.Namespace) -> int:
    """Read the network and its weights, and print what is advised."""
    _check_options(options)
    check_inputs(options)
    source, model, found = read_with_model(options, options.config, wanted="a quant.cfg")
    network, files = model.network, model.files
    if network is None or has_errors(found):
        return print_failure(found)
    words = network.edition.words
    if files[1] is None and words.weights_suffix:
        options.parser.error(f"the weights are required: use --weights{OTHER_WEIGHTS}")
    if options.simulate and network.edition.computation().runner is None:
        options.parser.error(f"--simulate cannot be used with {words.model}: omit it for advice from weights")

    from quantcfg.api import PlainArguments, compile_given

    compilation = compile_given(source, network, edition_of(options, source, model), found, PlainArguments())
    if compilation.config is None:
        return print_failure(compilation.diagnostics)
    found = list(compilation.diagnostics)
    report = _report(options, network, compilation.config, files, found)
    if report is None:
        return print_failure(found)
    print_plain(found)
    return _write(options, network, report, source, (*files, options.config, *_image_files(options)))


def _check_options(options: argparse.Namespace) -> None:
    """Exit with a usage error for options that need --simulate, and for those that exclude one another."""
    if options.format != "text" and options.sort:
        options.parser.error("--sort requires --format text")
    if options.simulate:
        return
    for name in _SIMULATION:
        if getattr(options, name) is not None:
            options.parser.error(f"--{name.replace('_', '-')} requires --simulate")
    from quantcfg.advice.text_format import SIMULATED

    if options.sort in SIMULATED:
        options.parser.error(f"--sort {options.sort} requires --simulate")


def _report(
    options: argparse.Namespace,
    network: Network,
    config: Config,
    files: tuple[str | None, ...],
    found: list[Diagnostic],
) -> Advice | None:
    from quantcfg.advice import ArgumentError, ImagesError, advise_on

    model, weights = files
    operations = operations_of(options, network)
    stored = network.edition.computation().read(network, weights, found.append)
    if stored is None:
        return None
    try:
        with options.interruptible() if options.simulate else nullcontext(lambda: False) as stop:
            return advise_on(
                network,
                config,
                stored,
                operations,
                named_shapes(options),
                simulation=_simulation(options, operations),
                model=model or "",
                bar=_bar,
                stop=stop,
            )
    except ArgumentError as error:
        options.parser.error(f"--{printable(str(error))}")
    except ImagesError as error:
        found.append(error.diagnostic)
    return None


def _simulation(options: argparse.Namespace, operations: Operations) -> Simulation | None:
    if not options.simulate:
        return None
    from quantcfg.advice import Simulation

    images = _images(options, operations.inputs)
    return Simulation(
        images, options.count, options.seed or 0, options.mean, options.scale, options.time_limit
    )


def _images(options: argparse.Namespace, inputs: Collection[str]) -> str | Mapping[str, str] | None:
    """Return the images by input, or those without a name; a file name may contain "=", too."""
    named: dict[str, str] = {}
    plain: list[str] = []
    for text in options.images or ():
        name, equals, path = text.partition("=")
        if equals and name in inputs:
            named[name] = path
        else:
            plain.append(text)
    if len(plain) > 1 or (plain and named):
        options.parser.error(f"--images {printable(plain[0])} needs the name of an input: {quoted(inputs)}")
    return plain[0] if plain else named or None


def _image_files(options: argparse.Namespace) -> Iterator[str]:
    """Yield the files that images are read from, so that no output replaces them."""
    for text in options.images or ():
        for path in (text, text.partition("=")[2]):
            yield path
            yield from map(str, Path(path).iterdir()) if path and Path(path).is_dir() else ()


def _bar(items: Iterable[_Item], count: int, what: str) -> Iterator[_Item]:
    """Yield items and show the progress on a terminal."""
    from tqdm import tqdm

    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    yield from tqdm(items, what, count, leave=False, disable=not is_terminal)


def _write(
    options: argparse.Namespace,
    network: Network,
    advice: Advice,
    source: Source | None,
    inputs: Iterable[str | None],
) -> int:
    from quantcfg.advice import json_format, quant_cfg_format, text_format

    found: list[Diagnostic] = []
    if options.format == "cfg":
        text, found = quant_cfg_format.with_advice(advice, network, source)
    elif options.format == "json":
        text = f"{json_format.render(advice)}\n"
    else:
        text = f"{text_format.render(advice, options.sort)}\n"
    if found or not _is_written(options, text, source, inputs, found.append):
        return print_failure(found)
    for line in text_format.notes(advice):
        print_stderr(line)
    if options.format == "cfg" and advice.is_cut_short:
        print_stderr("the quant.cfg does not have the result of the whole simulation")
    return 0


def _is_written(
    options: argparse.Namespace,
    text: str,
    source: Source | None,
    inputs: Iterable[str | None],
    report: Report,
) -> bool:
    """Write the output; return whether that succeeded. A quant.cfg may replace the given one."""
    from quantcfg.emit import is_same_file

    if source and options.format == "cfg" and is_same_file(options.output, options.config):
        return write(options, options.config, source, text, report)
    if options.output == STANDARD_STREAM and options.format != "cfg":
        print_result(text, end="")
        return True
    return write_output(options, text, inputs, report)
