"""The input and output files of a command, including standard input and output."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from quantcfg.cli.arguments import STANDARD_STREAM, command_line_argument
from quantcfg.cli.console import print_file
from quantcfg.diagnostics import Diagnostic, Report, in_order

if TYPE_CHECKING:
    from quantcfg.api import Compilation
    from quantcfg.files import PathLike
    from quantcfg.network import Edition, Network
    from quantcfg.plan import After
    from quantcfg.project import Settings
    from quantcfg.source import Source

OTHERWISE = ', or "# quantcfg-model: FILE" at the top of the quant.cfg, or model in quantcfg.toml'
"""The alternatives to --model, for usage errors."""

OTHER_WEIGHTS = (
    ' with --model, or "# quantcfg-weights: FILE" at the top of the quant.cfg, or weights in quantcfg.toml'
)
"""The alternatives to --weights, for usage errors."""

_AS_FILE = "pass it as a file, not through a pipe"
"""The help for a binary model that is read as text: in a file, it would have been recognized."""


def check_inputs(options: argparse.Namespace, files: Sequence[str] = ()) -> None:
    """Exit with a usage error if standard input is used twice, or as weights.

    files are the input files besides --model and --config.
    """
    named = vars(options)
    if [*files, named.get("model"), named.get("config")].count(STANDARD_STREAM) > 1:
        options.parser.error("standard input can be read only once")
    if named.get("weights") == STANDARD_STREAM:
        options.parser.error("--weights must be a file, not standard input")


def read(
    options: argparse.Namespace,
    file: PathLike,
    report: Report,
    *,
    wanted: str,
    help: str = "pass it with --model",
) -> Source | None:
    """Read a file or standard input; return None after reporting why it cannot be read.

    help is for a binary model, if the command has models.
    """
    from quantcfg.editions.sources import read_source, read_standard_input

    advice = help if "model" in options else None
    if file == STANDARD_STREAM:
        return read_standard_input(options.stdin_filename, report, wanted=wanted, help=advice)
    return read_source(file, report, wanted=wanted, help=advice)


class Loaded(NamedTuple):
    """A model: its network, None without a valid one, its files, and the diagnostics of reading it.

    settings are those of quantcfg.toml, None if it was not read.
    """

    network: Network | None
    files: tuple[str | None, ...]
    found: Sequence[Diagnostic]
    settings: Settings | None = None


Load = Callable[[str, str | None], tuple["Network | None", Sequence[Diagnostic]]]
"""Returns the network of a model and its weights, and the diagnostics."""


def loader(options: argparse.Namespace) -> Load:
    """Return a function that reads a model, and caches the result."""
    return cache(partial(_load, options))


def _load(
    options: argparse.Namespace, model: str, weights: str | None
) -> tuple[Network | None, Sequence[Diagnostic]]:
    from quantcfg.api import load_model
    from quantcfg.editions.sources import read_regular

    found: list[Diagnostic] = []
    reader = read_regular if options.model is None else partial(read, options, help=_AS_FILE)
    network = load_model(model, weights, found.append, read=reader)
    return network, in_order(found)


def read_model(
    options: argparse.Namespace,
    source: Source | None = None,
    earlier: Sequence[Diagnostic] = (),
    load: Load | None = None,
) -> Loaded:
    """Read the model of --model and --weights, or else the one named in the source or in quantcfg.toml.

    Exits with a usage error for --weights without --model or with a model that
    contains its weights, and if the command needs a model, none is named, and there
    are no earlier diagnostics to explain it.
    """
    load = load or loader(options)
    if options.model is not None:
        _check_weights(options)
        network, found = load(options.model, options.weights)
        return Loaded(network, (options.model, options.weights), found)
    if options.weights is not None:
        comment = '"# quantcfg-weights: FILE" at the top of the quant.cfg, or ' if "config" in options else ""
        ways = f"for a model named elsewhere, use {comment}weights in quantcfg.toml"
        options.parser.error(f"--weights requires --model; {ways}")

    from quantcfg.project import check_comments, named_model, settings_around

    failures: list[Diagnostic] = []
    if source:
        check_comments(source, failures.append)
    named, settings = source and named_model(source), None
    if named is None:
        settings = settings_around(source, failures.append)
        named = settings.model
    if named:
        network, found = load(named.model, named.weights)
        located = [*failures, *map(named.located, found)]
        return Loaded(network, (named.model, named.weights), located, settings)
    if options.needs_model and not failures and not earlier:
        otherwise = OTHERWISE if "config" in options else ", or model in quantcfg.toml"
        options.parser.error(f"a model is required: use --model{otherwise}")
    return Loaded(None, (), failures, settings)


def read_with_model(
    options: argparse.Namespace, file: str | None, *, wanted: str
) -> tuple[Source | None, Loaded, list[Diagnostic]]:
    """Read a file, if there is one, and its model; return both with the diagnostics."""
    failures: list[Diagnostic] = []
    source = read(options, file, failures.append, wanted=wanted) if file is not None else None
    model = read_model(options, source, failures)
    return source, model, [*model.found, *failures]


def _check_weights(options: argparse.Namespace) -> None:
    """Exit with a usage error for the weights of a model that contains its weights."""
    if options.weights is None:
        return
    from quantcfg.editions import edition_of_model

    words = edition_of_model(options.model).words
    if words.weights_suffix is None:
        options.parser.error(f"--weights cannot be used with {words.model}, which contains its weights")


def edition_of(
    options: argparse.Namespace,
    source: Source | None,
    model: Loaded | None = None,
    report: Report = lambda _: None,
) -> Edition:
    """Return the edition of the model, even if that cannot be read; else that of --edition or quantcfg.toml.

    report is for commands that have not read quantcfg.toml for a model.
    """
    if model and model.network:
        return model.network.edition

    from quantcfg.editions import DEFAULT, edition_named, recognized_edition
    from quantcfg.project import named_model, settings_around

    named, name = named_model(source) if source else None, vars(options).get("edition")
    file = model.files[0] if model and model.files else named and named.model
    if file is None and name is None:
        settings = (model and model.settings) or settings_around(source, report)
        named, name = settings.model, settings.edition
        file = named and named.model
    return (recognized_edition(file) if file else None) or edition_named(name or DEFAULT)


def compiled(
    options: argparse.Namespace,
    *,
    reads_configurations: bool = False,
    after: After = lambda _name, _plan: None,
) -> tuple[Compilation, Sequence[str | None]]:
    """Compile the request of the arguments that add_model_arguments and add_request_arguments add.

    Return it with the files of the model. With reads_configurations, --config may
    also be a JSON configuration. after is called after each pass.
    """
    given = _plain_options(options)
    check_inputs(options)
    config, model, found = read_with_model(options, options.config, wanted="a quant.cfg")

    from quantcfg.api import Compilation, PlainArguments, compile_given, read_given
    from quantcfg.compile import is_configuration

    if options.config is not None and config is None:
        return Compilation(None, None, in_order(found), None), model.files
    edition = edition_of(options, config, model)
    if config and reads_configurations and is_configuration(config):
        return read_given(config, model.network, edition, found), model.files
    plain = PlainArguments(**given, spell=command_line_argument)
    return compile_given(config, model.network, edition, found, plain, after), model.files


def _plain_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the plain options that are given; exit with a usage error if --config is given, too."""
    plain = {
        "skip_layers": options.skip_layer,
        "batch_num": options.batch_num,
        "activation_offset": options.activation_offset,
    }
    given = {name: value for name, value in plain.items() if value is not None}
    if options.config is not None and given:
        options.parser.error(
            "--config cannot be combined with --skip-layer, --batch-num or --no-activation-offset"
        )
    return given


def named_files(names: Iterable[str | None]) -> list[str]:
    """Return the names that are given and are not standard input."""
    return [name for name in names if name is not None and name != STANDARD_STREAM]


def write_output(
    options: argparse.Namespace, text: str, inputs: Iterable[str | None], report: Report
) -> bool:
    """Write the output of -o, which must not be an input; return whether that succeeded."""
    from quantcfg.emit import bad_output_name, write_file

    if options.output == STANDARD_STREAM:
        print_file(text)
        return True
    error = bad_output_name(options.output, named_files(inputs))
    if error:
        report(error)
        return False
    return write_file(options.output, text, report, options.guard)
