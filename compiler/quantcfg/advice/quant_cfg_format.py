"""Write the advised settings into a quant.cfg; the rest of it stays as it is."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from quantcfg.advice.report import Advice, Item, gains_in_words
from quantcfg.compile import Compiled, compile_source
from quantcfg.contracts.config_schema import (
    ACTIVATION_ALGORITHM,
    ACTIVATION_PARAMS,
    ASYMMETRIC,
    CHANNEL_WISE,
    QUANT_ENABLE,
    TENSORS,
    WEIGHT_ALGORITHM,
    WEIGHT_PARAMS,
    field_of,
)
from quantcfg.decompiler.quant_cfg import print_layout
from quantcfg.decompiler.shortest import Layout
from quantcfg.decompiler.wanted import Inherited, own_calibration, wanted_by
from quantcfg.diagnostics import Diagnostic, Edit, catalogue, has_errors
from quantcfg.diagnostics.fixes import applied
from quantcfg.diagnostics.phrases import boolean, quoted
from quantcfg.diagnostics.terminal import printable, wrapped
from quantcfg.emit import Config
from quantcfg.frozen import frozen_value
from quantcfg.migrate import migrate_source
from quantcfg.network import ConfigSchema, Network
from quantcfg.plan.passes.activations import flag_of
from quantcfg.plan.request import Algorithm, Calibration
from quantcfg.plan.settings import Setting, activation_algorithm
from quantcfg.source import Source, Span
from quantcfg.textproto import Place, parse, tree
from quantcfg.textproto.edits import addition, replacement
from quantcfg.textproto.literals import encode_string
from quantcfg.textproto.printer import print_document
from quantcfg.textproto.trivia import SPACES, comments, line_end

_COLUMNS = 100
_DEEPEST = 6
"""The indentation of a setting of an algorithm in an override."""

_NAME = "advised quant.cfg"
_KEPT = "# nothing is advised for this layer, so it keeps this setting"
_OWNERS = {
    ASYMMETRIC: (ACTIVATION_PARAMS, ACTIVATION_ALGORITHM),
    CHANNEL_WISE: (WEIGHT_PARAMS, WEIGHT_ALGORITHM),
}
"""The object of a layer that has a key, and the key of its algorithm."""

_OFFSET = "activation_offset"
_LAYER_OVERRIDES = "override_layer_configs"

_Key = tuple[str, str]
"""A layer, and a key in the configuration."""


@frozen_value
class _Task:
    """A network, what is advised for its layers, and the configuration that results."""

    network: Network
    items: Mapping[_Key, Item]
    wanted: Config

    def compiled(self, source: Source) -> Compiled:
        """Compile a quant.cfg."""
        return compile_source(source, self.network, self.network.edition)

    def differences(self, config: Config) -> list[_Key]:
        """Return the settings of layers in which a configuration differs from the wanted one.

        Of a layer that is not quantized, only that counts.
        """
        return [
            (name, key)
            for name, body in self.wanted.items()
            if name not in self.network.edition.schema.global_keys and body != config[name]
            for key in _differing(_values(body), _values(config[name]))
            if body[QUANT_ENABLE] or key == QUANT_ENABLE
        ]

    def comment(self, key: _Key) -> list[str]:
        """Return the lines of the comment above a setting."""
        item = self.items.get(key)
        return _comment(item) if item else [_KEPT]


def with_advice(advice: Advice, network: Network, given: Source | None) -> tuple[str, list[Diagnostic]]:
    """Return a quant.cfg with the advised settings, each below its reason, and the errors in it.

    It is the given one, changed only where something is advised, or a new one. A setting
    is changed where it is written if that changes other layers little, or else in an
    override of the layer.
    """
    items = _items(advice)
    if not items:
        return given.text if given else _nothing(advice), []
    source = Source(_NAME, given.text if given else "")
    compiled = compile_source(source, network, network.edition)
    if any(key in _OWNERS for _, key in items):
        source = _migrated(source, compiled, network)
    task = _Task(network, items, _advised(compiled.configuration.config, items))
    source = _with_written_settings(task, source)
    source = _with_overrides(task, source)
    source = _with_skips(task, source)
    if given is None or print_document(parse(given, lambda _: None)) == given.text:
        source = Source(source.name, print_document(parse(source, lambda _: None)))
    return source.text, list(_errors(task, source))


def _nothing(advice: Advice) -> str:
    """Return a quant.cfg that has only a comment: nothing is advised, and on what this is based."""
    if advice.simulated is None:
        return "# Nothing is advised from the weights. No layer was simulated.\n"
    done, count = advice.simulated
    if advice.is_cut_short:
        return (
            f"# Nothing is advised from the weights. The simulation ended after {done} of {count} layers.\n"
        )
    return "# Nothing is advised from the weights and the simulation.\n"


def _items(advice: Advice) -> Mapping[_Key, Item]:
    """Return the advice by layer and key, with its own numbers; the first one counts."""
    items: dict[_Key, Item] = {}
    for item in advice.items:
        for name in item.layers if item.field else ():
            items.setdefault((name, item.field or ""), item.of_layer(name))
    return items


def _advised(config: Config, items: Mapping[_Key, Item]) -> Config:
    """Return a configuration with the advised values."""
    wanted = deepcopy(config)
    for (name, key), item in items.items():
        _owner(wanted[name], key)[key] = item.value
    return wanted


def _values(body: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a layer by key; a key that two of its objects have gets the name of its object."""
    found = {key: value for key, value in body.items() if not isinstance(value, dict)}
    for owner, values in body.items():
        if isinstance(values, dict):
            found.update((f"{owner}.{key}" if key in found else key, value) for key, value in values.items())
    return found


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    return (key for key in {**one, **other} if one.get(key) != other.get(key))


