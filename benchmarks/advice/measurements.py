"""What advice predicts, and what is measured on photographs that it never sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.advice.networks import IFMR, Network
from benchmarks.advice.photographs import Part, photographs
from benchmarks.advice.rankings import RANKINGS, Scores
from quantcfg.advice.calibration import Ifmr
from quantcfg.advice.simulation import Settings, layer_errors, network_error, network_errors
from quantcfg.advice.statistics import decibels, statistics_of

_DRAWS = 200
"""How many rankings are drawn at random."""

_DRAWS_TO_RUN = 50
"""How many of them are applied to the network, which takes longer."""

_LAYERS_PER_EXCLUSION = 10
"""One layer in as many is excluded, as in `quantcfg advise`."""

RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Ratios:
    """The SQNR of the outputs in dB: quantized weights, with one factor, quantized inputs, and both."""

    weights: float
    per_tensor: float
    inputs: float
    both: float


@dataclass(frozen=True, slots=True)
class Gain:
    """What channel_wise gains for a layer in dB: predicted from its weights, and measured at the outputs."""

    predicted: float
    measured: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What is measured for a network.

    correlations: Spearman's correlation of each ranking with the true errors.
    improvements: what the output gains in dB if the first tenth of each ranking is excluded.
    """

    name: str
    layers: int
    ratios: Ratios
    gains: Sequence[Gain]
    correlations: Mapping[str, float]
    improvements: Mapping[str, float]


def measure(network: Network) -> Findings:
    """Apply the method of the reference (4.3, 4.4) to a network."""
    rankings = {name: ranking(network) for name, ranking in RANKINGS.items()}
    draws = _draws([*network.settings])
    return Findings(
        network.name,
        len(network.settings),
        _ratios(network),
        _gains(network),
        _correlations(network, rankings, draws),
        _improvements(network, rankings, draws),
    )


def _draws(names: Sequence[str]) -> list[Scores]:
    random = np.random.default_rng(0)
    return [dict(zip(names, random.permutation(len(names)).tolist(), strict=True)) for _ in range(_DRAWS)]


def _ratios(network: Network) -> Ratios:
    images = network.values(photographs(Part.TRUTH, network.shape))

    def ratio(activation: Ifmr | None, *, channel_wise: bool | None) -> float:
        settings = network.with_settings(activation, channel_wise=channel_wise)
        return decibels(network_error(network.executable, images, settings))

    return Ratios(
        weights=ratio(None, channel_wise=True),
        per_tensor=ratio(None, channel_wise=False),
        inputs=ratio(IFMR, channel_wise=None),
        both=ratio(IFMR, channel_wise=True),
    )


def _gains(network: Network) -> list[Gain]:
    """Return the gains with only the weights of one layer quantized.

    Only layers with several channels that can have a factor each are of interest.
    """
    by_channel, single = (
        _true_errors(network, network.with_settings(None, channel_wise=mode)) for mode in (True, False)
    )
    return [
        Gain(_predicted(network, name), decibels(by_channel[name]) - decibels(single[name]))
        for name in network.by_channel
        if len(network.weight(name)) > 1
    ]


def _predicted(network: Network, name: str) -> float:
    statistics = statistics_of(network.weight(name))
    assert statistics
    assert statistics.gain_db is not None
    return statistics.gain_db


def _correlations(
    network: Network, rankings: Mapping[str, Scores], draws: Sequence[Scores]
) -> dict[str, float]:
    truth = _true_errors(network, network.settings)
    found = {name: spearman(_values(scores, truth), [*truth.values()]) for name, scores in rankings.items()}
    drawn = [spearman(_values(scores, truth), [*truth.values()]) for scores in draws]
    return {RANDOM: float(np.mean(drawn)), **found}


def _true_errors(network: Network, settings: Settings) -> Scores:
    images = network.values(photographs(Part.TRUTH, network.shape))
    return dict(layer_errors(network.executable, images, settings))


def _values(scores: Scores, names: Scores) -> list[float]:
    return [scores[name] for name in names]


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Spearman's rank correlation."""
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic)


def _improvements(
    network: Network, rankings: Mapping[str, Scores], draws: Sequence[Scores]
) -> dict[str, float]:
    """Return the gains in SQNR at the outputs, on photographs that no ranking and no correlation has seen."""
    found = {name: _first(scores) for name, scores in rankings.items()}
    drawn = list(map(_first, draws[:_DRAWS_TO_RUN]))
    distinct = list(dict.fromkeys((frozenset[str](), *found.values(), *drawn)))
    images = network.values(photographs(Part.DECISION, network.shape))
    errors = network_errors(network.executable, images, network.settings, distinct)
    ratios = dict(zip(distinct, map(decibels, errors), strict=True))
    whole = ratios[frozenset()]
    return {
        RANDOM: float(np.mean([ratios[each] for each in drawn])) - whole,
        **{name: ratios[each] - whole for name, each in found.items()},
    }


def _first(scores: Scores) -> frozenset[str]:
    """Return the tenth of the layers with the highest scores; of equal scores, the first."""
    count = max(1, len(scores) // _LAYERS_PER_EXCLUSION)
    return frozenset(sorted(scores, key=lambda name: -scores[name])[:count])
