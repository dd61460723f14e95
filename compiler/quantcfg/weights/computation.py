"""What the advice needs to know of an edition: how layers compute with their weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from quantcfg.diagnostics import Report
from quantcfg.files import PathLike
from quantcfg.frozen import frozen_value
from quantcfg.network import Network
from quantcfg.network.operations import Operations
from quantcfg.weights.arrays import Array, WeightsFile
from quantcfg.weights.program import LayerWeights, Step

RunStep = Callable[[Step, LayerWeights, Sequence[Array]], Sequence[Array]]
"""Returns the outputs of a step from its weights and inputs."""

Statements = Callable[[WeightsFile, Step], Iterable[tuple[str, str]]]
"""Yields layers of a step, and what is to be said about each."""


@frozen_value
class Runner:
    """How to run the layers of an edition.

    obstacle returns why a step cannot be run, None if it can. preprocessing returns the
    mean and scale that the model has for an input: () and 1 if it has none.
    """

    obstacle: Callable[[Step], str | None]
    run_step: RunStep
    preprocessing: Callable[[Operations, str], tuple[Sequence[float], float]]


@frozen_value
class Computation:
    """How the layers of an edition compute with their weights.

    read maps the weights of a network, which are in the given file, or in the model if
    there is none; it returns None after reporting why they cannot be read. folded returns
    the weights of a step with the layers that are folded into it. problems says why
    weights cannot be used, and facts what else they show for certain. An edition without
    a runner cannot be simulated.
    """

    read: Callable[[Network, PathLike | None, Report], WeightsFile | None]
    folded: Callable[[WeightsFile, Step], LayerWeights]
    problems: Statements
    facts: Statements
    runner: Runner | None = None
