"""Resolve the deprecated fields conv_calibration_config and fc_calibration_config (reference 4.5)."""

from __future__ import annotations

from quantcfg.diagnostics import Report, catalogue
from quantcfg.diagnostics.phrases import listed
from quantcfg.frozen import replace
from quantcfg.network import LayerTypes
from quantcfg.plan.plan import Plan
from quantcfg.plan.request import Calibration, Override, Request
from quantcfg.plan.settings import Origin, OriginKind, Setting

_INSTEAD = {
    "conv_calibration_config": "use common_config, which also applies to {types}",
    "fc_calibration_config": "use override_layer_types for {types}",
}
"""What to write instead of a deprecated field; types are those of fc_calibration_config."""


def resolve_deprecated(plan: Plan, report: Report) -> Plan:
    """Report the deprecated fields, and turn them into common_config and type overrides."""
    request = plan.request
    other = superseding_field(request)
    for calibration in (request.conv, request.fc):
        if calibration is None:
            continue
        name = calibration.level
        if other:
            help = 'remove it, or run "quantcfg migrate"'
            report(catalogue.DEPRECATED_IGNORED.at(calibration.span, field=name, other=other, help=help))
        else:
            types = listed(fc_types(plan.network.edition.layer_types))
            help = f'{_INSTEAD[name].format(types=types)}, or run "quantcfg migrate"'
            report(catalogue.DEPRECATED.at(calibration.span, field=name, help=help))
    return replace(plan, request=without_deprecated(request, plan.network.edition.layer_types))


def without_deprecated(request: Request, types: LayerTypes) -> Request:
    """Return the same request with common_config and type overrides instead of the deprecated fields.

    These count only if neither common_config nor a type override is set.
    conv_calibration_config becomes common_config, and fc_calibration_config the
    override of each type that is not channel-wise. Without the latter, these
    types keep the defaults.
    """
    given = request.conv or request.fc
    if given is None or superseding_field(request):
        return request
    fc = request.fc or Calibration("defaults", None, None, Origin(OriginKind.DEFAULT, ("defaults",)))
    overrides = tuple(
        Override(Setting(layer_type, Origin(OriginKind.LAYER_TYPE, (fc.level,))), fc)
        for layer_type in fc_types(types)
    )
    return replace(request, common=request.conv, type_overrides=overrides)


def fc_types(types: LayerTypes) -> tuple[str, ...]:
    """Return the types that fc_calibration_config applies to: those that are not channel-wise."""
    return tuple(layer_type for layer_type in types.quantizable if not types.channel_wise(layer_type))


def superseding_field(request: Request) -> str | None:
    """Return the field because of which the deprecated fields are ignored, or None if they count."""
    if request.common:
        return "common_config"
    return "override_layer_types" if request.type_overrides else None
