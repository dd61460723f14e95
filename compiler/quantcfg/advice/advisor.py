"""Advise on the settings of a network: from its weights, and from a simulation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any, Protocol, TypeVar

import numpy as np

from quantcfg.advice.activations import Hfmg, Ifmr
from quantcfg.advice.facts import weight_facts
from quantcfg.advice.inputs import (
    Simulation,
    batch_of,
    count_of,
    images_by_input,
    in_words,
    input_images,
    input_obstacle,
    without_preprocessing,
)
from quantcfg.advice.report import Advice, Item, Kind, LayerReport, Simulated
from quantcfg.advice.rules import as_convolutions, channel_wise, exclusions, first_to_look_at, offsets
from quantcfg.advice.running import Values
from quantcfg.advice.simulation import (
    LayerSettings,
    Settings,
    available_bytes,
    layer_errors,
    memory_needed,
    network_error,
)
from quantcfg.advice.statistics import decibels
from quantcfg.contracts.config_schema import QUANT_ENABLE
from quantcfg.diagnostics.phrases import quoted
from quantcfg.frozen import replace
from quantcfg.network import Network
from quantcfg.network.cost_table import unknown_shapes
from quantcfg.network.costs import costs_of, totals_of
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operations
from quantcfg.weights.arrays import WeightsFile
from quantcfg.weights.computation import Runner, RunStep
from quantcfg.weights.program import LayerWeights, Load, Program, Step, program_of

_MOST_PROBLEMS = 3
_MOST_CANDIDATES = 10_000
_STANDARDIZED = (
    "no mean and scale are known, so the images have mean 0 and variance 1: pass --mean and --scale"
)

Config = Mapping[str, Any]
_Item = TypeVar("_Item")


class Bar(Protocol):
    """A function that yields the items of an iterable, and shows the progress."""

    def __call__(self, items: Iterable[_Item], count: int, what: str) -> Iterable[_Item]:
        """Yield the items; count is their number, what is what is done with them."""


def no_bar(items: Iterable[_Item], count: int, what: str) -> Iterable[_Item]:  # noqa: ARG001
    """Return the items and show nothing."""
    return items


class _TimeOutError(Exception):
    """The time limit is exceeded."""


def advise_on(
    network: Network,
    config: Config,
    file: WeightsFile,
    given: Mapping[str, Shape],
    *,
    simulation: Simulation | None = None,
    model: str = "",
    bar: Bar = no_bar,
) -> Advice:
    """Return what is advised for a network and its configuration.

    given are shapes that the model does not give.

    Raises:
        ImagesError: the images of the simulation cannot be used.

    """
    # Values that overflow are reported, and not as warnings of numpy.
    with np.errstate(all="ignore"):
        return _advice(network, config, file, given, simulation, model, bar)


def _advice(
    network: Network,
    config: Config,
    file: WeightsFile,
    given: Mapping[str, Shape],
    simulation: Simulation | None,
    model: str,
    bar: Bar,
) -> Advice:
    read = network.edition.read_operations
    operations = _without_fusion(read(network, given), config)
    program = program_of(operations)
    computation = network.edition.computation()
    problems = [each for step in program.steps for each in computation.problems(file, step)]
    steps = _sound(program, {name for name, _ in problems})
    load = partial(computation.folded, file)
    configs = {
        each.layer.name: found
        for each in operations.all
        if (found := _settings(config, each.layer.name)) is not None
    }
    facts = weight_facts(bar(steps, len(steps), "weights"), load, configs)
    # Arrays that a model contains have names of their own, not those of layers.
    stored = file.arrays if network.edition.read_arrays else None
    costs = costs_of(network, operations, stored)
    layers = [
        LayerReport(each, cost, configs.get(each.layer.name), facts.statistics.get(each.layer.name))
        for each, cost in zip(operations.all, costs, strict=True)
    ]
    wrong = [_fact(*each) for each in problems]
    errors: Mapping[str, float] = {}
    notes = list(_unquantizable(facts.not_finite, configs))
    is_whole = False
    if simulation:
        unusable = [*wrong, *facts.not_finite]
        inputs = {name: (1, *shape[1:]) for name, shape in operations.inputs.items() if shape}
        single = _without_fusion(read(network, {**given, **inputs}), config)
        run = single if _differ_in_batch_only(operations, single) else operations
        assert computation.runner
        errors, simulated, is_whole = _simulated(
            run, config, load, computation.runner, simulation, unusable, bar
        )
        notes += simulated
    layers = _with_errors(layers, errors, is_whole=is_whole)
    skipped = [*facts.not_finite, *facts.others, *(exclusions(layers, _finite(errors)) if is_whole else ())]
    rest = _not_skipped(layers, skipped)
    items = [
        *wrong,
        *skipped,
        *channel_wise(rest, network.edition),
        *offsets(rest, network.edition),
        *(_fact(*each) for step in steps for each in computation.facts(file, step)),
        *as_convolutions(rest, network.edition),
        *(() if is_whole else first_to_look_at(rest, can_simulate=computation.runner is not None)),
    ]
    return Advice(model, totals_of(network.layers, costs), layers, items, notes)


def _fact(name: str, reason: str) -> Item:
    return Item((name,), Kind.EXACT, reason)


def _differ_in_batch_only(operations: Operations, single: Operations) -> bool:
    """Return whether a network that reads one image has the same weights, and computes the same for it."""
    return all(
        one.blobs == other.blobs and list(map(_of_image, one.outputs)) == list(map(_of_image, other.outputs))
        for one, other in zip(operations.all, single.all, strict=True)
    )


def _of_image(shape: Shape | None) -> tuple[int, Shape] | None:
    return None if shape is None else (len(shape), shape[1:])


def _unquantizable(not_finite: Sequence[Item], configs: Collection[str]) -> Iterator[str]:
    """Yield that no quantized layer can stay so, if their weights are not finite."""
    names = [item.layers[0] for item in not_finite if item.layers[0] in configs and not item.field]
    if names:
        yield f"the weights of {quoted(names)} are not finite, and no other layer is quantized"


def _not_skipped(layers: Sequence[LayerReport], items: Iterable[Item]) -> list[LayerReport]:
    """Return the layers as they are after following the advice to skip some of them."""
    names = {name for item in items if item.field == QUANT_ENABLE for name in item.layers}
    return [replace(layer, settings=None) if layer.name in names else layer for layer in layers]


def _settings(config: Config, name: str) -> dict[str, Any] | None:
    """Return the object of a layer in the configuration, None if it is not quantized."""
    body = config.get(name)
    return dict(body) if isinstance(body, Mapping) and body[QUANT_ENABLE] else None


def _without_fusion(operations: Operations, config: Config) -> Operations:
    """Return the operations without the fusion groups that the configuration does not fold."""
    skipped = set(config["skip_fusion_layers"])

    def kept(names: Sequence[str]) -> bool:
        return bool(config["do_fusion"]) and skipped.isdisjoint(names)

    found = [
        each if kept(each.layer.fusion) else replace(each, layer=each.layer.fused(()))
        for each in operations.all
    ]
    return replace(operations, all=tuple(found))


def _sound(program: Program, wrong: set[str]) -> list[Step]:
    """Return the steps whose weights can be used."""
    return [
        step
        for step in program.steps
        if wrong.isdisjoint(each.layer.name for each in (*step.before, step.operation, *step.after))
    ]


def _with_errors(
    layers: Sequence[LayerReport], errors: Mapping[str, float], *, is_whole: bool
) -> list[LayerReport]:
    whole = sum(_finite(errors).values())

    def simulated(name: str) -> Simulated | None:
        if name not in errors:
            return None
        if name not in _finite(errors):
            return Simulated(None, None)
        share = errors[name] / whole if is_whole and whole else None
        return Simulated(decibels(errors[name]), share)

    return [replace(layer, simulated=simulated(layer.name)) for layer in layers]


def _finite(errors: Mapping[str, float]) -> Mapping[str, float]:
    return {name: error for name, error in errors.items() if error == error and error != float("inf")}


# --- simulation


def _simulated(
    operations: Operations,
    config: Config,
    load: Load,
    runner: Runner,
    simulation: Simulation,
    unusable: Sequence[Item],
    bar: Bar,
) -> tuple[Mapping[str, float], list[str], bool]:
    """Return the error of each layer, notes, and whether all layers were simulated."""
    program = program_of(operations)
    settings, notes = _layer_settings(program, config)
    shapes = {blob: operations.inputs[blob] or () for blob in program.inputs}
    simulation = replace(simulation, images=images_by_input(simulation.images, shapes))
    obstacle = _obstacle(program, operations, runner, unusable) or input_obstacle(simulation, shapes)
    if obstacle or not settings:
        return {}, [*notes, f"no simulation: {obstacle or 'no layer is quantized'}"], False
    batch = batch_of(shapes)
    count = count_of(simulation, shapes, batch)
    needed, available = memory_needed(program, settings, count // batch), available_bytes()
    if available is not None and needed > available:
        reason = f"it needs about {needed / 1e9:.1f} GB of memory, and {available / 1e9:.1f} GB are available"
        return {}, [*notes, f"no simulation: {reason}; use a smaller --count or --input"], False
    preprocessing = {blob: runner.preprocessing(operations, blob) for blob in shapes}
    images = input_images(simulation, preprocessing, shapes, count)
    values = [
        {program.inputs[blob]: each[start : start + batch] for blob, each in images.items()}
        for start in range(0, count, batch)
    ]
    load = _limited(load, simulation.time_limit)
    found: dict[str | None, float] = {}
    stopped = None
    try:
        runs = _all_errors(program, load, runner.run_step, values, settings)
        found.update(bar(runs, len(settings) + 1, "simulation"))
    except _TimeOutError:
        stopped = "the time limit"
    except KeyboardInterrupt:
        stopped = "an interrupt"
    together = found.pop(None, None)
    errors = {name: error for name, error in found.items() if name is not None}
    if stopped:
        notes.append(f"{stopped} ended the simulation after {len(errors)} of {len(settings)} layers")
    overflowing = errors.keys() - _finite(errors).keys()
    if overflowing:
        names = quoted(name for name in errors if name in overflowing)
        notes.append(f"values are not finite before or after {names}, so there are no shares")
    elif together is not None:
        notes.append(f"with all layers quantized, the SQNR of the output is {decibels(together):z.1f} dB")
    if without_preprocessing(simulation, preprocessing, shapes):
        notes.append(_STANDARDIZED)
    notes.append(f"simulated with {count} {in_words(simulation, shapes)}; AMCT's own calibration decides")
    return errors, notes, len(errors) == len(settings) and not overflowing


def _all_errors(
    program: Program, load: Load, run_step: RunStep, images: Sequence[Values], settings: Settings
) -> Iterator[tuple[str | None, float]]:
    """Yield the error with each layer quantized, and, without a name, with all of them."""
    yield from layer_errors(program, load, run_step, images, settings)
    yield None, network_error(program, load, run_step, images, settings)


def _obstacle(
    program: Program, operations: Operations, runner: Runner, unusable: Sequence[Item]
) -> str | None:
    """Return why a program cannot be simulated."""
    if any(step.operation.unknown for step in program.steps):
        return next(unknown_shapes(operations.all))
    obstacles = ((step.name, runner.obstacle(step)) for step in program.steps)
    problems = [f'"{name}": {reason}' for name, reason in obstacles if reason]
    problems += [f'"{item.layers[0]}": {item.reason}' for item in unusable]
    if problems:
        more = f" and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
        return ", ".join(problems[:_MOST_PROBLEMS]) + more
    return None


# --- settings


def _layer_settings(program: Program, config: Config) -> tuple[Settings, list[str]]:
    """Return the settings of the layers to simulate, and notes on those that cannot be simulated."""
    found: dict[str, LayerSettings] = {}
    notes = []
    for step in program.steps:
        body = _settings(config, step.name) if step.operation.layer.quantizable else None
        if body is None:
            continue
        weights, activation = (
            body.get("weight_quant_params", {}),
            _activation(body["activation_quant_params"]),
        )
        if weights.get("wts_algo") == "nuq_quantize":
            notes.append(f'"{step.name}" is not simulated: NUQ is not public')
        elif isinstance(activation, Ifmr) and activation.candidates > _MOST_CANDIDATES:
            notes.append(
                f'"{step.name}" is not simulated: with its search_step, IFMR tries {activation.candidates:,} '
                f"ranges, and at most {_MOST_CANDIDATES:,} are simulated"
            )
        else:
            found[step.name] = LayerSettings(activation, bool(weights.get("channel_wise")))
    return found, notes


def _activation(parameters: Mapping[str, Any]) -> Ifmr | Hfmg:
    asymmetric = parameters.get("asymmetric", True)
    if parameters["act_algo"] == "hfmg":
        return Hfmg(parameters["num_of_bins"], asymmetric)
    start, end = parameters["search_range"]
    return Ifmr(
        parameters["max_percentile"],
        parameters["min_percentile"],
        (start, end),
        parameters["search_step"],
        asymmetric,
    )


def _limited(load: Load, seconds: float | None) -> Load:
    """Return a function that loads weights until the time is over; each step of a run loads its weights."""
    if seconds is None:
        return load
    end = monotonic() + seconds

    def loaded(step: Step) -> LayerWeights:
        if monotonic() > end:
            raise _TimeOutError
        return load(step)

    return loaded
