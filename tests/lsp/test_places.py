"""Definitions, references, outline, folds, tokens, hints, layout and fixes, each for marked text."""

from __future__ import annotations

import pytest

from quantcfg import contracts
from quantcfg.api import compile_config
from quantcfg.diagnostics import Edit
from quantcfg.editions import NAMES, edition_named
from quantcfg.lsp import outline, semantic_tokens
from quantcfg.lsp.annotations import compiled, hints, title
from quantcfg.lsp.document import Document
from quantcfg.lsp.navigation import definitions, references
from quantcfg.lsp.outline import Symbol, folds, symbols
from quantcfg.lsp.semantic_tokens import tokens
from quantcfg.lsp.text_edits import fix_of_all, fixes, layout
from quantcfg.source import Source
from tests.lsp.documents import MODEL, NETWORK, at_mark, request, shown

REQUEST = """\
skip_layers: "conv2"
skip_layer_types: ["Pooling"]
common_config { arq_quantize { channel_wise: true } }
override_layer_types {
  layer_type: "InnerProduct"
  calibration_config { arq_quantize { channel_wise: false } }
}
override_layer_types {
  layer_type: "Pooling"
  calibration_config { arq_quantize { channel_wise: false } }
}
override_layer_configs {
  layer_name: "conv1"
  calibration_config { hfmg_quantize { num_of_bins: 2048 } }
}
"""


# --- definitions and references


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ('skip_layers: "con‸v2"', ['net.prototxt:23 "conv2"']),
        ("skip_layers: ['fc_' \"‸🦊\"]", ['net.prototxt:44 "fc_🦊"']),
        ('skip_layer_types: "Conv‸olution"', ['net.prototxt:2 "conv1"', 'net.prototxt:23 "conv2"']),
        ('override_layer_configs { layer_name: ‸"pool" }', ['net.prototxt:30 "pool"']),
        ('skip_layers: "nothing‸"', []),
        ("batch_num‸: 1", []),
        ("‸", []),
    ],
)
def test_a_name_is_defined_in_the_prototxt(marked: str, expected: list[str]) -> None:
    assert shown(definitions(*at_mark(marked))) == expected


def test_a_key_of_a_configuration_is_defined_there_too() -> None:
    found = definitions(*at_mark('{"co‸nv1": {}}', "config.json"))
    assert shown(found) == ['net.prototxt:2 "conv1"']


def test_the_comment_that_names_the_model_leads_to_it() -> None:
    (span,) = definitions(*at_mark("# quantcfg-model: net‸.prototxt\n"))
    assert span.source.name == "net.prototxt"


def test_without_a_model_nothing_is_defined() -> None:
    assert definitions(*at_mark('skip_layers: "‸conv2"', model=None)) == ()


def test_all_that_touches_a_layer_is_found_each_place_once() -> None:
    marked = REQUEST.replace('layer_name: "conv1"', 'layer_name: "con‸v1"')
    document, offset = at_mark(marked)
    found = references(document, offset, [document], with_definition=True)
    assert shown(found) == [
        'net.prototxt:2 "conv1"',
        "quant.cfg:3 common_config",
        "quant.cfg:3 arq_quantize",
        "quant.cfg:3 true",
        'quant.cfg:13 "conv1"',
        "quant.cfg:14 calibration_config",
        "quant.cfg:14 hfmg_quantize",
        "quant.cfg:14 2048",
    ]


def test_a_skipped_layer_is_touched_by_the_list_and_one_of_a_type_by_its_override() -> None:
    document, offset = at_mark(REQUEST.replace('"Pooling"]', '"Poo‸ling"]'))
    found = shown(references(document, offset, [document], with_definition=False))
    lines = {place.split(" ")[0] for place in found}
    assert {"quant.cfg:2", "quant.cfg:9", "quant.cfg:10"} <= lines
    document, offset = at_mark(REQUEST.replace('"conv2"', '"‸conv2"'))
    assert 'quant.cfg:1 "conv2"' in shown(references(document, offset, [document], with_definition=False))


def test_what_touches_a_layer_is_found_from_the_prototxt() -> None:
    layer = NETWORK.by_name["conv2"]
    assert layer.span
    prototxt = Document(layer.span.source, MODEL, is_model=True)
    found = references(prototxt, layer.span.start + 2, [request(REQUEST)], with_definition=False)
    assert 'quant.cfg:1 "conv2"' in shown(found)


