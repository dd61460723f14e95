"""The library: what the replacements of AMCT's create_quant_config do, and the steps of that."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from quantcfg.compile import compile_request, compile_source, recognized
from quantcfg.diagnostics import Diagnostic, Report, Severity, catalogue, has_errors, in_order
from quantcfg.diagnostics.formats import render_all
from quantcfg.diagnostics.phrases import alternatives, quoted
from quantcfg.editions import DEFAULT, NAMES, edition_named, edition_of_binary, edition_of_model
from quantcfg.editions.sources import read_source
from quantcfg.emit import Config, Configuration, Content, Guard, bad_output_name, write_file, write_files
from quantcfg.files import PathLike, Reader
from quantcfg.frozen import frozen_value
from quantcfg.network import Edition, NamedModel, Network
from quantcfg.plan import After, Plan, Request, request_from_arguments, request_from_config
from quantcfg.source import Argument, Source, Spell, argument_span, python_argument

if TYPE_CHECKING:
    from quantcfg.advice import Advice, Simulation
    from quantcfg.network.network import Shape
    from quantcfg.provenance import Provenance

_MOST_BITS = 10_000
"""Limit of batch_num: Python refuses to print integers of more than 4,300 digits."""


class QuantConfigError(ValueError):
    """A request cannot be compiled; diagnostics holds all errors and warnings."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity is Severity.ERROR]
        super().__init__(render_all("text", errors))
        self.diagnostics = diagnostics

    def __reduce__(self) -> tuple[type[QuantConfigError], tuple[tuple[Diagnostic, ...]]]:
        # By default, unpickling would pass the message instead of the diagnostics.
        return type(self), (self.diagnostics,)


class QuantConfigWarning(UserWarning):
    """A warning about a request: a setting that probably does not have the intended effect."""


@frozen_value
class Compilation:
    """The result of a compile.

    config is the configuration in output order, and text the exact content of its
    file; both are None if there are errors. diagnostics holds errors and warnings,
    sorted by location. plan has the source of every value.
    """

    config: Config | None
    text: str | None
    diagnostics: tuple[Diagnostic, ...]
    plan: Plan | None

    @property
    def ok(self) -> bool:
        """Whether there is a configuration."""
        return self.config is not None


@frozen_value
class Formatting:
    """The result of formatting: text is None if there are errors; diagnostics are sorted by location."""

    text: str | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Whether there are no errors."""
        return self.text is not None


@frozen_value
class Migration:
    """The result of a migration: text is None if there are errors; diagnostics are sorted by location."""

    text: str | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Whether there are no errors."""
        return self.text is not None


@frozen_value
class PlainArguments:
    """The arguments that make a request without a quant.cfg; spell returns one as the caller writes it."""

    skip_layers: list[str] | None = None
    batch_num: int = 1
    activation_offset: bool = True
    spell: Spell = python_argument


def write_quant_config(
    edition: str,
    files: Mapping[str, str],
    plain: PlainArguments,
    config_defination: str | None,
    updated_model: str | None = None,
) -> None:
    """Do what create_quant_config does in each edition; these functions differ only in their arguments.

    files maps the arguments that are files to their values: config_file, model_file
    and, if the edition has weights files, weights_file.
    """
    optional = {"config_defination": config_defination, "updated_model": updated_model}
    given = {**files, **{name: file for name, file in optional.items() if file is not None}}
    wrong = [*_bad_strings(given), *_bad_arguments(plain)]
    if wrong:
        raise TypeError(f"create_quant_config: {wrong[0].message}")
    outputs = [given.pop(name) for name in ("config_file", "updated_model") if name in given]
    replaced = [file for file in outputs if os.path.exists(file)]
    of_model: list[Diagnostic] = []
    network, beside = _model(edition_named(edition), files, updated_model, of_model.append)
    compilation = _compile_file(config_defination, network, edition_named(edition), of_model, plain)
    found = list(compilation.diagnostics)
    if not compilation.ok or not write_config(
        compilation, files["config_file"], [*given.values()], found.append, beside
    ):
        raise QuantConfigError(tuple(found))
    found += [catalogue.OUTPUT_REPLACED.at(None, file=file) for file in replaced]
    from quantcfg.diagnostics.formats.text import render_line

    for diagnostic in found:
        warnings.warn(render_line(diagnostic), QuantConfigWarning, stacklevel=3)


