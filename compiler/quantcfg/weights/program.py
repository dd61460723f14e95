"""A network as a list of steps: each value is written once, and fusion groups are folded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from quantcfg.frozen import Caching, frozen_value, small_value
from quantcfg.network.operations import Compared, Operation, Operations
from quantcfg.weights.arrays import Array


@small_value
class Step:
    """An operation, the numbers of its input and output values, and the layers folded into it.

    before and after are the other layers of its fusion group, in order; either may be empty.
    """

    operation: Operation
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    before: tuple[Operation, ...] = ()
    after: tuple[Operation, ...] = ()

    @property
    def name(self) -> str:
        """The name of the layer."""
        return self.operation.layer.name


@frozen_value
class Program(Caching):
    """The steps that the outputs depend on, in order.

    inputs: the numbers of the values from outside, by blob. outputs: the values that
    are compared, if they depend on a quantizable layer.
    """

    steps: tuple[Step, ...]
    inputs: Mapping[str, int]
    outputs: tuple[int, ...]

    @cached_property
    def last_uses(self) -> Mapping[int, int]:
        """The index of the last step that reads a value; outputs are used after all steps."""
        uses = {value: index for index, step in enumerate(self.steps) for value in step.inputs}
        return uses | dict.fromkeys(self.outputs, len(self.steps))


def program_of(operations: Operations) -> Program:
    """Return the program of a network, with its fusion groups folded."""
    steps, inputs = _steps(operations)
    steps = _folded(steps)
    outputs = _outputs(steps)
    needed = _needed(steps, outputs)
    used = {value for step in needed for value in step.inputs} | set(outputs)
    return Program(
        tuple(needed), {blob: value for blob, value in inputs.items() if value in used}, tuple(outputs)
    )


def _steps(operations: Operations) -> tuple[list[Step], dict[str, int]]:
    """Return all steps, and the values from outside; a layer that works in place writes a new value."""
    current: dict[str, int] = {}
    for blob in operations.inputs:
        current.setdefault(blob, len(current))
    inputs, count, steps = dict(current), len(current), []
    for operation in operations.all:
        layer = operation.layer
        if not layer.bottoms and not operation.is_constant:
            continue
        reading = tuple(current.setdefault(blob, -1) for blob in layer.bottoms)
        writing = tuple(range(count, count + len(layer.tops)))
        count += len(writing)
        current.update(zip(layer.tops, writing, strict=True))
        steps.append(Step(operation, reading, writing))
    return steps, inputs


def _folded(steps: Sequence[Step]) -> list[Step]:
    """Return the steps without the layers that are folded into others."""
    inner = [step for step in steps if step.operation.layer.fusion and not step.operation.layer.quantizable]
    readers = {value: step for step in inner for value in step.inputs}
    writers = {value: step for step in inner for value in step.outputs}
    return [
        _merged(
            step,
            _chain(step, lambda each: writers.get(each.inputs[0]))[::-1],
            _chain(step, lambda each: readers.get(each.outputs[0])),
        )
        if step.operation.layer.fusion
        else step
        for step in steps
        if not step.operation.layer.fusion or step.operation.layer.quantizable
    ]


def _chain(step: Step, neighbour: Callable[[Step], Step | None]) -> list[Step]:
    """Return the steps of the same fusion group on one side of a step, the nearest first."""
    group, found = step.operation.layer.fusion, list[Step]()
    following = neighbour(step)
    while following and following.operation.layer.fusion == group:
        found.append(following)
        following = neighbour(following)
    return found


def _merged(step: Step, before: Sequence[Step], after: Sequence[Step]) -> Step:
    return Step(
        step.operation,
        before[0].inputs if before else step.inputs,
        after[-1].outputs if after else step.outputs,
        tuple(each.operation for each in before),
        tuple(each.operation for each in after),
    )


def _outputs(steps: Sequence[Step]) -> list[int]:
    producer = {value: step for step in steps for value in step.outputs}
    read = {value for step in steps for value in step.inputs}
    quantized = _dependent(steps)
    found: dict[int, None] = {}
    waiting = deque(value for step in steps for value in step.outputs if value not in read)
    waiting += [value for step in steps if not step.outputs for value in step.inputs]
    seen = set()
    while waiting:
        value = waiting.popleft()
        if value in seen:
            continue
        seen.add(value)
        step = producer.get(value)
        what = step.operation.compared if step else Compared.OUTPUTS
        if step and what is not Compared.OUTPUTS:
            waiting += step.inputs[:1] if what is Compared.FIRST_INPUT else step.inputs
        elif value in quantized:
            found[value] = None
    return list(found)


def _dependent(steps: Sequence[Step]) -> set[int]:
    """Return the values that depend on a quantizable layer."""
    found: set[int] = set()
    for step in steps:
        depends = not found.isdisjoint(step.inputs) and not step.operation.reads_shapes
        if step.operation.layer.quantizable or depends:
            found.update(step.outputs)
    return found


def _needed(steps: Sequence[Step], outputs: Iterable[int]) -> list[Step]:
    needed, found = set(outputs), []
    for step in reversed(steps):
        if not needed.isdisjoint(step.outputs):
            needed.update(step.inputs)
            found.append(step)
    return found[::-1]


# --- weights


@frozen_value
class LayerWeights:
    """The weights of a step, after folding.

    weight has its output channels first, None for layers without weights that are
    quantized; others are their weights. padding has the value of each channel that a
    convolution pads its input with, None for 0. is_rounded is whether values were stored
    with more than 32 bits.
    """

    weight: Array | None = None
    bias: Array | None = None
    padding: Array | None = None
    others: tuple[Array, ...] = ()
    is_rounded: bool = False


Load = Callable[[Step], LayerWeights]
"""Returns the weights of a step; each call reads them from the file."""
