"""Emit the configuration of a plan, as a JSON value and as text (reference 3)."""

from __future__ import annotations

import json
import marshal
import math
from collections.abc import Collection, Container, Iterator, Mapping
from functools import cached_property
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from quantcfg.contracts.config_schema import (
    ACTIVATION_PARAMS,
    BALANCER,
    INPUT_INDEX,
    LAYER_NAME,
    QUANT_ENABLE,
    TENSORS,
    WEIGHT_PARAMS,
)
from quantcfg.frozen import Caching, frozen_value
from quantcfg.plan import LayerPlan, Leaf, Plan, Setting, TensorPlan, Values

Config = dict[str, Any]
Path = tuple[str, ...]
"""The path of a value in an object: keys."""

PlanPath = tuple[str | int, ...]
"""The path of a value in the configuration: keys, and the index of a tensor."""

_INDENT = 4 * " "
_MARSHAL_VERSION = 2
"""The last version that does not write repeated values as references."""


@frozen_value
class Configuration(Caching):
    """A configuration, with cached text. Many layers have equal bodies, which are formatted once."""

    config: Config

    @cached_property
    def _bodies(self) -> Mapping[str, bytes]:
        """The value of each key as bytes, equal only if the text is (unlike ==, for which 1 equals 1.0)."""
        return {key: marshal.dumps(body, _MARSHAL_VERSION) for key, body in self.config.items()}

    @cached_property
    def text(self) -> str:
        """The exact content of its file: AMCT's layout, without a final newline (reference 3.5)."""
        return text_of(self.config, self._bodies)

    def alike(self, apart: Container[str] = ()) -> Collection[list[str]]:
        """Return its keys in groups with equal values; each key in apart is a group of its own."""
        groups: dict[str | bytes, list[str]] = {}
        for key, body in self._bodies.items():
            groups.setdefault(key if key in apart else body, []).append(key)
        return groups.values()


def emit(plan: Plan) -> Configuration:
    """Return the configuration of a plan: the network's keys, then an object for each layer.

    A layer with the name of such a key, which is reported as an error, is left out.
    """
    config = _plain(plan.values)
    if plan.tensors:
        config[TENSORS] = [tensor_body(each) for each in plan.tensors]
    reserved = plan.network.edition.schema.global_keys
    layers = (layer for layer in plan.layers if layer.layer.name not in reserved)
    return Configuration(config | {layer.layer.name: layer_body(layer) for layer in layers})


def tensor_body(tensor: TensorPlan) -> dict[str, Any]:
    """Return the object of a quantized tensor in the configuration."""
    return _body(tensor_values(tensor))


def layer_body(layer: LayerPlan) -> dict[str, Any]:
    """Return the object of a layer in the configuration."""
    return _body(layer_values(layer))


def _body(values: Mapping[str, Setting[Any] | Values]) -> dict[str, Any]:
    return {
        key: value.value if isinstance(value, Setting) else _plain(value) for key, value in values.items()
    }


def text_of(config: Config, bodies: Mapping[str, bytes]) -> str:
    """Return the text of a configuration; equal bodies are formatted once."""
    values = dict(zip(bodies.values(), config.values(), strict=True))
    texts = {body: _text(value, "\n" + _INDENT) for body, value in values.items()}
    return _between("{}", [f"{quoted(key)}:{texts[body]}" for key, body in bodies.items()], "\n")


def _text(value: Any, end: str) -> str:
    """Return the same as json.dumps, which is several times slower with an indent."""
    inner = end + _INDENT
    if isinstance(value, dict):
        members = [f"{quoted(key)}:{_text(item, inner)}" for key, item in value.items()]
        return _between("{}", members, end)
    if isinstance(value, list):
        return _between("[]", [_text(item, inner) for item in value], end)
    return _scalar(value)


def _between(brackets: str, items: list[str], end: str) -> str:
    """Return items between brackets, each on its own line; end precedes the closing bracket."""
    if not items:
        return brackets
    inner = end + _INDENT
    return f"{brackets[0]}{inner}{f',{inner}'.join(items)}{end}{brackets[1]}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    return json.dumps(value)


def tensor_values(tensor: TensorPlan) -> dict[str, Setting[Any] | Values]:
    """Return the values of a quantized tensor with their origins, in output order (ONNX reference 3.2)."""
    return {
        LAYER_NAME: tensor.tensor.layer,
        INPUT_INDEX: tensor.tensor.index,
        ACTIVATION_PARAMS: tensor.activation_values,
    }


def layer_values(layer: LayerPlan) -> dict[str, Setting[Any] | Values]:
    """Return the values of a layer with their origins, in output order (reference 3.2)."""
    balancer = {BALANCER: layer.balancer} if layer.balancer else {}
    return {
        QUANT_ENABLE: layer.enabled,
        **balancer,
        ACTIVATION_PARAMS: layer.activation_values,
        WEIGHT_PARAMS: layer.weight_values,
    }


def plan_leaves(plan: Plan) -> Iterator[tuple[PlanPath, Leaf]]:
    """Yield the values of a plan by their paths in the configuration; a list is one value."""
    yield from leaves(plan.values)
    for index, tensor in enumerate(plan.tensors):
        for path, leaf in leaves(tensor_values(tensor)):
            yield (TENSORS, index, *path), leaf
    for layer in plan.layers:
        yield from leaves(layer_values(layer), (layer.layer.name,))


def leaves(values: Mapping[str, Leaf | Values], path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Yield the values under a path, by their paths."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def value_of(leaf: Leaf) -> Any:
    """Return a value without its origin."""
    return [setting.value for setting in leaf] if isinstance(leaf, tuple) else leaf.value


def _plain(values: Values) -> dict[str, Any]:
    return {key: value_of(leaf) for key, leaf in values.items()}