def _model(
    edition: Edition, files: Mapping[str, str], updated_model: str | None, report: Report
) -> tuple[Network | None, Mapping[str, Content]]:
    """Return the network of a model, or of updated_model, with the content to write to that file."""
    file = files["model_file"]
    if bad := _of_other_edition(file, edition, "create_quant_config"):
        report(bad)
        return None, {}
    if updated_model is None:
        return load_model(file, files.get("weights_file"), report, edition=edition), {}
    assert edition.name_nodes
    named = edition.name_nodes(file, updated_model, report)
    return (named.read_network(report), {updated_model: named.content}) if named else (None, {})


def _of_other_edition(file: PathLike, edition: Edition, function: str) -> Diagnostic | None:
    """Return the error for a binary model of another edition than that of the function that is called."""
    other = edition_of_binary(os.fspath(file))
    if other is None or other is edition:
        return None
    help = f"use quantcfg.{other.name}.{function}"
    what, wanted = other.words.model, edition.words.model
    return catalogue.OTHER_CONTENT.at(None, file=os.fspath(file), what=what, wanted=wanted, help=help)


def read_model(model_file: PathLike, weights_file: PathLike | None = None) -> Network:
    """Return the network of a prototxt in phase TEST or of an ONNX model; it is recognized by its content.

    The shapes of the weights of a prototxt are known if weights_file is given.
    Warnings are in its diagnostics.

    Raises:
        QuantConfigError: the model cannot be read.

    """
    return read_model_as(None, model_file, weights_file)


def read_model_as(edition: str | None, model_file: PathLike, weights_file: PathLike | None = None) -> Network:
    """Return the network of a model of an edition, None for the edition that its content shows."""
    model_file = os.fsdecode(model_file)
    weights_file = None if weights_file is None else os.fsdecode(weights_file)
    found: list[Diagnostic] = []
    reader = edition_named(edition) if edition else None
    if reader and (bad := _of_other_edition(model_file, reader, "read_model")):
        raise QuantConfigError((bad,))
    network = load_model(model_file, weights_file, found.append, edition=reader)
    if network is None:
        raise QuantConfigError(in_order(found))
    return network


def load_model(
    model_file: PathLike,
    weights_file: PathLike | None,
    report: Report,
    *,
    read: Reader = read_source,
    edition: Edition | None = None,
) -> Network | None:
    """Return the network of a model and its weights, or None after reporting why they cannot be read.

    read reads the model file if it is text. edition is by default what its content shows.
    """
    edition = edition or edition_of_model(os.fspath(model_file))
    return edition.read_model(model_file, weights_file, report, read=read)


def write_named_model(
    model_file: PathLike, output: str, report: Report, guard: Guard = nullcontext
) -> NamedModel | None:
    """Write a model with unique node names, and return it, or None after reporting an error."""
    bad = bad_output_name(output, [model_file])
    if bad:
        report(bad)
        return None
    named = name_nodes(model_file, output, report)
    return named if named and write_file(output, named.content, report, guard) else None


def name_nodes(model_file: PathLike, output: str | None, report: Report) -> NamedModel | None:
    """Return a model with unique node names, or None after reporting an error.

    output is the file that it will be written to, None for standard output.
    """
    known = (edition_of_model(os.fspath(model_file)), *map(edition_named, NAMES))
    give_names = next(each.name_nodes for each in known if each.name_nodes)
    return give_names(model_file, output, report)


def compile_config(
    network: Network,
    *,
    config_text: str | None = None,
    config_name: str = "quant.cfg",
    skip_layers: list[str] | None = None,
    batch_num: int = 1,
    activation_offset: bool = True,
) -> Compilation:
    """Compile a request for a network: a quant.cfg, or the plain arguments. Never raises for bad input.

    Args:
        network: the result of read_model.
        config_text: the content of a quant.cfg; if it is given, the arguments after
            config_name are ignored.
        config_name: the file name in diagnostics.
        skip_layers: names of quantizable layers to skip.
        batch_num: number of calibration batches.
        activation_offset: whether activations are quantized with an offset.

    """
    given = {} if config_text is None else {"config_text": config_text, "config_name": config_name}
    found = list(_bad_strings(given))
    if found:
        return _failure([*network.diagnostics, *found])
    return compile_given(
        None if config_text is None else Source(config_name, config_text),
        network,
        network.edition,
        network.diagnostics,
        PlainArguments(skip_layers, batch_num, activation_offset),
    )


