"""Run the steps of a network, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quantcfg.advice.calibration import Check, no_check
from quantcfg.frozen import frozen_value
from quantcfg.weights.arrays import Array
from quantcfg.weights.computation import RunStep
from quantcfg.weights.program import LayerWeights, Load, Program, Step

Values = dict[int, Array]
"""Arrays by the numbers of their values."""


@frozen_value
class Executable:
    """A network that can be run: its steps, their weights, and a function that runs a step.

    check is called before each step, and again and again during work that takes long; it
    raises an exception to end the run.
    """

    program: Program
    load: Load
    run_step: RunStep
    check: Check = no_check

    def run(self, inputs: Values) -> Iterator[Values]:
        """Run all steps; yield the values that later steps read before each step, and at last the outputs.

        It is the same dictionary each time.
        """
        values = dict(inputs)
        for index, step in enumerate(self.program.steps):
            yield values
            self.run_step_at(index, [values[value] for value in step.inputs], values)
        yield values

    def run_step_at(self, index: int, inputs: Sequence[Array], values: Values) -> None:
        """Run a step, add its outputs to the values, and remove those that no later step reads."""
        step, last_uses = self.program.steps[index], self.program.last_uses
        values.update(self.outputs(step, self.load(step), inputs))
        for value in {*step.inputs, *step.outputs}:
            if last_uses.get(value, -1) <= index:
                values.pop(value, None)

    def outputs(self, step: Step, weights: LayerWeights, inputs: Sequence[Array]) -> Values:
        """Run a step with these weights, and return its outputs."""
        self.check()
        return dict(zip(step.outputs, self.run_step(step, weights, inputs), strict=True))