def _owner(body: dict[str, Any], key: str) -> dict[str, Any]:
    return body[_OWNERS[key][0]] if key in _OWNERS else body


def _errors(task: _Task, source: Source) -> Iterator[Diagnostic]:
    compiled = task.compiled(source)
    if has_errors(compiled.diagnostics):
        yield from compiled.diagnostics
        return
    for name, key in task.differences(compiled.configuration.config):
        value = json.dumps(_values(task.wanted[name]).get(key))
        yield catalogue.NOT_EXPRESSIBLE.at(None, key=key, where=f' of layer "{name}"', value=value)


def _migrated(source: Source, compiled: Compiled, network: Network) -> Source:
    """Return a quant.cfg without deprecated fields, which would be ignored beside overrides."""
    request = compiled.plan.request
    if not (request.conv or request.fc):
        return source
    text = migrate_source(source, network.edition, lambda _: None)
    return source if text is None else Source(source.name, text)


# --- settings where they are written


def _with_written_settings(task: _Task, source: Source) -> Source:
    """Return the source with settings of several layers removed or inverted, if that saves overrides."""
    tried = set[int]()
    while True:
        places = _places(task, task.compiled(source))
        waiting = [each for each in places if each[0].field.start not in tried]
        if not waiting:
            return source
        place, items = waiting[0]
        tried.add(place.field.start)
        candidates = [[], *_candidates(place, items)]
        edits = min(candidates, key=lambda each: _left(task, source, each))
        if edits:
            source, tried = Source(source.name, applied(source, edits)), set()


def _places(task: _Task, compiled: Compiled) -> Collection[tuple[Place, list[Item]]]:
    """Return where the settings are written that still have to change, and the advice for each.

    Those in overrides of a layer, of which there may be many, belong to that layer alone.
    """
    layers = {layer.layer.name: layer for layer in compiled.plan.layers}
    found: dict[int, tuple[Place, list[Item]]] = {}
    for key in task.differences(compiled.configuration.config):
        layer, item = layers[key[0]], task.items.get(key)
        setting = {**layer.activation_values, **layer.weight_values}.get(key[1])
        place = setting.origin.place if isinstance(setting, Setting) else None
        if place and item and _top(place).text != _LAYER_OVERRIDES:
            found.setdefault(place.field.start, (place, []))[1].append(item)
    return found.values()


def _candidates(place: Place, items: Sequence[Item]) -> Iterator[list[Edit]]:
    """Yield the edits for a setting: remove it and messages that become empty, or else invert it."""
    document, top = place.document, _top(place)
    removed = _wrapped(_changed(f'removed "{place.field.text}: false"', items))
    for field in (*reversed(_ancestors(document, place.field)), place.field):
        lines = [*comments(document, field), *removed]
        edits = [*replacement(document, field, lines), *_gap(document, field)]
        yield [*(edits if field is top or _starts_line(document, field) else _laid_out(document, top, edits))]
    if comments(document, place.field):
        return
    lines = [*_wrapped(_changed("set to true", items)), f"{place.field.text}: true"]
    if top is place.field:
        yield [*replacement(document, top, lines)]
    else:
        inner = Edit(document.span(place.field), "\n".join(["", *lines, ""]))
        yield [*_laid_out(document, top, [inner])]