def advise(
    network: Network,
    weights_file: PathLike | None = None,
    *,
    config_text: str | None = None,
    config_name: str = "quant.cfg",
    inputs: Mapping[str, Shape] = MappingProxyType({}),
    simulation: Simulation | None = None,
) -> Advice:
    """Return what is advised for a network and a request.

    Args:
        network: the result of read_model.
        weights_file: its caffemodel; an ONNX model contains its weights.
        config_text: the content of a quant.cfg; without it, the default settings are used.
        config_name: the file name in diagnostics.
        inputs: shapes of inputs that the model does not give.
        simulation: how to simulate a Caffe network, None for advice from the weights alone.

    Raises:
        QuantConfigError: the request or the weights have errors.
        quantcfg.advice.ImagesError: the images of the simulation cannot be read, or do not fit.
        ValueError: the weights file is missing or not used by the edition, its networks
            cannot be simulated, or inputs or the simulation do not fit the network.

    """
    from quantcfg.advice import advise_on

    computation, words = network.edition.computation(), network.edition.words
    if (weights_file is None) == (words.weights_suffix is not None):
        needed = "needs a weights file" if weights_file is None else "contains its weights"
        raise ValueError(f"{words.network} {needed}")
    if simulation and computation.runner is None:
        raise ValueError(f"{words.network} cannot be simulated")
    compilation = compile_config(network, config_text=config_text, config_name=config_name)
    if compilation.config is None:
        raise QuantConfigError(compilation.diagnostics)
    found: list[Diagnostic] = []
    weights = computation.read(network, weights_file, found.append)
    if weights is None:
        raise QuantConfigError(in_order(found))
    operations = network.edition.read_operations(network, inputs)
    if operations.unused:
        raise ValueError(f"inputs names {quoted(operations.unused)}: not an input or a blob of unknown shape")
    return advise_on(network, compilation.config, weights, operations, inputs, simulation=simulation)


def check_text(
    text: str, name: str = "quant.cfg", network: Network | None = None, *, edition: str = DEFAULT
) -> tuple[Diagnostic, ...]:
    """Return the diagnostics for the text of a quant.cfg or JSON configuration, sorted by location.

    Args:
        text: the content of the file.
        name: the file name in diagnostics. The text is a configuration if the
            name ends in ".json" or the text starts with "{".
        network: the result of read_model. Without it, any name may be that of a
            layer, and only errors for every network are reported.
        edition: the edition of AMCT if there is no network: "caffe" or "onnx".

    """
    from quantcfg.compile import check_source

    problems = (*_bad_strings({"text": text, "name": name}), *_bad_edition(edition))
    return problems or check_source(Source(name, text), network, edition_named(edition))


def config_schema(network: Network | None = None, *, edition: str = DEFAULT) -> dict[str, Any]:
    """Return the JSON Schema of configurations, valid in draft-07 and 2020-12.

    With a network, it is stricter than the published schema: the layers are
    properties, each with the keys of its type, and no others are allowed.
    check_text also checks what no schema can express.

    Args:
        network: the result of read_model; without it, the published schema is
            returned.
        edition: the edition of AMCT if there is no network: "caffe" or "onnx".

    Raises:
        QuantConfigError: there is no such edition.
        TypeError: network is not a network.

    """
    from quantcfg.configuration.schema import config_schema

    if network is not None and not isinstance(network, Network):
        raise TypeError(f"network must be the result of read_model, not {type(network).__name__}")
    if problems := tuple(_bad_edition(edition)):
        raise QuantConfigError(problems)
    return config_schema(network, edition_named(edition))