# --- outline, folds, tokens


def test_the_outline_has_the_fields_and_what_they_are_for() -> None:
    def outline(found: tuple[Symbol, ...]) -> list[object]:
        return [[each.name, each.detail, *outline(each.children)] for each in found]

    text = (
        'batch_num: 2\noverride_layer_configs { layer_name: "conv1" calibration_config {} }\nlist: [{ a: 1 }]'
    )
    assert outline(symbols(request(text))) == [
        ["batch_num", "2"],
        ["override_layer_configs", '"conv1"', ["layer_name", '"conv1"'], ["calibration_config", ""]],
        ["list", "[{ a: 1 }]", ["a", "1"]],
    ]


def test_a_layer_is_called_by_its_name_in_the_outline() -> None:
    (layer,) = symbols(request('layer { bottom: "data" name: "conv1" }'))
    assert layer.detail == '"conv1"'


def test_a_long_text_has_an_outline_of_its_layers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'layer { name: "conv1" param { lr_mult: 1 } }\nlayer { name: "conv2" }'
    monkeypatch.setattr(outline, "_LONG", len(text) - 1)
    found = symbols(request(text))
    assert [(each.detail, each.is_message, each.children) for each in found] == [
        ('"conv1"', True, ()),
        ('"conv2"', True, ()),
    ]


def test_only_the_first_tokens_of_a_long_text_are_highlighted(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# 1\na: 2 # 3\nb: 4 # 5\nc: 6"
    every = [token.span.text for token in tokens(request(text))]
    monkeypatch.setattr(semantic_tokens, "_MAX_LEAVES", 4)
    assert [token.span.text for token in tokens(request(text))] == every[:6]


def test_every_name_is_within_its_symbol() -> None:
    for each in symbols(request(REQUEST)):
        assert REQUEST[each.start : each.name_end] == each.name
        assert each.name_end <= each.end


def test_messages_lists_and_runs_of_comments_can_be_folded() -> None:
    text = "# one\n# two\na {\n  b { c: 1 }\n  l: [\n    1 ]\n} # behind\n# alone\n\n# three\n# four\n"
    found = [(fold.span.start_position[0], fold.span.end_position[0]) for fold in folds(request(text))]
    assert found == [(1, 2), (3, 7), (5, 6), (10, 11)]
    assert [fold.is_comment for fold in folds(request(text))] == [True, False, False, True]


def test_each_token_has_its_kind() -> None:
    text = "# 🦊 é\nskip_layers: \"a\" 'b' # c\nbatch_num: -2\ndo_fusion: true\nconv_calibration_config { }"
    found = [(token.span.text, token.kind.value, token.is_deprecated) for token in tokens(request(text))]
    assert found == [
        ("# 🦊 é", "comment", False),
        ("skip_layers", "property", False),
        ('"a"', "string", False),
        ("'b'", "string", False),
        ("# c", "comment", False),
        ("batch_num", "property", False),
        ("-2", "number", False),
        ("do_fusion", "property", False),
        ("true", "keyword", False),
        ("conv_calibration_config", "property", True),
    ]


# --- hints


def test_a_hint_says_how_many_layers_a_setting_reaches() -> None:
    document = request(REQUEST)
    text = document.source.text
    lines = [text[: hint.offset].count("\n") + 1 for hint in hints(document, 0, len(text))]
    found = [
        (line, hint.text, hint.tooltip)
        for line, hint in zip(lines, hints(document, 0, len(text)), strict=True)
    ]
    assert found == [
        (2, "1 layer", '"pool"'),
        (3, "1 layer", '"conv2"'),
        (5, "1 layer", '"fc_🦊"'),
        (9, "1 layer", '"pool"'),
        (13, "1 layer", '"conv1"'),
    ]


def test_an_override_that_reaches_nothing_says_so() -> None:
    document = request('override_layer_types { layer_type: "Deconvolution" calibration_config { } }')
    assert [hint.text for hint in hints(document, 0, 100)] == ["0 layers"]


def test_hints_are_given_for_the_part_that_is_shown() -> None:
    document = request(REQUEST)
    assert len(hints(document, 0, document.source.text.index("common_config"))) == 1


def test_without_a_model_there_are_no_hints() -> None:
    assert hints(request(REQUEST, None), 0, 1000) == ()


# --- layout and fixes


def applied(text: str, edits: tuple[Edit, ...]) -> str:
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:1", "a: 1\n"),
        ("a: 1\nb  :  2\nc: 3\n", "a: 1\nb: 2\nc: 3\n"),
        ("a: 1\n", "a: 1\n"),
        ("a: 'aa'\n\n\n\nb: 'aa'\n", "a: 'aa'\n\nb: 'aa'\n"),
        ("a: (\n", "a: (\n"),
    ],
)
def test_a_layout_is_one_edit_of_what_differs(before: str, after: str) -> None:
    edits = layout(request(before))
    assert len(edits) <= 1
    assert applied(before, edits) == after


