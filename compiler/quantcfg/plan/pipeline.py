"""The passes, in order."""

from __future__ import annotations

from collections.abc import Callable

from quantcfg.diagnostics import Report
from quantcfg.network import Network
from quantcfg.plan.passes.checks import check_values
from quantcfg.plan.passes.defaults import fill_defaults
from quantcfg.plan.passes.deprecated import resolve_deprecated
from quantcfg.plan.passes.fusion import resolve_fusion, take_fusion
from quantcfg.plan.passes.names import resolve_fusion_names, resolve_names
from quantcfg.plan.passes.non_uniform import resolve_non_uniform
from quantcfg.plan.passes.overrides import resolve_overrides
from quantcfg.plan.passes.skips import resolve_skips
from quantcfg.plan.plan import Pass, Plan, initial_plan
from quantcfg.plan.request import Request

PASSES: tuple[Pass, ...] = (
    resolve_names,
    resolve_deprecated,
    resolve_skips,
    resolve_overrides,
    resolve_non_uniform,
    resolve_fusion,
    fill_defaults,
    check_values,
)

_OF_CONFIGURATIONS: tuple[Pass, ...] = (resolve_fusion_names, take_fusion, fill_defaults, check_values)
"""The passes for a configuration, which has the settings of each layer already."""


def lower(
    network: Network,
    request: Request,
    report: Report,
    after: Callable[[Pass, Plan], None] = lambda _pass, _plan: None,
) -> Plan:
    """Return the plan for a request on a network; after is called with each pass and the plan it made."""
    plan = initial_plan(network, request)
    for step in PASSES:
        plan = step(plan, report)
        after(step, plan)
    return plan


def complete(plan: Plan, report: Report) -> Plan:
    """Return the plan of a configuration with the values that it leaves out."""
    for step in _OF_CONFIGURATIONS:
        plan = step(plan, report)
    return plan
