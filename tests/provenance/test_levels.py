"""The explanation of a network and a request that use every level and every rule.

"pytest --update-golden" writes what is said now; look at it before it is
accepted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from quantcfg import LayerExplanation, Provenance, QuantConfigError, explain
from quantcfg.api import Compilation, compile_files
from quantcfg.provenance import json as document
from quantcfg.provenance import text
from tests.networks import conv, inner_product, net
from tests.plan.compiling import compiled
from tests.plan.requests import for_layer

LEVELS = Path(__file__).parent / "levels"
FILES: dict[str, Callable[[Compilation], str]] = {
    "explain.txt": lambda compilation: text.render(explain(compilation)),
    "fc.json": lambda compilation: document.render(explain(compilation, "fc")),
    "origins.txt": lambda compilation: text.table(explain(compilation)),
}


@pytest.fixture
def compilation(monkeypatch: pytest.MonkeyPatch) -> Compilation:
    """What the files give, called as they are called here."""
    monkeypatch.chdir(LEVELS)
    return compile_files("deploy.prototxt", None, "quant.cfg")


@pytest.mark.parametrize("name", FILES)
def test_the_levels_are_explained_as_it_lies_beside_them(
    name: str, compilation: Compilation, request: pytest.FixtureRequest
) -> None:
    said = FILES[name](compilation)
    if request.config.getoption("update_golden"):
        Path(name).write_text(said, encoding="utf-8")
    assert said == Path(name).read_text(encoding="utf-8")


def test_every_line_of_the_table_is_a_value(compilation: Compilation) -> None:
    provenance = explain(compilation)
    values = len(provenance.network) + sum(len(layer.values) for layer in provenance.layers)
    assert len(text.table(provenance).splitlines()) == values + 1


def test_a_document_has_an_entry_for_each_layer_in_output_order(compilation: Compilation) -> None:
    assert compilation.config
    read = json.loads(document.render(explain(compilation)))
    assert read["version"] == 1
    assert [layer["name"] for layer in read["layers"]] == [
        name for name in compilation.config if isinstance(compilation.config[name], dict)
    ]
    for layer in read["layers"]:
        for value in layer["values"]:
            at = compilation.config[layer["name"]]
            for step in value["path"]:
                at = at[step]
            assert at == value["value"] == value["chain"][0]["value"]


def test_layers_that_have_the_same_are_shown_once() -> None:
    names = [f"conv{index}" for index in range(60)]
    compilation = compiled(net(*(conv(name) for name in names), inner_product("fc")), "batch_num: 2")
    shown = text.render(explain(compilation))
    assert shown.count("quant_enable") == 2
    assert max(map(len, shown.splitlines())) <= 120
    assert "60 Convolution layers: " in shown
    assert all(f'"{name}"' in shown for name in names)


def test_names_cannot_break_a_line() -> None:
    name = "a\nb\x1b[31m"
    quoted = name.replace("\n", "\\n").replace("\x1b", "\\033")
    provenance = explain(compiled(net(conv(quoted), conv("conv2")), for_layer(quoted, "arq_quantize { }")))
    assert any(layer.layer.name == name for layer in provenance.layers)
    for shown in (text.render(provenance), text.table(provenance)):
        assert "\x1b" not in shown
        assert all("b" not in line[:2] for line in shown.splitlines())


# --- what is asked for


def test_a_layer_that_cannot_be_quantized_has_its_reason_and_no_values(compilation: Compilation) -> None:
    (layer,) = explain(compilation, "max").layers
    assert layer.layer.obstacle == "only average pooling is supported, this is MAX"
    assert layer.values == ()
    assert "cannot be quantized" in text.render(Provenance(layers=(layer,)))


@pytest.mark.parametrize(
    ("layer", "fusion"),
    [
        ("conv1", '"bn1" and "scale1" are folded into "conv1"'),
        ("scale1", '"bn1" and "scale1" are folded into "conv1"'),
        ("conv3", '"bn3" and "scale3" would be folded into "conv3", but skip_fusion_layers names it'),
        ("conv2", None),
    ],
)
def test_a_layer_says_what_is_fused_with_it(layer: str, fusion: str | None, compilation: Compilation) -> None:
    assert the_layer(explain(compilation, layer)).fusion == fusion


def the_layer(provenance: Provenance) -> LayerExplanation:
    (layer,) = provenance.layers
    return layer


@pytest.mark.parametrize(
    ("layer", "key", "code", "help"),
    [
        ("conv_1", None, "QC401", 'did you mean "conv1"?'),
        ("batchnum", None, "QC401", 'did you mean "batch_num"?'),
        ("nowhere", None, "QC401", '"quantcfg layers" lists the layers'),
        ("num_of_bins", None, "QC401", "name its layer first, such as: fc num_of_bins"),
        ("quant_enable", None, "QC401", "name its layer first, such as: conv1 quant_enable"),
        (
            "batch_num",
            "search_step",
            "QC401",
            '"batch_num" is a key of the whole network: remove "search_step"',
        ),
        ("conv1", "serch_step", "QC512", 'did you mean "search_step"?'),
        ("conv1", "num_of_bins", "QC513", None),
        ("conv2", "channel_wise", "QC513", None),
        (
            "fc",
            "?",
            "QC512",
            'its keys are "quant_enable", "act_algo", "num_of_bins", "asymmetric" and 2 more',
        ),
    ],
)
def test_what_is_not_there_is_an_error(
    layer: str, key: str | None, code: str, help: str | None, compilation: Compilation
) -> None:
    with pytest.raises(QuantConfigError) as raised:
        explain(compilation, layer, key)
    (error,) = raised.value.diagnostics
    assert (error.code, error.help) == (code, help)


def test_a_section_includes_its_keys(compilation: Compilation) -> None:
    layer = the_layer(explain(compilation, "fc", "weight_quant_params"))
    assert [each.key for each in layer.values] == ["wts_algo", "channel_wise"]
    both = the_layer(explain(compilation, "conv1", "search_range"))
    assert [each.name for each in both.values] == ["search_range[0]", "search_range[1]"]
    end = the_layer(explain(compilation, "conv1", "search_range_end"))
    assert [each.name for each in end.values] == ["search_range[1]"]


def test_what_has_errors_is_not_explained() -> None:
    with pytest.raises(QuantConfigError) as raised:
        explain(compiled(net(conv("conv1")), "batch_num: 0"))
    assert [error.code for error in raised.value.diagnostics] == ["QC501"]
