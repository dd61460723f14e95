"""The deprecated pair conv_calibration_config and fc_calibration_config (reference 4.5)."""

from __future__ import annotations

from dataclasses import replace

from quantcfg.caffe import capabilities
from quantcfg.diagnostics import Report, catalogue
from quantcfg.plan.plan import Plan
from quantcfg.plan.request import Calibration, Override, Request
from quantcfg.plan.settings import Origin, OriginKind, Setting

_INSTEAD = {
    "conv_calibration_config": "write common_config instead, which reaches InnerProduct and Pooling as well",
    "fc_calibration_config": "write override_layer_types for InnerProduct and Pooling instead",
}


def resolve_deprecated(plan: Plan, report: Report) -> Plan:
    """Give the deprecated pair the place of common_config and of the type overrides.

    It counts only if neither of those is there. The first of the pair then is
    the common_config, the second the override of all types that are not
    channel-wise; where only the first is given, these types have the defaults.
    """
    request = plan.request
    given = [calibration for calibration in (request.conv, request.fc) if calibration]
    rival = _rival(request)
    for calibration in given:
        name, help = calibration.level, _INSTEAD[calibration.level]
        if rival:
            report(catalogue.DEPRECATED_IGNORED.at(calibration.span, field=name, other=rival, help=help))
        else:
            report(catalogue.DEPRECATED.at(calibration.span, field=name, help=help))
    if rival or not given:
        return plan
    fc = request.fc or Calibration("defaults", None, None, Origin(OriginKind.DEFAULT, "defaults"))
    overrides = tuple(
        Override(Setting(layer_type, Origin(OriginKind.LAYER_TYPE, fc.level)), fc)
        for layer_type in capabilities.quantizable_types()
        if not capabilities.channel_wise(layer_type)
    )
    return replace(plan, request=replace(request, common=request.conv, type_overrides=overrides))


def _rival(request: Request) -> str | None:
    if request.common:
        return "common_config"
    return "override_layer_types" if request.type_overrides else None
