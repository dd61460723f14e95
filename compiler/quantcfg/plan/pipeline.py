"""The lowering passes, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quantcfg.diagnostics import Report
from quantcfg.network import Network
from quantcfg.plan.passes.balancer import resolve_balancer
from quantcfg.plan.passes.checks import check_values
from quantcfg.plan.passes.defaults import fill_defaults
from quantcfg.plan.passes.deprecated import resolve_deprecated
from quantcfg.plan.passes.fusion import resolve_fusion, take_fusion
from quantcfg.plan.passes.names import resolve_names, resolve_remaining_names
from quantcfg.plan.passes.non_uniform import resolve_non_uniform
from quantcfg.plan.passes.overrides import resolve_overrides
from quantcfg.plan.passes.skips import resolve_skips
from quantcfg.plan.passes.tensors import resolve_tensors
from quantcfg.plan.plan import Pass, Plan, initial_plan
from quantcfg.plan.request import Request

PASSES: Mapping[str, Pass] = {
    "names": resolve_names,
    "deprecated": resolve_deprecated,
    "skips": resolve_skips,
    "overrides": resolve_overrides,
    "balancer": resolve_balancer,
    "tensors": resolve_tensors,
    "non-uniform": resolve_non_uniform,
    "fusion": resolve_fusion,
    "defaults": fill_defaults,
    "checks": check_values,
}
"""The passes for a request by name, in order."""

_CONFIGURATION_PASSES: Mapping[str, Pass] = {
    "names": resolve_remaining_names,
    "balancer": resolve_balancer,
    "tensors": resolve_tensors,
    "fusion": take_fusion,
    "defaults": fill_defaults,
    "checks": check_values,
}
"""The passes for a configuration, which already has the settings of each layer."""

After = Callable[[str, Plan], None]
"""Called after each pass with its name and the plan that it returned."""


def lower(
    network: Network, request: Request, report: Report, after: After = lambda _name, _plan: None
) -> Plan:
    """Return the plan for a request on a network."""
    return _run(PASSES, initial_plan(network, request), report, after)


def complete(plan: Plan, report: Report) -> Plan:
    """Return the plan of a configuration with the default of each value that it omits."""
    return _run(_CONFIGURATION_PASSES, plan, report, lambda _name, _plan: None)


def _run(passes: Mapping[str, Pass], plan: Plan, report: Report, after: After) -> Plan:
    for name, step in passes.items():
        plan = step(plan, report)
        after(name, plan)
    return plan
