"""Check tensor_quantize: inputs quantized separately from their layer (ONNX reference 4.1, U18, U20)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from quantcfg.diagnostics import Diagnostic, Report, catalogue, related
from quantcfg.diagnostics.phrases import alternatives
from quantcfg.frozen import replace
from quantcfg.network import Layer
from quantcfg.network.network import INPUTS, MISSING_INPUTS, VARIABLE_INPUTS
from quantcfg.plan.plan import DEFINED_HERE, Plan, TensorPlan
from quantcfg.plan.request import Tensor


def resolve_tensors(plan: Plan, report: Report) -> Plan:
    """Check that each tensor exists and can be quantized, and that none is listed twice."""
    tensors = plan.request.tensors
    planned = [TensorPlan(each, plan.network.by_name.get(each.layer.value)) for each in tensors]
    types = plan.network.edition.layer_types.tensor_types
    supported: list[Tensor] = []
    for each in planned:
        refused = list(_unsupported(each.tensor, each.layer, types)) if each.layer else []
        for diagnostic in refused:
            report(diagnostic)
        if each.layer and not refused:
            supported.append(each.tensor)
    for diagnostic in (*_repeated(tensors), *_siblings(supported)):
        report(diagnostic)
    return replace(plan, tensors=tuple(planned)) if planned else plan


def _unsupported(tensor: Tensor, layer: Layer, types: tuple[str, ...]) -> Iterator[Diagnostic]:
    if layer.type not in types:
        if layer.span is None:
            return  # An assumed layer: its type is not known.
        help = f"name a node of type {alternatives(types)}"
        if layer.quantizable:
            help = "remove it: the layer is quantized without it"
        yield catalogue.TENSOR_OF_TYPE.at(
            tensor.layer.span,
            type=layer.type,
            related=related(layer.span, DEFINED_HERE),
            help=help,
        )
        return
    inputs, variable = layer.attributes.get(INPUTS), layer.attributes.get(VARIABLE_INPUTS)
    index = tensor.index.value
    if isinstance(inputs, int) and index >= inputs:
        what = "input"
    elif isinstance(variable, tuple) and index not in variable:
        missing = layer.attributes.get(MISSING_INPUTS)
        what = "input" if isinstance(missing, tuple) and index in missing else "variable input"
    else:
        return
    others = variable if isinstance(variable, tuple) else ()
    yield catalogue.NO_SUCH_INPUT.at(
        tensor.index.span,
        index=index,
        layer=layer.name,
        what=what,
        related=related(layer.span, DEFINED_HERE),
        help=f"use input_index {' or '.join(map(str, others))}" if others else "remove it",
    )


def _repeated(tensors: tuple[Tensor, ...]) -> Iterator[Diagnostic]:
    first: dict[tuple[str, int], Tensor] = {}
    for each in tensors:
        earlier = first.setdefault((each.layer.value, each.index.value), each)
        if earlier is not each:
            yield catalogue.TENSOR_REPEATED.at(
                each.layer.span,
                index=each.index.value,
                layer=each.layer.value,
                related=related(earlier.layer.span, "first listed here"),
                help="remove one of them",
            )


def _siblings(tensors: Iterable[Tensor]) -> Iterator[Diagnostic]:
    """Yield a warning for each layer with two quantized inputs, which ATC does not allow."""
    by_layer: dict[str, dict[int, Tensor]] = defaultdict(dict)
    for each in tensors:
        by_layer[each.layer.value].setdefault(each.index.value, each)
    for name, inputs in by_layer.items():
        first, *others = inputs.values()
        if others:
            yield catalogue.TENSOR_SIBLINGS.at(
                others[0].layer.span,
                layer=name,
                related=related(first.layer.span, "the other input"),
                help="quantize only one of them if ATC is to convert the model",
            )
