"""A quant.cfg with the deprecated pair of fields, said in today's fields (reference 4.5).

Where the pair counts, conv_calibration_config becomes common_config, and the
types that fc_calibration_config is for get an override each: with what it says,
or with nothing, so that they keep the defaults. Where the pair is ignored, it
goes. On every network, the result compiles to what the text compiled to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from quantcfg.compile import compile_request, is_text_format
from quantcfg.diagnostics import Diagnostic, Edit, Report, catalogue, has_errors, related
from quantcfg.diagnostics.fixes import applied
from quantcfg.network import Edition, LayerTypes
from quantcfg.plan import Request, request_from_config
from quantcfg.plan.passes.deprecated import fc_types, in_todays_fields, rival
from quantcfg.source import Source
from quantcfg.textproto import parse, tree
from quantcfg.textproto.edits import addition, replacement
from quantcfg.textproto.printer import print_document
from quantcfg.textproto.trivia import comments

_NO_SOURCE = Source("", "")


class _Pair(NamedTuple):
    """The fields of a text that are to go; text format merges one that stands there again."""

    document: tree.Document
    conv: Sequence[tree.Field]
    fc: Sequence[tree.Field]


def migrate_source(source: Source, edition: Edition, report: Report) -> str | None:
    """Return a quant.cfg without deprecated fields, or None after reporting why it stays as it is.

    A text with errors stays. What needs no change keeps every character, and
    all comments stay.
    """
    if not is_text_format(source, report, wanted="a quant.cfg"):
        return None
    found: list[Diagnostic] = []
    request = request_from_config(source, edition, found.append)
    # Whether a mapping file can be read here does not matter.
    today = replace(in_todays_fields(request, edition.layer_types), non_uniform=None)
    compile_request(today, None, edition, found.append)
    if not has_errors(found):
        found += _obstacles(request)
    for diagnostic in found:
        if has_errors([diagnostic]):
            report(diagnostic)
    return None if has_errors(found) else applied(source, _edits(request, edition.layer_types))


def _obstacles(request: Request) -> Iterator[Diagnostic]:
    """Yield why a request cannot be migrated.

    A written override beats the selection of the mapping file (reference U8),
    and what stands behind a deprecated field does not.
    """
    given = request.conv or request.fc
    if given and request.non_uniform and not rival(request):
        weight = request.non_uniform.weight.origin
        yield catalogue.NOT_MIGRATED.at(
            given.span,
            field=given.level,
            reason="overrides would keep InnerProduct layers from non-uniform quantization",
            related=related(weight.span, "non-uniform quantization is asked for here"),
            help="write common_config and override_layer_types yourself, and override_layer_configs with "
            "nuq_quantize for the InnerProduct layers that the mapping file selects",
        )


def _edits(request: Request, types: LayerTypes) -> Iterator[Edit]:
    pair = _pair(request)
    if pair is None:
        return
    if rival(request):
        for field in (*pair.conv, *pair.fc):
            yield from replacement(pair.document, field, comments(pair.document, field))
        return
    for field in pair.conv:
        yield Edit(pair.document.span(field.name), "common_config")
    overrides = _overrides(pair, types)
    if not pair.fc:
        yield addition(pair.document, pair.conv[-1], overrides)
    for index, field in enumerate(pair.fc):
        yield from replacement(pair.document, field, () if index else overrides)


def _pair(request: Request) -> _Pair | None:
    """Return the deprecated fields of a request, if it has any."""
    given = request.conv or request.fc
    place = given.origin.place if given else None
    if place is None:
        return None
    conv, fc = (
        [field for field in place.document.fields if field.name.text == name]
        for name in ("conv_calibration_config", "fc_calibration_config")
    )
    return _Pair(place.document, conv, fc)


def _overrides(pair: _Pair, types: LayerTypes) -> list[str]:
    """Return the lines of overrides with what fc_calibration_config says; the first has its comments."""
    text = pair.document.source.text
    calibrations = [text[field.name.end : field.value.end] for field in pair.fc] or [" {}"]
    lines: list[str] = []
    for layer_type in fc_types(types):
        given = "".join(f"\ncalibration_config{calibration}" for calibration in calibrations)
        override = Source("", f'override_layer_types {{ layer_type: "{layer_type}"{given} }}')
        document = parse(override, lambda _: None)
        printed = print_document(replace(document, source=_NO_SOURCE) if lines else document)
        lines += [line.removesuffix("\r") for line in printed.split("\n")[:-1]]
    return lines
