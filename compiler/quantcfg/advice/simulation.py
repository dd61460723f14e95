"""The error at the outputs of a network when one layer is quantized (reference, weights.md 4.0)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np

from quantcfg.advice.arq import factors, quantized
from quantcfg.advice.calibration import Hfmg, Ifmr, Quantizer, fit
from quantcfg.advice.running import Executable, Values
from quantcfg.advice.statistics import energy, error_energy, is_finite
from quantcfg.frozen import frozen_value, replace
from quantcfg.weights.arrays import Array
from quantcfg.weights.program import LayerWeights, Program, Step

_FLOAT_BYTES = 4
_WORK_BYTES = 2**25
"""What the steps themselves need, about."""


@frozen_value
class LayerSettings:
    """How a layer is quantized; None leaves the weights or the input in floating point."""

    activation: Ifmr | Hfmg | None
    channel_wise: bool | None


Settings = Mapping[str, LayerSettings]
"""The settings of the layers to quantize, by name."""


def memory_needed(program: Program, settings: Settings, runs: int) -> int:
    """Return about how many bytes a simulation of this many runs needs for activations."""
    sizes = value_counts(program)
    kept = sum(sizes[value] for value in _kept(program))
    live: set[int] = set(program.inputs.values())
    most = 0
    for index, step in enumerate(program.steps):
        live |= set(step.outputs)
        now = sum(sizes[value] for value in live)
        quantized_inputs = sizes[step.inputs[0]] if step.name in settings else 0
        # All runs have their values and quantized inputs; the rest of the network is run for one of them.
        most = max(most, runs * (now + quantized_inputs) + 2 * now)
        live = {value for value in live if program.last_uses.get(value, -1) > index}
    return _WORK_BYTES + _FLOAT_BYTES * (runs * kept + most)


def value_counts(program: Program) -> Mapping[int, int]:
    """Return the number of values of each array in one run."""
    sizes: dict[int, int] = {}
    for step in program.steps:
        for numbers, shapes in ((step.inputs, step.operation.inputs), (step.outputs, step.operation.outputs)):
            for value, shape in zip(numbers, shapes, strict=True):
                sizes.setdefault(value, prod(shape or ()))
    return sizes


def _kept(program: Program) -> frozenset[int]:
    """Return the values that running a part of the network needs besides its input, and the outputs."""
    joined = (value for step in program.steps if len(step.inputs) > 1 for value in step.inputs)
    return frozenset((*joined, *program.outputs))


def layer_errors(
    executable: Executable, images: Sequence[Values], settings: Settings
) -> Iterator[tuple[str, float]]:
    """Yield the name of each layer with settings, and the error at the outputs with only it quantized.

    The error is the mean of the outputs' normalized mean squared errors over all images.
    It is NaN if a value is not finite. images are the values of the inputs, for one run
    each. The program must have no unsupported layers and no weight_problems.
    """
    kept = [_kept_values(executable, image) for image in images]
    fitted: dict[tuple[int, Ifmr | Hfmg], Quantizer] = {}
    for index, step, inputs in _inputs(executable, images, settings):
        of_layer, weights = settings[step.name], executable.load(step)
        if not all(map(is_finite, inputs)):
            yield step.name, float("nan")
            continue
        if of_layer.channel_wise is not None:
            weights = with_quantized_weight(weights, channel_wise=of_layer.channel_wise)
        if of_layer.activation is not None:
            key = (step.inputs[0], of_layer.activation)
            if key not in fitted:
                fitted[key] = fit(of_layer.activation, inputs, executable.check)
            inputs = list(map(fitted[key], inputs))
        outputs = [
            _outputs_after(executable, index, executable.outputs(step, weights, [values]), exact)
            for values, exact in zip(inputs, kept, strict=True)
        ]
        yield step.name, _error(executable.program, kept, outputs)


def network_error(executable: Executable, images: Sequence[Values], settings: Settings) -> float:
    """Return the error at the outputs with all layers quantized that have settings."""
    return next(network_errors(executable, images, settings, [()]))


def network_errors(
    executable: Executable,
    images: Sequence[Values],
    settings: Settings,
    exclusions: Iterable[Collection[str]],
) -> Iterator[float]:
    """Yield network_error without some of the layers, for each collection of their names."""
    kept = [_kept_values(executable, image) for image in images]
    fitted = _fitted(executable, images, settings)
    for excluded in exclusions:
        if fitted is None:
            yield float("nan")
            continue
        used = {name: each for name, each in settings.items() if name not in excluded}
        quantized_network = _quantized_network(executable, used, fitted)
        outputs = [list(quantized_network.run(image))[-1] for image in images]
        yield _error(executable.program, kept, outputs)


def _fitted(
    executable: Executable, images: Sequence[Values], settings: Settings
) -> Mapping[str, Quantizer] | None:
    """Return the quantizers of the inputs, by layer; None if an input is not finite."""
    fitted: dict[str, Quantizer] = {}
    for _, step, inputs in _inputs(executable, images, settings):
        activation = settings[step.name].activation
        if activation is not None:
            if not all(map(is_finite, inputs)):
                return None
            fitted[step.name] = fit(activation, inputs, executable.check)
    return fitted


def _inputs(
    executable: Executable, images: Sequence[Values], settings: Settings
) -> Iterator[tuple[int, Step, list[Array]]]:
    """Run the network, and yield each step with settings, its index, and its input in each run."""
    runs = zip(*map(executable.run, images), strict=True)
    for index, (step, of_images) in enumerate(zip(executable.program.steps, runs, strict=False)):
        if step.name in settings:
            yield index, step, [values[step.inputs[0]] for values in of_images]


def with_quantized_weight(weights: LayerWeights, *, channel_wise: bool) -> LayerWeights:
    """Return the weights of a layer after ARQ."""
    if weights.weight is None:
        return weights
    weight = quantized(weights.weight, factors(weights.weight, channel_wise=channel_wise))
    return LayerWeights(weight, weights.bias, weights.padding, weights.others)


def _kept_values(executable: Executable, image: Values) -> Values:
    kept, found = _kept(executable.program), {}
    for values in executable.run(image):
        found.update({value: values[value] for value in kept & values.keys()})
    return found


def _outputs_after(executable: Executable, index: int, outputs: Values, exact: Values) -> Values:
    """Return the outputs of the network that change if a step has these outputs."""
    steps, changed = executable.program.steps, dict(outputs)
    for later in range(index + 1, len(steps)):
        inputs = steps[later].inputs
        if not changed.keys().isdisjoint(inputs):
            arrays = [changed[value] if value in changed else exact[value] for value in inputs]
            executable.run_step_at(later, arrays, changed)
    return changed


def _quantized_network(
    executable: Executable, settings: Settings, fitted: Mapping[str, Quantizer]
) -> Executable:
    """Return the network with the layers quantized that have settings."""

    def run_step(step: Step, weights: LayerWeights, inputs: Sequence[Array]) -> Sequence[Array]:
        channel_wise = settings[step.name].channel_wise if step.name in settings else None
        if channel_wise is not None:
            weights = with_quantized_weight(weights, channel_wise=channel_wise)
        if step.name in settings and step.name in fitted:
            inputs = [fitted[step.name](inputs[0])]
        return executable.run_step(step, weights, inputs)

    return replace(executable, run_step=run_step)


def _error(program: Program, exact: Sequence[Values], found: Sequence[Values]) -> float:
    """Return the mean of the outputs' normalized errors, over all images; an output that is 0 has none."""
    with np.errstate(invalid="ignore"):
        ratios = list(_ratios(program, exact, found))
    return float(np.mean(ratios)) if ratios else 0.0


def _ratios(program: Program, exact: Sequence[Values], found: Sequence[Values]) -> Iterator[float]:
    for value in program.outputs:
        signal = sum(energy(values[value]) for values in exact)
        error = sum(
            error_energy(values[value], new[value])
            for values, new in zip(exact, found, strict=True)
            if value in new
        )
        if signal:
            yield error / signal


def available_bytes() -> int | None:
    """Return how much memory is available, None if the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
