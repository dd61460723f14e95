"""The compiler against the oracle, an independent reading of the reference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import pytest
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from quantcfg import Compilation, Network, Severity, compile_config, read_model
from quantcfg.diagnostics import catalogue
from quantcfg.diagnostics.formats.text import render, render_line
from quantcfg.frozen import replace
from tests.editions import KnownEdition
from tests.laws import law_of_editions
from tests.networks import conv, net, network, relu
from tests.oracle.amct import OracleLayer, Refused, lower
from tests.oracle.reader import read
from tests.plan.compiling import findings
from tests.plan.generated import MAPPING_FILE, Case, Request, cases, requests
from tests.plan.layers import layers_of
from tests.shared import MODELS, MODELS_ONNX, files, needs_shared

RULES = {rule.code: rule for rule in vars(catalogue).values() if isinstance(rule, catalogue.Rule)}

MODEL_FILES = {"caffe": files(MODELS, "*/*.prototxt"), "onnx": files(MODELS_ONNX, "*.onnx")}

WITHOUT_A_PLACE = {catalogue.NOTHING_QUANTIZABLE.code, catalogue.UNUSUAL_OPSET.code}
"""The codes of the diagnostics without a location: they are about the whole network."""


CODES: Mapping[str, set[str]] = {
    "required": {"QC206"},
    "repeated": {"QC404", "QC444"},
    "unknown_layer": {"QC401"},
    "not_quantizable": {"QC402", "QC403"},
    "all_types_skipped": {"QC405"},
    "nothing_supported": {"QC406"},
    "nothing_enabled": {"QC407"},
    "name_clash": {"QC408"},
    "channel_wise": {"QC409"},
    "non_uniform": {"QC410"},
    "not_fusible": {"QC413"},
    "mapping": {"QC414"},
    "mapping_file": {"QC101"},
    "batch_num": {"QC501"},
    "balancer": {"QC440"},
    "not_a_tensor": {"QC442"},
    "tensor_input": {"QC443"},
    "symmetric": {"QC446"},
    "int16": {"QC448"},
    "range": {"QC411", "QC412", "QC501"},
}
"""The codes of the errors that are reported where the oracle rejects the request."""


@law_of_editions(cases, examples=250)
def test_a_request_is_compiled_or_refused_as_the_oracle_does_it(case: Case) -> None:
    network = case.network.read()
    compilation = check_request(network, case.network.layers, case.request, case.edition)
    # The compiler checks each distinct layer once; this is the whole document, by both drafts.
    for validator in (Draft7Validator, Draft202012Validator) if compilation.ok else ():
        assert not list(validator(network.edition.schema.document).iter_errors(compilation.config))


@st.composite
def requests_for_models(draw: st.DrawFn, edition: KnownEdition) -> tuple[KnownEdition, Path, Request]:
    model = draw(st.sampled_from(MODEL_FILES[edition.name]))
    return edition, model, draw(requests(edition, layers_once(model)))


@needs_shared
@law_of_editions(requests_for_models, examples=250)
def test_a_request_for_a_real_model_is_compiled_or_refused_as_the_oracle_does_it(
    drawn: tuple[KnownEdition, Path, Request],
) -> None:
    edition, model, request = drawn
    check_request(read_once(model), layers_once(model), request, edition)


@cache
def read_once(model: Path) -> Network:
    weights = model.with_name("weights.caffemodel")
    return read_model(model, weights if weights.exists() else None)


@cache
def layers_once(model: Path) -> tuple[OracleLayer, ...]:
    return layers_of(read_once(model), inputs_of(model) if model.suffix == ".onnx" else {})


def inputs_of(model: Path) -> dict[str, tuple[bool, ...]]:
    """Return which inputs of the nodes of an ONNX model are variable, according to the onnx package."""
    graph = onnx.load(model, load_external_data=False).graph
    constants = {initializer.name for initializer in graph.initializer}
    constants |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
    return {node.name: tuple(name not in constants for name in node.input) for node in graph.node}


def check_request(
    model: Network, layers: Sequence[OracleLayer], request: Request, edition: KnownEdition
) -> Compilation:
    """Compile a request, and check that all that is found and written is in order."""
    with TemporaryDirectory() as folder:
        request = placed(request, Path(folder, "mapping.json"))
        compilation = by_compiler(model, request)
        expected, reason = by_oracle(layers, request, edition)
    assert compilation.text == expected, (reason, findings(compilation))
    assert reason is None or CODES[reason] & {each.code for each in compilation.diagnostics}, reason
    check_diagnostics(compilation)
    if compilation.text is not None:
        check_config(compilation, layers, edition)
    return compilation


def placed(request: Request, mapping_file: Path) -> Request:
    """Write the mapping file, and give the request its path."""
    if request.mapping is not None:
        mapping_file.write_text(json.dumps(request.mapping))
    text = request.config_text
    return replace(request, config_text=text and text.replace(MAPPING_FILE, str(mapping_file)))


def by_compiler(model: Network, request: Request) -> Compilation:
    return compile_config(model, config_text=request.config_text, **(request.arguments or {}))


def by_oracle(
    layers: Sequence[OracleLayer], request: Request, edition: KnownEdition
) -> tuple[str | None, str | None]:
    """Return the text, or None and the reason why there is none."""
    arguments = request.arguments or {}
    try:
        text = lower(
            layers,
            edition.oracle,
            config_text=request.config_text,
            mapping=request.mapping,
            **arguments,
        )
    except Refused as refused:
        return None, refused.reason
    return text, None


def check_config(compilation: Compilation, layers: Sequence[OracleLayer], edition: KnownEdition) -> None:
    """Check that a consumer gets from the text what the compiler put into it."""
    assert compilation.text
    config = json.loads(compilation.text)
    assert config == compilation.config
    assert in_order(config) == in_order(compilation.config)
    assert in_order(read(compilation.text, layers, edition.oracle)) == in_order(config)


def in_order(value: Any) -> Any:
    """Return a JSON value as one that is equal to another only if their keys are in the same order."""
    if isinstance(value, dict):
        return [(key, in_order(item)) for key, item in value.items()]
    return value


def check_diagnostics(compilation: Compilation) -> None:
    """Check that each diagnostic is one of the catalogue and said once, and that its places can be shown."""
    errors = {diagnostic for diagnostic in compilation.diagnostics if diagnostic.severity is Severity.ERROR}
    assert compilation.ok != bool(errors)
    assert len(set(compilation.diagnostics)) == len(compilation.diagnostics)
    for diagnostic in compilation.diagnostics:
        assert diagnostic.severity is RULES[diagnostic.code].severity
        assert f"{diagnostic.severity}[{diagnostic.code}]: " in render(diagnostic).partition("\n")[0]
        assert "\n" not in render_line(diagnostic)
        assert diagnostic.span or diagnostic.code in WITHOUT_A_PLACE
        for span in (diagnostic.span, *(related.span for related in diagnostic.related)):
            assert span is None or 0 <= span.start <= span.end <= len(span.source.text)


# Where the compiler is not to agree with the oracle, and why. The generated requests keep clear of it.
DIFFERENCES = {
    "a number that is not finite is an error at any level (reference U22)": (
        'override_layer_types { layer_type: "Pooling" calibration_config {\n'
        "  ifmr_quantize { search_step: nan } } }"
    ),
    "so is a number that no 32-bit float holds": (
        'override_layer_configs { layer_name: "relu1" calibration_config {\n'
        "  ifmr_quantize { search_step: 1e39 } } }"
    ),
}


@pytest.mark.parametrize("config_text", DIFFERENCES.values(), ids=DIFFERENCES)
def test_the_compiler_is_stricter_than_the_oracle_where_it_is_meant_to_be(config_text: str) -> None:
    model = network(net(conv("conv1"), relu("relu1", "conv1")))
    assert lower(layers_of(model), config_text=config_text)
    assert findings(compile_config(model, config_text=config_text))[1:] == ["QC211 2:32"]
