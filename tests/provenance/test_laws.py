"""Explanations are true: without the origin of a value, it comes from the next origin."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from quantcfg import Compilation, Explanation, Network, Provenance, compile_config, explain, read_model
from quantcfg.frozen import replace
from quantcfg.plan import Origin, OriginKind, Setting
from quantcfg.textproto.edits import removal
from tests.editions import CAFFE
from tests.laws import law, law_of_editions
from tests.networks import conv, deconv, inner_product, net, network, pool
from tests.plan.generated import MAPPING_FILE, Case, Request, cases
from tests.plan.requests import for_all, for_layer, for_type
from tests.shared import MODELS, needs_shared

Explained = dict[tuple[str | int, ...], Explanation]
"""Explanations by the paths of their values in the configuration."""


# --- every value


@law_of_editions(cases)
def test_every_value_of_a_configuration_is_explained(case: Case) -> None:
    compilation = compiled(case)
    if compilation.config is not None:
        values = {path: explanation.value for path, explanation in explained(compilation).items()}
        assert values == dict(leaves(compilation.config))


def explained(compilation: Compilation) -> Explained:
    return by_path(explain(compilation))


def by_path(provenance: Provenance) -> Explained:
    paths = {explanation.path: explanation for explanation in provenance.network}
    for layer in provenance.layers:
        paths |= {(layer.layer.name, *explanation.path): explanation for explanation in layer.values}
    return paths


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield the values of a configuration; an empty list is one."""
    if not value or not isinstance(value, dict | list):
        yield path, value
        return
    for step, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield from leaves(item, (*path, step))


@law_of_editions(cases, examples=50)
def test_a_requested_part_is_a_part_of_all(case: Case) -> None:
    compilation = compiled(case)
    if compilation.config is None:
        return
    whole = explain(compilation)
    for layer in whole.layers:
        assert explain(compilation, layer.layer.name).layers == (layer,)
        for explanation in layer.values:
            (one,) = explain(compilation, layer.layer.name, explanation.key).layers
            assert explanation in one.values
            assert {each.key for each in one.values} == {explanation.key}
    for explanation in whole.network:
        assert explanation in explain(compilation, str(explanation.path[0])).network


# --- without its origin

WITHOUT_DEFAULT = {"fakequant_precision_mode", "dmq_balancer_param"}
"""Keys without a default: they are written only if they are set."""


def outcomes(request: Request, model: Network) -> Iterator[str]:
    """Remove each origin of a request in turn, and compare where each value then comes from.

    That is the kind of the next origin, and how long the chain was; "gone" for
    an item of a list, and "refused" where the request is wrong without it.
    """
    with TemporaryDirectory() as folder:
        request = placed(request, Path(folder, "mapping.json"))
        compilation = compile_request(model, request)
        if compilation.config is None:
            return
        given: dict[object, Explained] = {}
        for path, explanation in explained(compilation).items():
            origin = explanation.chain[0].origin
            if origin.kind is OriginKind.WRITTEN:
                given.setdefault((origin.path, origin.span), {})[path] = explanation
            else:
                assert len(explanation.chain) == 1
        for explanations in given.values():
            yield from after_removal(model, request, explanations)


def after_removal(model: Network, request: Request, explanations: Explained) -> Iterator[str]:
    origin = next(iter(explanations.values())).chain[0].origin
    changed = without(origin, request)
    compilation = compile_request(model, changed)
    if compilation.config is None:
        yield "refused"
        return
    now = explained(compilation)
    for path, explanation in explanations.items():
        if explanation.key == "skip_fusion_layers":
            assert explanation.chain[1:] == ()
            assert explanation.value not in compilation.config["skip_fusion_layers"]
            yield "gone"
        elif path not in now and explanation.key in WITHOUT_DEFAULT:
            assert explanation.chain[1:] == ()
            yield "gone"
        else:
            assert shown(now[path].chain) == shown(explanation.chain[1:]), (changed, path)
            yield f"{now[path].chain[0].origin.kind} {len(explanation.chain)}"


