"""Rankings of the layers of a network: those with a high score are expected to lose most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.advice.networks import Network
from benchmarks.advice.photographs import Part, photographs
from quantcfg.advice.calibration import fit
from quantcfg.advice.images import dead_leaves
from quantcfg.advice.running import Values
from quantcfg.advice.simulation import layer_errors, with_quantized_weight
from quantcfg.advice.statistics import statistics_of
from quantcfg.weights.arrays import Array
from quantcfg.weights.program import Step

Scores = Mapping[str, float]
"""The score of each layer, by name."""

_GENERATED, _SEED = 2, 0
"""How many images `quantcfg advise` generates, and from which seed."""


def position(network: Network) -> Scores:
    """Expect the first layers to lose most."""
    return {name: -index for index, name in enumerate(network.settings)}


def few_parameters(network: Network) -> Scores:
    """Expect small layers to lose most, as AMCT's documentation says."""
    return {name: -network.weight(name).size for name in network.settings}


def weights_ratio(network: Network) -> Scores:
    """Expect layers to lose most whose weights have the largest quantization error."""
    return {name: -_ratio(network, name) for name in network.settings}


def _ratio(network: Network, name: str) -> float:
    statistics = statistics_of(network.weight(name))
    assert statistics
    found = statistics.channel_wise_db if name in network.by_channel else statistics.per_tensor_db
    assert found is not None
    return found


def kurtosis(network: Network) -> Scores:
    """Expect layers to lose most whose weights have large outliers."""
    return {name: _kurtosis(network.weight(name)) for name in network.settings}


def _kurtosis(weight: Array) -> float:
    centered = weight.astype(np.float64) - weight.mean(dtype=np.float64)
    variance = np.square(centered).mean()
    # Equal values have none.
    return float(np.power(centered, 4).mean() / variance**2 - 3) if variance else 0.0


def cosine(network: Network) -> Scores:
    """Expect layers to lose most whose own output changes most: AMCT's metric, on photographs."""
    images = network.values(photographs(Part.CALIBRATION, network.shape))
    runs = zip(*(network.executable.run(image) for image in images), strict=True)
    return {
        step.name: -_similarity(network, step, of_images)
        for step, of_images in zip(network.executable.program.steps, runs, strict=False)
        if step.name in network.settings
    }


def _similarity(network: Network, step: Step, images: Sequence[Values]) -> float:
    """Return the cosine of the output of a layer with that of the layer quantized, mean over the images."""
    settings, run_step = network.settings[step.name], network.executable.run_step
    weights = network.executable.load(step)
    assert settings.activation
    new_weights = with_quantized_weight(weights, channel_wise=bool(settings.channel_wise))
    inputs = [values[step.inputs[0]] for values in images]
    quantizer = fit(settings.activation, inputs)
    pairs = [
        (run_step(step, weights, [each])[0], run_step(step, new_weights, [quantizer(each)])[0])
        for each in inputs
    ]
    return float(np.mean([_cosine(*pair) for pair in pairs]))


def _cosine(one: Array, other: Array) -> float:
    first, second = (each.reshape(-1).astype(np.float64) for each in (one, other))
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def simulation(network: Network) -> Scores:
    """Expect layers to lose most that do so with generated images."""
    return _simulated(network, dead_leaves(network.shape, _GENERATED, _SEED))


def simulation_on_photographs(network: Network) -> Scores:
    """Expect layers to lose most that do so with other photographs."""
    return _simulated(network, photographs(Part.CALIBRATION, network.shape))


def _simulated(network: Network, images: Array) -> Scores:
    found = layer_errors(network.executable, network.values(images), network.settings)
    return dict(found)


RANKINGS: Mapping[str, Callable[[Network], Scores]] = {
    "SQNR of the weights": weights_ratio,
    "kurtosis": kurtosis,
    "few parameters": few_parameters,
    "position": position,
    "AMCT's metric": cosine,
    "simulation": simulation,
    "simulation, photographs": simulation_on_photographs,
}
