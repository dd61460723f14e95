"""Advise on the settings of a network: from its weights, and from a simulation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import numpy as np

from quantcfg.advice.facts import weight_facts
from quantcfg.advice.inputs import Simulation
from quantcfg.advice.outcome import Bar, Outcome, Stop, layer_settings, obstacle, simulate, without_simulation
from quantcfg.advice.report import Advice, Item, Kind, LayerReport, Simulated
from quantcfg.advice.rules import as_convolutions, channel_wise, exclusions, first_to_look_at, offsets
from quantcfg.advice.statistics import decibels
from quantcfg.contracts.config_schema import QUANT_ENABLE, folds
from quantcfg.diagnostics.phrases import quoted
from quantcfg.frozen import replace
from quantcfg.network import Network
from quantcfg.network.cost_table import unknown_shapes
from quantcfg.network.costs import costs_of, totals_of
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operations
from quantcfg.weights.arrays import WeightsFile
from quantcfg.weights.program import Program, Step, program_of

Config = Mapping[str, Any]
_Item = TypeVar("_Item")


def no_bar(items: Iterable[_Item], count: int, what: str) -> Iterable[_Item]:  # noqa: ARG001
    """Return the items and show nothing."""
    return items


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Values that overflow are reported, and not as warnings of numpy."""
    # As a decorator, it makes a new errstate for each call. With numpy 1, threads would share one.
    with np.errstate(all="ignore"):
        yield


@_without_warnings()
def advise_on(
    network: Network,
    config: Config,
    file: WeightsFile,
    operations: Operations,
    given: Mapping[str, Shape],
    *,
    simulation: Simulation | None = None,
    model: str = "",
    bar: Bar = no_bar,
    stop: Stop = lambda: False,
) -> Advice:
    """Return what is advised for a network and its configuration.

    given are the shapes that the model does not give, with which the operations were read.
    A simulation ends when stop returns True; what is known then is kept.

    Raises:
        ImagesError: the images of the simulation cannot be read, or do not fit.
        ArgumentError: an argument of the simulation does not fit the network.

    """
    folded = _without_fusion(operations, config)
    program = program_of(folded)
    computation = network.edition.computation()
    problems = [each for step in program.steps for each in computation.problems(file, step)]
    steps = _sound(program, {name for name, _ in problems})
    load = partial(computation.folded, file)
    configs = {
        each.layer.name: found
        for each in folded.all
        if (found := layer_settings(config, each.layer.name)) is not None
    }
    facts = weight_facts(bar(steps, len(steps), "weights"), load, configs)
    wrong = [_fact(*each) for each in problems]
    # Arrays that a model contains have names of their own, not those of layers.
    stored = file.arrays if network.edition.read_arrays else None
    costs = costs_of(network, folded, stored)
    reason = obstacle(program, computation.runner, [*wrong, *facts.not_finite])
    notes = [
        *unknown_shapes(folded.all),
        *(["weights do not fit; check the given input shapes, too"] if given and problems else []),
        *_unquantizable(facts.not_finite, configs),
    ]
    outcome, can_simulate = Outcome(), simulation is None and reason is None
    if simulation and reason:
        outcome = without_simulation(reason)
    elif simulation:
        assert computation.runner
        single = _for_one_image(network, operations, given)
        outcome = simulate(
            _without_fusion(single, config), config, load, computation.runner, simulation, bar, stop
        )
    errors = _simulated(outcome)
    layers = [
        LayerReport(each, cost, configs.get(name), facts.statistics.get(name), errors.get(name))
        for each, cost in zip(folded.all, costs, strict=True)
        for name in (each.layer.name,)
    ]
    excluded = exclusions(layers, outcome.errors) if outcome.is_complete else ()
    skipped = [*facts.not_finite, *facts.others, *excluded]
    rest = _not_skipped(layers, skipped)
    items = [
        *wrong,
        *skipped,
        *channel_wise(rest, network.edition),
        *offsets(rest, network.edition),
        *(_fact(*each) for step in steps for each in computation.facts(file, step)),
        *as_convolutions(rest, network.edition),
        *(() if outcome.is_complete else first_to_look_at(rest, can_simulate=can_simulate)),
    ]
    simulated = (len(outcome.errors), outcome.count) if outcome.count else None
    return Advice(model, totals_of(network.layers, costs), layers, items, [*notes, *outcome.notes], simulated)


def _fact(name: str, reason: str) -> Item:
    return Item((name,), Kind.EXACT, reason)


def _for_one_image(network: Network, operations: Operations, given: Mapping[str, Shape]) -> Operations:
    """Return the operations for a batch of one, or unchanged if that changes weights or other sizes."""
    batches = {name: shape for name, shape in operations.inputs.items() if shape}
    single = {name: (1, *shape[1:]) for name, shape in batches.items()}
    if single == batches:
        return operations
    found = network.edition.read_operations(network, {**given, **single})
    return found if _differ_in_batch_only(operations, found) else operations


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


def _without_fusion(operations: Operations, config: Config) -> Operations:
    """Return the operations without the fusion groups that the configuration does not fold."""
    is_folded = folds(config)
    found = [
        each if is_folded(each.layer.fusion) else replace(each, layer=each.layer.fused(()))
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


def _simulated(outcome: Outcome) -> Mapping[str, Simulated]:
    """Return the outputs with one layer quantized, by layer; shares need all layers."""
    finite = outcome.finite
    whole = sum(finite.values())

    def share(name: str) -> float | None:
        return finite[name] / whole if outcome.is_complete and whole else None

    return {
        name: Simulated(decibels(error), share(name)) if name in finite else Simulated(None, None)
        for name, error in outcome.errors.items()
    }
