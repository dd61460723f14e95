"""Run the steps of a network, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from quantcfg.weights.arrays import Array
from quantcfg.weights.computation import RunStep
from quantcfg.weights.program import Load, Program

Values = dict[int, Array]
"""Arrays by the numbers of their values."""


def run(program: Program, load: Load, run_step: RunStep, inputs: Values) -> Iterator[Values]:
    """Run all steps; yield the values that later steps read before each step, and at last the outputs.

    It is the same dictionary each time.
    """
    values = dict(inputs)
    for index, step in enumerate(program.steps):
        yield values
        arrays = [values[value] for value in step.inputs]
        values.update(zip(step.outputs, run_step(step, load(step), arrays), strict=True))
        release(program, index, values)
    yield values


def release(program: Program, index: int, values: Values) -> None:
    """Remove the values that no step after this one reads."""
    step = program.steps[index]
    for value in {*step.inputs, *step.outputs}:
        if program.last_uses.get(value, -1) <= index:
            values.pop(value, None)