def _top(place: Place) -> tree.Field:
    """Return the field of the document that contains a setting."""
    fields = place.document.fields
    return fields[bisect_right(fields, place.field.start, key=lambda field: field.start) - 1]


def _starts_line(document: tree.Document, field: tree.Field) -> bool:
    before = document.source.text[: field.start]
    return not before[before.rfind("\n") + 1 :].strip(SPACES)


def _gap(document: tree.Document, field: tree.Field) -> Iterator[Edit]:
    """Yield the edit that separates the comments on a removed field from the next setting."""
    text = document.source.text
    end = text.find("\n", field.end) + 1
    following = text[end : text.find("\n", end) + 1 or None].strip() if end else ""
    if _starts_line(document, field) and following and following[0] not in "}]>":
        yield Edit(Span(document.source, end, end), line_end(text))


def _ancestors(document: tree.Document, field: tree.Field) -> list[tree.Field]:
    """Return the fields that contain nothing else, the innermost first."""
    path = list[tree.Field]()
    fields: Sequence[tree.Field] = document.fields
    while fields:
        inside = next((each for each in fields if each.start <= field.start < each.end), None)
        if inside is None or inside.start == field.start or not isinstance(inside.value, tree.Message):
            break
        path.append(inside)
        fields = inside.value.fields
    alone = list[tree.Field]()
    for each in reversed(path):
        if not isinstance(each.value, tree.Message) or len(each.value.fields) > 1:
            break
        alone.append(each)
    return alone


def _left(task: _Task, source: Source, edits: Iterable[Edit]) -> float:
    """Return how many settings overrides have to change after edits, infinite if they change others."""
    compiled = task.compiled(Source(source.name, applied(source, edits)))
    config = compiled.configuration.config
    if has_errors(compiled.diagnostics) or config.get(TENSORS) != task.wanted.get(TENSORS):
        return float("inf")
    keys = [key for _, key in task.differences(config) if key != QUANT_ENABLE]
    return len(keys) if _OWNERS.keys() >= set(keys) else float("inf")


# --- overrides


def _with_overrides(task: _Task, source: Source) -> Source:
    """Return the source with an override for each layer that still differs; an existing one is extended."""
    compiled = task.compiled(source)
    assert compiled.tree
    found = {
        override.target.value: override.calibration for override in compiled.plan.request.layer_overrides
    }
    starts = [field.start for field in compiled.tree.fields]
    missing: dict[str, list[str]] = {}
    for name, key in task.differences(compiled.configuration.config):
        if key in _OWNERS:
            missing.setdefault(name, []).append(key)
    edits, added = defaultdict[int, list[Edit]](list), list[str]()
    for name, keys in missing.items():
        if name in found:
            for key in keys:
                for edit in _setting(task, name, key, found[name]):
                    edits[bisect_right(starts, edit.span.start)].append(edit)
        else:
            reasons = dict.fromkeys("\n".join(task.comment((name, key))) for key in keys)
            added.append("\n".join([*reasons, _override(task, name, keys, compiled)]))
    laid_out = [
        edit
        for index, inner in edits.items()
        for edit in _laid_out(compiled.tree, compiled.tree.fields[index - 1], inner)
    ]
    return _extended(Source(source.name, applied(source, laid_out)), added)


def _setting(task: _Task, name: str, key: str, calibration: Calibration) -> Sequence[Edit]:
    """Return the edits that write a setting into the override of a layer."""
    owner, selector = _OWNERS[key]
    field = field_of(task.wanted[name][owner][selector])
    algorithm = calibration.activation if key == ASYMMETRIC else calibration.weight
    value = boolean(task.wanted[name][owner][key])
    comment = task.comment((name, key))
    if algorithm is None or algorithm.name != field:
        return _inside(calibration, [*comment, f"{field} {{ {key}: {value} }}"])
    written = algorithm.parameters.get(key)
    place = written.origin.place if written else None
    if place is None:
        return _inside(algorithm, [*comment, f"{key}: {value}"])
    lines = [*comments(place.document, place.field), *comment, f"{key}: {value}"]
    return replacement(place.document, place.field, lines)