def test_a_layout_leaves_alone_what_is_laid_out() -> None:
    (edit,) = layout(request("a: 1\nb  :  2\nc: 3\n"))
    assert edit.span.start_position[0] == edit.span.end_position[0] == 2


def test_a_fix_is_offered_where_its_error_is() -> None:
    text = 'batch_nmu: 2\nskip_layers: "cnov1"\n'
    document = request(text)
    (fix,) = fixes(document, text.index("cnov1"), text.index("cnov1"))
    assert fix.title == 'replace "cnov1" with "conv1"'
    assert fix.diagnostic
    assert fix.diagnostic.code == "QC401"
    assert applied(text, fix.edits) == text.replace("cnov1", "conv1")


def test_all_fixes_are_one() -> None:
    text = 'batch_nmu: 2\nskip_layers: "cnov1"\n'
    every = fix_of_all(request(text))
    assert every
    assert applied(text, every.edits) == 'batch_num: 2\nskip_layers: "conv1"\n'
    assert fix_of_all(request("batch_num: 2\n")) is None


def test_a_fix_that_another_one_uncovers_is_made_with_it() -> None:
    every = fix_of_all(request("n\\ _"))
    assert every
    assert applied("n\\ _", every.edits) == "n_: _"


# --- the compiled JSON


def test_the_compiled_json_is_what_a_compile_gives() -> None:
    assert compiled(request(REQUEST)) == compile_config(NETWORK, config_text=REQUEST).text
    assert str(title(request(REQUEST))).endswith("(2 layers quantized, 2 skipped)")


@pytest.mark.parametrize("text", ["batch_num: 0", '{"batch_num": 1}'])
def test_what_cannot_be_compiled_gives_none(text: str) -> None:
    assert compiled(request(text)) is None
    assert compiled(request("batch_num: 1", None)) is None


def test_it_is_said_why_there_is_nothing_to_show() -> None:
    assert title(request("batch_num: 0")) == "no compiled JSON for net.prototxt: fix the errors first"
    assert str(title(request("batch_num: 1", None))).startswith("no model: ")
    assert title(request('{"batch_num": 1}')) is None


@pytest.mark.parametrize("edition", NAMES)
def test_the_comments_of_the_contract_are_on_every_field(edition: str) -> None:
    types = contracts.descriptors(edition_named(edition).request.file)
    fields = [field for name in types.table for field in types[name].fields.values()]
    assert fields
    assert [field.full_name for field in fields if not field.comment] == []


@pytest.mark.slow
def test_any_text_has_an_answer_to_every_question() -> None:
    strange = ["é: 🦊", "\0", "\ud800", "a {" * 5000]
    texts = [*strange, "", "{", "}", '"', "a", "a:", '{"a": ', "# quantcfg-model:", "a: ["]
    for text in texts:
        for name in ("quant.cfg", "config.json"):
            document = Document(Source(name, text), MODEL)
            for offset in range(min(len(text), 10) + 1):
                definitions(document, offset)
                references(document, offset, [document], with_definition=True)
            for feature in (symbols, folds, tokens, layout, fix_of_all, compiled):
                feature(document)
            hints(document, 0, len(text))


def test_a_deprecated_field_in_place_of_common_config_has_one_hint() -> None:
    document = request(
        "conv_calibration_config { arq_quantize { } } fc_calibration_config { arq_quantize { } }"
    )
    shown_at = [hint.offset for hint in hints(document, 0, len(document.source.text))]
    assert len(shown_at) == len(set(shown_at))
    assert shown_at
