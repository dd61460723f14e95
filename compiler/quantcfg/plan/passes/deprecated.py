"""The deprecated pair conv_calibration_config and fc_calibration_config (reference 4.5)."""

from __future__ import annotations

from dataclasses import replace

from quantcfg.diagnostics import Report, catalogue
from quantcfg.network import LayerTypes
from quantcfg.plan.plan import Plan
from quantcfg.plan.request import Calibration, Override, Request
from quantcfg.plan.settings import Origin, OriginKind, Setting

_INSTEAD = {
    "conv_calibration_config": "write common_config instead, which reaches InnerProduct and Pooling as well",
    "fc_calibration_config": "write override_layer_types for InnerProduct and Pooling instead",
}


def resolve_deprecated(plan: Plan, report: Report) -> Plan:
    """Give the deprecated pair the place of common_config and of the type overrides."""
    request = plan.request
    other = rival(request)
    for calibration in (request.conv, request.fc):
        if calibration is None:
            continue
        name, instead = calibration.level, _INSTEAD[calibration.level]
        if other:
            help = f'{instead}, or remove the field, as "quantcfg migrate" does'
            report(catalogue.DEPRECATED_IGNORED.at(calibration.span, field=name, other=other, help=help))
        else:
            help = f'{instead}; "quantcfg migrate" does it'
            report(catalogue.DEPRECATED.at(calibration.span, field=name, help=help))
    return replace(plan, request=in_todays_fields(request, plan.network.edition.layer_types))


def in_todays_fields(request: Request, types: LayerTypes) -> Request:
    """Return a request in which the deprecated pair has the place of common_config and of the type overrides.

    It counts only if neither of those is there. The first of the pair then is
    the common_config, the second the override of all types that are not
    channel-wise; where only the first is given, these types have the defaults.
    """
    given = request.conv or request.fc
    if given is None or rival(request):
        return request
    fc = request.fc or Calibration("defaults", None, None, Origin(OriginKind.DEFAULT, ("defaults",)))
    overrides = tuple(
        Override(Setting(layer_type, Origin(OriginKind.LAYER_TYPE, (fc.level,))), fc)
        for layer_type in fc_types(types)
    )
    return replace(request, common=request.conv, type_overrides=overrides)


def fc_types(types: LayerTypes) -> tuple[str, ...]:
    """Return the types that fc_calibration_config is for: those that are not channel-wise."""
    return tuple(layer_type for layer_type in types.quantizable if not types.channel_wise(layer_type))


def rival(request: Request) -> str | None:
    """Return the field that the deprecated pair is ignored beside, or None where the pair counts."""
    if request.common:
        return "common_config"
    return "override_layer_types" if request.type_overrides else None