def shown(chain: tuple[Setting[Any], ...]) -> list[tuple[object, ...]]:
    """Return what is shown of the settings of a chain, without the location, which moves."""
    return [(setting.value, setting.origin.what, setting.span and setting.span.text) for setting in chain]


def without(origin: Origin, request: Request) -> Request:
    """Return a request without the source of a value: a field of its text, or an argument."""
    if origin.place is None:
        return replace(request, arguments=without_argument(origin, request.arguments or {}))
    text = request.config_text
    assert text
    (edit,) = removal(origin.place)
    return replace(request, config_text=text[: edit.span.start] + edit.text + text[edit.span.end :])


def without_argument(origin: Origin, arguments: Mapping[str, Any]) -> dict[str, Any]:
    name = origin.argument
    assert name
    if name != "skip_layers":
        return {key: value for key, value in arguments.items() if key != name}
    assert origin.span
    kept = [layer for layer in arguments[name] if repr(layer) != origin.span.text]
    return {**arguments, name: kept}


@law_of_editions(cases, examples=150)
def test_without_its_origin_a_value_is_what_the_chain_says(case: Case) -> None:
    list(outcomes(case.request, case.network.read()))


@pytest.mark.slow
def test_most_origins_can_be_taken_out() -> None:
    """Check that the law above is tested: a request that is invalid without an origin tests nothing."""
    counts: Counter[str] = Counter()

    def count(case: Case) -> None:
        counts.update(outcomes(case.request, case.network.read()))

    law(cases(CAFFE), examples=100)(count)(1)
    assert counts.total() > 50
    assert counts["refused"] * 20 < counts.total()


