"""Simulate a network with the settings of a configuration, and say what the result covers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from time import monotonic
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from quantcfg.advice.calibration import RANGE_VALUES, Check, Hfmg, Ifmr
from quantcfg.advice.inputs import (
    Inputs,
    Simulation,
    count_of,
    in_words,
    input_images,
    input_obstacle,
    inputs_of,
    without_preprocessing,
)
from quantcfg.advice.report import Item
from quantcfg.advice.running import Executable, Values
from quantcfg.advice.simulation import (
    LayerSettings,
    Settings,
    available_bytes,
    layer_errors,
    memory_needed,
    network_error,
    value_counts,
)
from quantcfg.advice.statistics import decibels
from quantcfg.contracts.config_schema import (
    ACTIVATION_ALGORITHM,
    ACTIVATION_PARAMS,
    ASYMMETRIC,
    CHANNEL_WISE,
    NON_UNIFORM,
    QUANT_ENABLE,
    WEIGHT_ALGORITHM,
    WEIGHT_PARAMS,
)
from quantcfg.diagnostics.phrases import counted, quoted
from quantcfg.frozen import frozen_value
from quantcfg.network.operations import Operations
from quantcfg.weights.arrays import Array
from quantcfg.weights.computation import Runner
from quantcfg.weights.program import Load, Program, program_of

_MOST_PROBLEMS = 3
_MOST_SEARCHED = 10**10
"""How many values a search for a range may quantize: it takes about half a minute."""

_STANDARDIZED = "mean and scale are unknown; images are standardized: pass --mean and --scale"

Config = Mapping[str, Any]
Stop = Callable[[], bool]
"""Returns whether a simulation should end."""

_Item = TypeVar("_Item")


class Bar(Protocol):
    """A function that yields the items of an iterable, and shows the progress."""

    def __call__(self, items: Iterable[_Item], count: int, what: str) -> Iterable[_Item]:
        """Yield the items; count is their number, what is what is done with them."""


class _StoppedError(Exception):
    """The simulation has to end; the argument is why."""


@frozen_value
class Outcome:
    """The errors at the outputs by layer, NaN if a value is not finite, and notes.

    count is the number of layers to simulate, 0 if nothing can be simulated.
    """

    errors: Mapping[str, float] = MappingProxyType({})
    notes: Sequence[str] = ()
    count: int = 0

    @property
    def finite(self) -> Mapping[str, float]:
        """The errors that are finite."""
        return {name: error for name, error in self.errors.items() if isfinite(error)}

    @property
    def is_complete(self) -> bool:
        """Whether each layer has a finite error."""
        return 0 < self.count == len(self.finite)


def obstacle(program: Program, runner: Runner | None, unusable: Sequence[Item]) -> str | None:
    """Return why a program cannot be simulated; unusable are the layers whose weights cannot be used."""
    if runner is None:
        return "the edition has no simulation"
    if any(step.operation.unknown for step in program.steps):
        return "shapes are unknown"
    obstacles = ((step.name, runner.obstacle(step)) for step in program.steps)
    problems = [f'"{name}": {reason}' for name, reason in obstacles if reason]
    problems += [f'"{item.layers[0]}": {item.reason}' for item in unusable]
    if problems:
        more = f" and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
        return ", ".join(problems[:_MOST_PROBLEMS]) + more
    return None


def simulate(
    operations: Operations,
    config: Config,
    load: Load,
    runner: Runner,
    simulation: Simulation,
    bar: Bar,
    stop: Stop,
) -> Outcome:
    """Quantize one layer at a time, and then all of them; stop and the time limit end this early.

    Raises:
        ImagesError: the images cannot be read, or do not fit.
        ArgumentError: an argument does not fit the network.

    """
    program = program_of(operations)
    shapes = {blob: operations.inputs[blob] or () for blob in program.inputs}
    preprocessing = {blob: runner.preprocessing(operations, blob) for blob in shapes}
    inputs = inputs_of(simulation, shapes, preprocessing)
    if reason := input_obstacle(inputs):
        return without_simulation(reason)
    count = count_of(inputs)
    settings, notes = _layer_settings(program, config)
    if reason := _memory_obstacle(program, settings, count // inputs.batch):
        return without_simulation(reason, notes)
    long = _too_long(program, settings, count // inputs.batch)
    settings = {name: each for name, each in settings.items() if name not in long}
    notes += long.values()
    if not settings:
        return without_simulation("no layer can be simulated" if notes else "no layer is quantized", notes)
    executable = Executable(program, load, runner.run_step, _check(simulation.time_limit, stop))
    images = _by_run(program, input_images(inputs, count), count, inputs.batch)
    runs = _all_errors(executable, images, settings)
    found, stopped = _collected(bar(runs, len(settings) + 1, "simulation"))
    together = found.pop(None, None)
    errors = {name: error for name, error in found.items() if name is not None}
    quantizable = sum(step.operation.layer.quantizable for step in program.steps)
    notes += _on_result(errors, together, len(settings), quantizable, stopped)
    return Outcome(errors, [*notes, *_on_images(inputs, count, errors)], len(settings))


def without_simulation(reason: str, notes: Sequence[str] = ()) -> Outcome:
    """Return the outcome for a network that cannot be simulated, with the reason."""
    return Outcome(notes=[*notes, f"no simulation: {reason}"])


def _memory_obstacle(program: Program, settings: Settings, runs: int) -> str | None:
    needed, available = memory_needed(program, settings, runs), available_bytes()
    if available is None or needed <= available:
        return None
    reason = f"it needs about {needed / 1e9:.1f} GB of memory, and {available / 1e9:.1f} GB are available"
    return f"{reason}; use a smaller --count or --input"


def _by_run(program: Program, images: Mapping[str, Array], count: int, batch: int) -> list[Values]:
    return [
        {program.inputs[blob]: each[start : start + batch] for blob, each in images.items()}
        for start in range(0, count, batch)
    ]


def _all_errors(
    executable: Executable, images: Sequence[Values], settings: Settings
) -> Iterator[tuple[str | None, float]]:
    """Yield the error with each layer quantized, and, without a name, with all of them."""
    yield from layer_errors(executable, images, settings)
    yield None, network_error(executable, images, settings)


def _collected(
    runs: Iterable[tuple[str | None, float]],
) -> tuple[dict[str | None, float], str | None]:
    """Return the errors, and what ended the simulation early, if anything did."""
    found: dict[str | None, float] = {}
    try:
        found.update(runs)
    except _StoppedError as error:
        return found, str(error)
    return found, None


def _check(seconds: float | None, stop: Stop) -> Check:
    """Return a function that ends the simulation after some seconds, or when stop says so."""
    end = None if seconds is None else monotonic() + seconds

    def check() -> None:
        if stop():
            raise _StoppedError("an interrupt")
        if end is not None and monotonic() > end:
            raise _StoppedError("the time limit")

    return check


# --- notes


def _on_result(
    errors: Mapping[str, float], together: float | None, count: int, quantizable: int, stopped: str | None
) -> Iterator[str]:
    if stopped:
        ended = f"{stopped} ended the simulation after {len(errors)} of {counted(count, 'layer')}"
        yield f"{ended}: no layers to skip are advised"
    overflowing = [name for name, error in errors.items() if not isfinite(error)]
    if overflowing:
        yield f"activations overflow at {quoted(overflowing)}; shares are not available"
    elif together is not None:
        of = "" if count == quantizable else f"{count} of "
        layers = f"{of}{counted(quantizable, 'layer')}"
        yield f"with {layers} quantized, the SQNR of the output is {decibels(together):z.1f} dB"


def _on_images(inputs: Inputs, count: int, errors: Mapping[str, float]) -> Iterator[str]:
    if not errors:
        return
    if without_preprocessing(inputs):
        yield _STANDARDIZED
    yield f"simulated with {in_words(inputs, count)}; AMCT's own calibration decides"


# --- settings


def layer_settings(config: Config, name: str) -> dict[str, Any] | None:
    """Return the object of a layer in the configuration, None if it is not quantized."""
    body = config.get(name)
    return dict(body) if isinstance(body, Mapping) and body[QUANT_ENABLE] else None


def _layer_settings(program: Program, config: Config) -> tuple[Settings, list[str]]:
    """Return the settings of the layers to simulate, and notes on those that cannot be simulated."""
    found: dict[str, LayerSettings] = {}
    notes = []
    for step in program.steps:
        body = layer_settings(config, step.name) if step.operation.layer.quantizable else None
        if body is None:
            continue
        weights, activation = body.get(WEIGHT_PARAMS, {}), activation_of(body[ACTIVATION_PARAMS])
        if weights.get(WEIGHT_ALGORITHM) == NON_UNIFORM:
            notes.append(f'"{step.name}" is not simulated: NUQ is not public')
        else:
            found[step.name] = LayerSettings(activation, bool(weights.get(CHANNEL_WISE)))
    return found, notes


def _too_long(program: Program, settings: Settings, runs: int) -> Mapping[str, str]:
    """Return notes on the layers whose search for a range would take too long, by layer."""
    found, counts = {}, value_counts(program)
    for step in program.steps:
        activation = settings[step.name].activation if step.name in settings else None
        if not isinstance(activation, Ifmr):
            continue
        values = runs * counts[step.inputs[0]]
        if activation.candidates * max(values, RANGE_VALUES) > _MOST_SEARCHED:
            ranges = f"IFMR tries {activation.candidates:,} ranges of {counted(values, 'value')}"
            found[step.name] = f'"{step.name}" is not simulated: with its search_step, {ranges}'
    return found


def activation_of(parameters: Mapping[str, Any]) -> Ifmr | Hfmg:
    """Return the algorithm for the input of a layer, from its object in a configuration."""
    return hfmg_of(parameters) if parameters[ACTIVATION_ALGORITHM] == "hfmg" else ifmr_of(parameters)


def hfmg_of(parameters: Mapping[str, Any]) -> Hfmg:
    """Return HFMG with parameters of a configuration."""
    return Hfmg(parameters["num_of_bins"], parameters.get(ASYMMETRIC, True))


def ifmr_of(parameters: Mapping[str, Any]) -> Ifmr:
    """Return IFMR with parameters of a configuration."""
    start, end = parameters["search_range"]
    return Ifmr(
        parameters["max_percentile"],
        parameters["min_percentile"],
        (start, end),
        parameters["search_step"],
        parameters.get(ASYMMETRIC, True),
    )