def format_text(text: str, name: str = "quant.cfg") -> Formatting:
    """Return a quant.cfg or a prototxt in the canonical layout. Never raises for bad input.

    Values and comments are kept. Formatting the result again does not change it.

    Args:
        text: the content of the file.
        name: the file name in diagnostics.

    """
    from quantcfg.format import format_source

    found = list(_bad_strings({"text": text, "name": name}))
    formatted = None if found else format_source(Source(name, text), found.append)
    return Formatting(formatted, in_order(found))


def migrate_text(text: str, name: str = "quant.cfg", *, edition: str = DEFAULT) -> Migration:
    """Return a quant.cfg without deprecated fields that compiles to the same result on every network.

    Never raises for bad input. Only deprecated fields are changed, and all comments
    are kept.

    Args:
        text: the content of the file.
        name: the file name in diagnostics.
        edition: the edition of AMCT that it is for: "caffe" or "onnx".

    """
    from quantcfg.migrate import migrate_source

    found = [*_bad_strings({"text": text, "name": name}), *_bad_edition(edition)]
    migrated = None if found else migrate_source(Source(name, text), edition_named(edition), found.append)
    return Migration(migrated, in_order(found))


def compile_files(
    model_file: PathLike, weights_file: PathLike | None = None, config_file: PathLike | None = None
) -> Compilation:
    """Compile a request from files, by default one for all layers. Never raises for bad input."""
    found: list[Diagnostic] = []
    edition = edition_of_model(os.fspath(model_file))
    network = load_model(model_file, weights_file, found.append, edition=edition)
    return _compile_file(config_file, network, edition, found, PlainArguments())


def _compile_file(
    config_file: PathLike | None,
    network: Network | None,
    edition: Edition,
    found: list[Diagnostic],
    plain: PlainArguments,
) -> Compilation:
    """Compile a quant.cfg, or without one the plain arguments; found holds the diagnostics so far."""
    config = None
    if config_file is not None:
        help = "pass it as the model"
        config = read_source(config_file, found.append, wanted="a quant.cfg", help=help)
        if config is None:
            return _failure(found)
    return compile_given(config, network, edition, found, plain)


def compile_given(
    config: Source | None,
    network: Network | None,
    edition: Edition,
    earlier: Iterable[Diagnostic],
    plain: PlainArguments,
    after: After = lambda _name, _plan: None,
) -> Compilation:
    """Compile a quant.cfg, or the plain arguments, for a network.

    Without a network, only errors for every network of the edition are reported.
    earlier holds the diagnostics so far; after is called after each pass.
    """
    reported: list[Diagnostic] = []
    request = _request(config, edition, plain, reported.append)
    if request is None:
        return _failure([*earlier, *reported])
    plan, configuration = compile_request(request, network, edition, reported.append, after)
    found = [*earlier, *(recognized(reported, request, network, edition) if network else reported)]
    if network is None or has_errors(found):
        return _failure(found, plan)
    return _success(found, plan, configuration)


def read_given(
    config: Source, network: Network | None, edition: Edition, earlier: Iterable[Diagnostic]
) -> Compilation:
    """Read a JSON configuration for a network as a compilation; earlier holds the diagnostics so far."""
    compiled = compile_source(config, network, edition)
    found = [*earlier, *compiled.diagnostics]
    if network is None or has_errors(found):
        return _failure(found, compiled.plan)
    return _success(found, compiled.plan, compiled.configuration)


def explain(compilation: Compilation, layer: str | None = None, key: str | None = None) -> Provenance:
    """Return for each value of a configuration its source, the value without it, and what it overrides.

    Args:
        compilation: the result of compile_config.
        layer: a layer, or a key of the whole network; by default, all values.
        key: a key of the layer, such as "search_step".

    Raises:
        QuantConfigError: the compilation has errors, or the layer or key does not exist.

    """
    from quantcfg.provenance import explained

    if not compilation.ok or compilation.plan is None:
        raise QuantConfigError(compilation.diagnostics)
    names = {"layer": layer, "key": key}
    found = list(_bad_strings({name: value for name, value in names.items() if value is not None}))
    if found:
        raise QuantConfigError(tuple(found))
    provenance = explained(compilation.plan, layer, key, found.append)
    if provenance is None:
        raise QuantConfigError(tuple(found))
    return provenance