PROTOTXT = net(
    conv("conv1"),
    conv("conv2", "conv1"),
    deconv("up", "conv2"),
    pool("pool", "up"),
    inner_product("fc", "pool"),
)
MAPPING = {
    "graph": [
        {
            "op": [
                {
                    "attr": [
                        {"key": "_fe_weight_compress", "value": {"b": True}},
                        {"key": "_datadump_original_op_names", "value": {"list": {"s": ["conv1", "fc"]}}},
                    ]
                }
            ]
        }
    ]
}
NON_UNIFORM = f'nuq_config {{ mapping_file: "{MAPPING_FILE}" nuq_quantize {{ num_steps: 16 }} }}\n'
NAMED_ONLY = f'nuq_config {{ mapping_file: "{MAPPING_FILE}" }}\n'


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("batch_num: 2 batch_num: 3 batch_num: 4", ["written 4"]),
        ('skip_layers: "conv1" skip_layer_types: "Convolution"', ["written 3", "default 2"]),
        ('skip_layers: ["conv1", "up"]', ["default 2"] * 2),
        ('skip_fusion_layers: ["conv1", "up"]', ["gone"] * 2),
        # The flag of a layer: its own, common_config's, activation_offset, and what that is by default.
        (
            "activation_offset: false\n"
            + for_all("ifmr_quantize { asymmetric: true }")
            + for_layer("conv1", "ifmr_quantize { asymmetric: false }"),
            ["written 4", "written 3", "default 2"],
        ),
        # The flag of another algorithm does not count, and that of a type that is beaten does not either.
        (
            for_all("hfmg_quantize { asymmetric: false }") + for_layer("conv1", "ifmr_quantize { }"),
            ["default 2"],
        ),
        (
            for_type("Convolution", "ifmr_quantize { asymmetric: false }")
            + for_layer("conv1", "ifmr_quantize { search_step: 0.02 }"),
            ["default 2"],
        ),
        # What is given again, merged, or replaced within a oneof.
        (
            for_all("ifmr_quantize { search_step: 0.02 search_step: 0.03 }"),
            ["written 3", "default 2"],
        ),
        (for_all("ifmr_quantize { } hfmg_quantize { }"), ["written 3"]),
        (for_all("ifmr_quantize { } hfmg_quantize { } ifmr_quantize { asymmetric: false }"), ["written 4"]),
        (for_all("ifmr_quantize { }") + for_all("hfmg_quantize { num_of_bins: 1024 }"), ["written 3"]),
        (for_all("arq_quantize { channel_wise: false }"), ["layer type 2", "default 2"]),
        (for_all("ifmr_quantize { search_step: nan search_step: 0.02 }"), ["refused"]),
        # Non-uniform quantization: what nuq_config names, nuq_config itself, and the calibration.
        (NON_UNIFORM, ["written 3", "default 2"]),
        (NON_UNIFORM + for_all("arq_quantize { channel_wise: false }"), ["written 4", "layer type 2"]),
        (NAMED_ONLY + for_all("arq_quantize { }"), ["written 3"]),
        (NAMED_ONLY + NON_UNIFORM, ["written 4"]),
        # The deprecated pair.
        (
            "conv_calibration_config { ifmr_quantize { asymmetric: false search_step: 0.02 } }",
            ["default 2", "default 2"],
        ),
        (
            "conv_calibration_config { ifmr_quantize { asymmetric: false } }"
            "fc_calibration_config { ifmr_quantize { asymmetric: true } }",
            ["written 3", "default 2"],
        ),
        # An override that omits a setting of common_config; no lower level applies again.
        (
            for_all("ifmr_quantize { search_step: 0.02 }")
            + for_layer("conv1", "ifmr_quantize { search_step: 0.03 }"),
            ["default 2", "default 2"],
        ),
        # Without the end of the range the step would be too long.
        (
            for_all("ifmr_quantize { search_range_end: 3.0 search_step: 1.0 }"),
            ["refused", "default 2"],
        ),
    ],
)
def test_a_chain_goes_on_with_what_comes_next(config: str, expected: list[str]) -> None:
    request = Request(config, mapping=MAPPING if MAPPING_FILE in config else None)
    found = list(outcomes(request, network(PROTOTXT)))
    assert Counter(expected) - Counter(found) == Counter(), found
    assert "refused" in expected or "refused" not in found


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"batch_num": 2, "activation_offset": False}, {"default 2"}),
        ({"skip_layers": ["conv1", "fc"]}, {"default 2"}),
        ({"batch_num": 1, "activation_offset": True, "skip_layers": []}, set()),
    ],
)
def test_a_chain_of_an_argument_goes_on_with_its_default(
    arguments: dict[str, Any], expected: set[str]
) -> None:
    assert set(outcomes(Request(arguments=arguments), network(PROTOTXT))) == expected


EVERY_LEVEL = (
    'batch_num: 4 activation_offset: true skip_layers: "conv1" skip_fusion_layers: "conv1"\n'
    + for_all("arq_quantize { channel_wise: false } ifmr_quantize { search_step: 0.02 asymmetric: false }")
    + for_type("InnerProduct", "hfmg_quantize { num_of_bins: 2048 }")
    + for_type("Convolution", "ifmr_quantize { search_step: 0.05 }")
    + for_layer("res2a_branch1", "arq_quantize { channel_wise: true }")
)


@needs_shared
def test_the_chains_hold_for_a_real_model() -> None:
    model = read_model(MODELS / "resnet50" / "deploy.prototxt")
    counts = Counter(outcomes(Request(EVERY_LEVEL), model))
    assert counts["refused"] == 0
    assert counts.total() > 150


def compiled(case: Case) -> Compilation:
    with TemporaryDirectory() as folder:
        request = placed(case.request, Path(folder, "mapping.json"))
        return compile_request(case.network.read(), request)


def placed(request: Request, mapping_file: Path) -> Request:
    """Write the mapping file, and give the request its path."""
    if request.mapping is not None:
        mapping_file.write_text(json.dumps(request.mapping))
    text = request.config_text
    return replace(request, config_text=text and text.replace(MAPPING_FILE, str(mapping_file)))


def compile_request(model: Network, request: Request) -> Compilation:
    return compile_config(model, config_text=request.config_text, **(request.arguments or {}))