def _inside(message: Calibration | Algorithm, lines: Sequence[str]) -> Sequence[Edit]:
    """Return the edits that add lines at the end of a message."""
    place = message.origin.place
    assert place
    end = place.value.end - 1
    text = place.document.source.text
    start = text.rfind("\n", 0, end) + 1
    is_alone = not text[start:end].strip(SPACES)
    return [Edit(Span(place.document.source, end, end), "\n".join([*([] if is_alone else [""]), *lines, ""]))]


def _laid_out(document: tree.Document, field: tree.Field, inner: Iterable[Edit]) -> Iterable[Edit]:
    """Return the edits that change a field and lay it out again."""
    text = applied(document.source, inner, field.start, field.end)
    printed = print_document(parse(Source("", text), lambda _: None))
    return replacement(document, field, [line.removesuffix("\r") for line in printed.split("\n")[:-1]])


def _override(task: _Task, name: str, keys: Sequence[str], compiled: Compiled) -> str:
    """Return an override of a layer that has these keys, and repeats the settings that it keeps."""
    schema, types = task.network.edition.schema, task.network.edition.layer_types
    body = task.wanted[name]
    is_channel_wise = types.channel_wise(task.network.by_name[name].type)
    if CHANNEL_WISE in keys:
        # Only what is not the default is printed.
        is_channel_wise = not _owner(body, CHANNEL_WISE)[CHANNEL_WISE]
    inherited = _inherited(compiled, schema)
    if ASYMMETRIC in keys:
        inherited = Inherited(schema, not _owner(body, ASYMMETRIC)[ASYMMETRIC])
    calibration = own_calibration(wanted_by(body, is_channel_wise, schema), inherited)
    layout = Layout(None, {}, {name: calibration})
    return print_layout(task.network.edition.request, {}, layout, [name], {}).removesuffix("\n")


def _inherited(compiled: Compiled, schema: ConfigSchema) -> Inherited:
    """Return the flag that overrides inherit."""
    common = compiled.plan.request.common
    flag = flag_of(common.activation) if common else None
    offset = compiled.configuration.config[_OFFSET]
    if common is None or flag is None:
        return Inherited(schema, offset)
    return Inherited(schema, offset, activation_algorithm(common.activation, schema), flag.value)


# --- layers to skip


def _with_skips(task: _Task, source: Source) -> Source:
    """Return the source with the layers to skip; they follow those that are skipped already."""
    lines = [
        [*_comment(item), f"skip_layers: {encode_string(name)}"]
        for (name, key), item in task.items.items()
        if key == QUANT_ENABLE
    ]
    document = parse(source, lambda _: None)
    earlier = [field for field in document.fields if field.text == "skip_layers"]
    if not lines or not earlier:
        return _extended(source, ["\n".join(each) for each in lines])
    edit = addition(document, earlier[-1], [line for each in lines for line in each])
    return Source(source.name, applied(source, [edit]))


def _extended(source: Source, added: Sequence[str]) -> Source:
    """Return the source with settings at its end, separated by empty lines."""
    end = line_end(source.text)
    start = source.text + (end if source.text and not source.text.endswith("\n") else "")
    parts = [f"{each}\n".replace("\n", end) for each in added]
    return Source(source.name, end.join([*([start] if start else []), *parts]) if parts else source.text)


def _comment(item: Item) -> list[str]:
    return _wrapped(f"{item.kind}: {item.reason}")


def _changed(what: str, items: Sequence[Item]) -> str:
    """Say why a setting of several layers is changed; items have one layer each."""
    statements = {item.statement for item in items}
    why = f"; {items[0].statement}" if len(statements) == 1 else ""
    gains = [gain for item in items for gain in item.gains]
    names = quoted(item.layers[0] for item in items)
    return f"{items[0].kind}: {what} for {names}{why}{gains_in_words(gains)}"


def _wrapped(text: str) -> list[str]:
    """Return the lines of a comment."""
    return wrapped(printable(text), _COLUMNS - _DEEPEST, "# ", "#   ")
