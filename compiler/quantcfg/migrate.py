"""Replace the deprecated fields of a quant.cfg with common_config and overrides (reference 4.5).

If the deprecated fields count, conv_calibration_config becomes common_config, and
fc_calibration_config an override of each type that it applies to; without it, these
overrides are empty, so that the types keep the defaults. If the fields are ignored,
they are removed. The result compiles to the same configuration for every network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from quantcfg.compile import compile_request, is_text_format, recognized
from quantcfg.contracts.layer_types import Feature
from quantcfg.diagnostics import Diagnostic, Edit, Report, catalogue, has_errors, related
from quantcfg.diagnostics.fixes import applied
from quantcfg.diagnostics.phrases import listed
from quantcfg.frozen import replace
from quantcfg.network import Edition, LayerTypes
from quantcfg.plan import Request, request_from_config
from quantcfg.plan.passes.deprecated import fc_types, superseding_field, without_deprecated
from quantcfg.source import Source
from quantcfg.textproto import parse, tree
from quantcfg.textproto.edits import addition, replacement
from quantcfg.textproto.printer import print_document
from quantcfg.textproto.trivia import comments

_NO_SOURCE = Source("", "")


class _Deprecated(NamedTuple):
    """The deprecated fields of a file; protobuf merges repetitions of a field."""

    document: tree.Document
    conv: Sequence[tree.Field]
    fc: Sequence[tree.Field]


def migrate_source(source: Source, edition: Edition, report: Report) -> str | None:
    """Return a quant.cfg without deprecated fields, or None after reporting errors.

    All comments are kept, and text that needs no change stays exactly as it is.
    """
    if not is_text_format(source, report, wanted="a quant.cfg"):
        return None
    found: list[Diagnostic] = []
    request = request_from_config(source, edition, found.append)
    # The mapping file need not be readable here.
    migrated = replace(without_deprecated(request, edition.layer_types), non_uniform=None)
    compile_request(migrated, None, edition, found.append)
    if not has_errors(found):
        found += _conflicts(request, edition.layer_types)
    for diagnostic in recognized(found, request, None, edition):
        if has_errors([diagnostic]):
            report(diagnostic)
    return None if has_errors(found) else applied(source, _edits(request, edition.layer_types))


def _conflicts(request: Request, types: LayerTypes) -> Iterator[Diagnostic]:
    """Yield an error if a request cannot be migrated.

    Overrides take precedence over the mapping file (reference U8), but deprecated
    fields do not.
    """
    given = request.conv or request.fc
    if given and request.non_uniform and not superseding_field(request):
        weight = request.non_uniform.weight.origin
        non_uniform = (each for each in fc_types(types) if not types.obstacle(Feature.NON_UNIFORM, each, {}))
        kept = listed([*non_uniform])
        yield catalogue.NOT_MIGRATED.at(
            given.span,
            field=given.level,
            reason=f"overrides would keep {kept} layers from non-uniform quantization",
            related=related(weight.span, "non-uniform quantization is requested here"),
            help="write common_config and override_layer_types, and override_layer_configs with "
            f"nuq_quantize for the {kept} layers that the mapping file selects",
        )


def _edits(request: Request, types: LayerTypes) -> Iterator[Edit]:
    fields = _deprecated(request)
    if fields is None:
        return
    if superseding_field(request):
        for field in (*fields.conv, *fields.fc):
            yield from replacement(fields.document, field, comments(fields.document, field))
        return
    for field in fields.conv:
        yield Edit(fields.document.span(field.name), "common_config")
    overrides = _overrides(fields, types)
    if not fields.fc:
        yield addition(fields.document, fields.conv[-1], overrides)
    for index, field in enumerate(fields.fc):
        yield from replacement(fields.document, field, () if index else overrides)


def _deprecated(request: Request) -> _Deprecated | None:
    """Return the deprecated fields of a request, None if it has none."""
    given = request.conv or request.fc
    place = given.origin.place if given else None
    if place is None:
        return None
    conv, fc = (
        [field for field in place.document.fields if field.name.text == name]
        for name in ("conv_calibration_config", "fc_calibration_config")
    )
    return _Deprecated(place.document, conv, fc)


def _overrides(fields: _Deprecated, types: LayerTypes) -> list[str]:
    """Return the lines of overrides that replace fc_calibration_config; the first has its comments."""
    text = fields.document.source.text
    calibrations = [text[field.name.end : field.value.end] for field in fields.fc] or [" {}"]
    lines: list[str] = []
    for layer_type in fc_types(types):
        given = "".join(f"\ncalibration_config{calibration}" for calibration in calibrations)
        override = Source("", f'override_layer_types {{ layer_type: "{layer_type}"{given} }}')
        document = parse(override, lambda _: None)
        printed = print_document(replace(document, source=_NO_SOURCE) if lines else document)
        lines += [line.removesuffix("\r") for line in printed.split("\n")[:-1]]
    return lines