def write_config(
    compilation: Compilation,
    name: str,
    inputs: Sequence[PathLike],
    report: Report,
    beside: Mapping[str, Content] = MappingProxyType({}),
    guard: Guard = nullcontext,
) -> bool:
    """Write the configuration of a compilation, but not over an input; return whether it was written.

    beside maps other files to their contents: either all files are written or none. guard
    is the context in which files are replaced.
    """
    assert compilation.text is not None
    assert compilation.plan is not None
    non_uniform = compilation.plan.request.non_uniform
    mapping = [non_uniform.mapping_file.value] if non_uniform and non_uniform.mapping_file else []
    files: dict[str, Content] = {**beside, name: compilation.text}
    bad = [bad for file in files if (bad := bad_output_name(file, [*inputs, *mapping]))]
    if name in beside:
        bad.append(catalogue.BAD_OUTPUT_NAME.at(None, file=name, reason="is the name of two outputs"))
    for each in bad:
        report(each)
    if bad:
        return False
    return write_files(files, report, guard) if beside else write_file(name, compilation.text, report, guard)


def _success(found: list[Diagnostic], plan: Plan, configuration: Configuration) -> Compilation:
    return Compilation(configuration.config, configuration.text, in_order(found), plan)


def _failure(found: list[Diagnostic], plan: Plan | None = None) -> Compilation:
    return Compilation(None, None, in_order(found), plan)


def _request(
    config: Source | None, edition: Edition, plain: PlainArguments, report: Report
) -> Request | None:
    problems = list(_bad_arguments(plain))
    for problem in problems:
        report(problem)
    if problems:
        return None
    skip_layers, batch_num, offset = plain.skip_layers or [], plain.batch_num, plain.activation_offset
    if config is None:
        return request_from_arguments(skip_layers, batch_num, offset, edition, plain.spell)
    given = {"skip_layers": skip_layers, "batch_num": batch_num, "activation_offset": offset}
    defaults = {"skip_layers": [], **edition.schema.global_defaults}
    for name, value in given.items():
        if value != defaults[name]:
            span, help = argument_span(name, value), f"set {name} in the quant.cfg"
            report(catalogue.ARGUMENT_IGNORED.at(span, argument=name, help=help))
    return request_from_config(config, edition, report)


def _bad_strings(arguments: Mapping[str, object]) -> Iterator[Diagnostic]:
    for name, value in arguments.items():
        if not isinstance(value, str):
            yield _wrong_argument(python_argument(name, value), "a string", value)


def _bad_edition(edition: object) -> Iterator[Diagnostic]:
    if not isinstance(edition, str) or edition not in NAMES:
        yield _wrong_argument(python_argument("edition", edition), alternatives(NAMES), edition)


def _bad_arguments(plain: PlainArguments) -> Iterator[Diagnostic]:
    """Yield an error for each plain argument of the wrong type; a bool is not a batch_num."""
    skip_layers: object = plain.skip_layers
    batch_num: object = plain.batch_num
    activation_offset: object = plain.activation_offset
    items = skip_layers if isinstance(skip_layers, list) else ()
    wrong = [type(item).__name__ for item in items if not isinstance(item, str)]
    if wrong:
        help = f"pass only strings: one item is {wrong[0]}"
        yield _wrong_argument(plain.spell("skip_layers", skip_layers), "a list of strings", skip_layers, help)
    elif skip_layers is not None and not isinstance(skip_layers, list):
        yield _wrong_argument(plain.spell("skip_layers", skip_layers), "a list of strings", skip_layers)
    if not isinstance(batch_num, int) or isinstance(batch_num, bool):
        yield _wrong_argument(plain.spell("batch_num", batch_num), "an integer", batch_num)
    elif batch_num.bit_length() > _MOST_BITS:
        yield _wrong_argument(plain.spell("batch_num", batch_num), "a smaller number", batch_num)
    if not isinstance(activation_offset, bool):
        yield _wrong_argument(
            plain.spell("activation_offset", activation_offset), "a bool", activation_offset
        )


def _wrong_argument(argument: Argument, expected: str, value: object, help: str | None = None) -> Diagnostic:
    found = type(value).__name__
    return catalogue.WRONG_ARGUMENT.at(
        argument.span, argument=argument.name, expected=expected, found=found, help=help
    )
