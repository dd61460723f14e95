"""The JSON Schema of an edition's configuration: keys, defaults, algorithms and their parameters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from types import MappingProxyType
from typing import Any

from quantcfg import contracts
from quantcfg.contracts.acceptance import Accepts, acceptor
from quantcfg.frozen import Caching, frozen_value

ACTIVATION_ALGORITHM = "act_algo"
WEIGHT_ALGORITHM = "wts_algo"
ASYMMETRIC = "asymmetric"
CHANNEL_WISE = "channel_wise"
QUANT_ENABLE = "quant_enable"
ACTIVATION_PARAMS = "activation_quant_params"
WEIGHT_PARAMS = "weight_quant_params"
SKIP_FUSION = "skip_fusion_layers"
NON_UNIFORM = "nuq_quantize"
TENSORS = "tensor_quantize"
BALANCER = "dmq_balancer_param"
NUM_BITS = "num_bits"
LAYER_NAME = "layer_name"
INPUT_INDEX = "input_index"

DO_FUSION = "do_fusion"


def folds(config: Mapping[str, Any]) -> Callable[[Iterable[str]], bool]:
    """Return a function that returns whether a configuration folds a fusion group, given its layers."""
    skipped = frozenset(config[SKIP_FUSION])
    return skipped.isdisjoint if config[DO_FUSION] else lambda _: False


_SELECTORS = (("activation", ACTIVATION_ALGORITHM), ("weight", WEIGHT_ALGORITHM))
"""The definitions of objects with an algorithm, and the key that names the algorithm."""

_ENDS = ("start", "end")
_FIELD_END = "_quantize"

QUANT_CFG = "quantCfg"
"""The keyword for how a quant.cfg sets a key, if its name or its values differ there."""

_SAME: Mapping[str, Any] = MappingProxyType({})

Definition = Mapping[str, Any]


@frozen_value
class Parameter:
    """A parameter of an algorithm: a key of the configuration.

    settings are the quant.cfg fields that set it, two for a range. defaults has
    one value per setting, or is empty if the schema has no default. values maps the
    words for its values in a quant.cfg to those in a configuration, if they differ.
    """

    key: str
    settings: tuple[str, ...]
    defaults: tuple[Any, ...]
    values: Mapping[str, Any] = _SAME

    @property
    def default(self) -> Any:
        """The default in the form of the configuration, or None if the schema has none."""
        if not self.defaults:
            return None
        return list(self.defaults) if len(self.settings) > 1 else self.defaults[0]

    def word(self, value: Any) -> Any:
        """Return the word for a value in a quant.cfg, or the value if it has none."""
        return next((word for word, each in self.values.items() if each == value), value)

    def items(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield the quant.cfg fields that set a value of the configuration, with their values."""
        yield from zip(self.settings, value if len(self.settings) > 1 else (value,), strict=True)


@frozen_value
class ConfigSchema(Caching):
    """The configuration schema of an edition; file is its name in schemas/."""

    file: str

    # There is one for each edition, and it is a key of many caches.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def document(self) -> dict[str, Any]:
        """The JSON Schema."""
        return contracts.schema(self.file)

    @property
    def text(self) -> str:
        """The text of the schema file."""
        return contracts.schema_text(self.file)

    @property
    def definitions(self) -> dict[str, Any]:
        """The definitions: a layer, its parts, and the algorithms."""
        definitions: dict[str, Any] = self.document["definitions"]
        return definitions

    @cached_property
    def accepts(self) -> Accepts:
        """A predicate for valid configurations."""
        return acceptor(self.document, self.document)

    # --- the keys of a configuration

    @property
    def global_keys(self) -> Mapping[str, Definition]:
        """The global keys in output order, with their definitions (reference 3.1)."""
        keys: Mapping[str, Definition] = self.document["properties"]
        return keys

    @cached_property
    def global_defaults(self) -> Mapping[str, Any]:
        """The global keys with a default, in output order; the others are left out unless they are set."""
        return {key: known["default"] for key, known in self.global_keys.items() if "default" in known}

    @property
    def layer_keys(self) -> Collection[str]:
        """The keys of a layer in output order (reference 3.2)."""
        keys: Collection[str] = self.definitions["layer"]["properties"].keys()
        return keys

    @cached_property
    def layer_fields(self) -> Mapping[str, str]:
        """The keys of a layer that a field of a CalibrationConfig sets, by the path of that field."""
        known = self.definitions["layer"]["properties"].items()
        return {each[QUANT_CFG]["field"]: key for key, each in known if QUANT_CFG in each}

    @property
    def _tensor(self) -> Collection[str]:
        """The name of the definition of a quantized tensor, if the edition has them."""
        return [name for name in ("tensor",) if name in self.definitions]

    @cached_property
    def integer_keys(self) -> AbstractSet[str]:
        """The global keys and algorithm parameters with integer values."""
        owners = (self.document, *(self.definitions[name] for name in (*self._algorithms, *self._tensor)))
        return {
            key
            for owner in owners
            for key, known in owner["properties"].items()
            if _is_integer(self._resolved(known))
        }

    def home_of(self, key: str) -> str | None:
        """Return the object that a layer key belongs to, for a message; None for any other key."""
        return self._owners_of_keys.get(key)

    @cached_property
    def _owners_of_keys(self) -> Mapping[str, str]:
        owners = {
            key: f"{definition}_quant_params of a layer"
            for definition, selector in _SELECTORS
            for name in _choices(self.definitions[definition], selector)
            for key in self.definitions[name]["properties"]
        }
        tensors = [key for name in self._tensor for key in self.definitions[name]["properties"]]
        return (
            dict.fromkeys(tensors, f"an item of {TENSORS}")
            | owners
            | dict.fromkeys(self.layer_keys, "a layer")
        )

    # --- algorithms

    @cached_property
    def default_activation(self) -> str:
        """The default activation algorithm (reference 3.3)."""
        return self._default_of("activation", ACTIVATION_ALGORITHM)

    @cached_property
    def default_weight(self) -> str:
        """The default weight algorithm (reference 3.4)."""
        return self._default_of("weight", WEIGHT_ALGORITHM)

    def _default_of(self, definition: str, key: str) -> str:
        name: str = self.definitions[definition]["properties"][key]["default"]
        return name

    @cached_property
    def _algorithms(self) -> tuple[str, ...]:
        return tuple(
            name for home, selector in _SELECTORS for name in _choices(self.definitions[home], selector)
        )

    @cached_property
    def _parameters(self) -> Mapping[str, tuple[Parameter, ...]]:
        return {
            name: tuple(
                _parameter(key, self._resolved(known))
                for key, known in self.definitions[name]["properties"].items()
            )
            for name in self._algorithms
        }

    @cached_property
    def _parameters_by_key(self) -> Mapping[str, Mapping[str, Parameter]]:
        return {name: {each.key: each for each in known} for name, known in self._parameters.items()}

    def parameters_by_key(self, name: str) -> Mapping[str, Parameter]:
        """Return the keys of an algorithm by name."""
        return self._parameters_by_key[name]

    def parameters(self, name: str) -> tuple[Parameter, ...]:
        """Return the parameters of an algorithm in output order; name is its name in the configuration."""
        return self._parameters[name]

    def algorithm_of(self, key: str, selector: str) -> str | None:
        """Return the only algorithm with a parameter, or None; selector is the key that names algorithms."""
        names = (name for each in self.definitions.values() for name in _choices(each, selector))
        having = [name for name in names if key in self.definitions[name]["properties"]]
        return having[0] if len(having) == 1 else None

    def parameter_of_field(self, field: str) -> Parameter | None:
        """Return a parameter that a field sets; it is the same for all algorithms that have it."""
        known = (each for name in self._algorithms for each in self._parameters[name])
        return next((each for each in known if field in each.settings), None)

    def algorithm_of_field(self, field: str) -> str | None:
        """Return the algorithm that a quant.cfg field selects, or None for any other field."""
        return next((name for name in self._algorithms if field in (name, field_of(name))), None)

    def activation_algorithm_of(self, values: Mapping[str, Any]) -> str:
        """Return the algorithm that AMCT infers from activation_quant_params (reference 3.6)."""
        condition, chosen, other = self._activation_choice
        return chosen if condition(values) else other

    @cached_property
    def _activation_choice(self) -> tuple[Accepts, str, str]:
        """The condition of the schema, and the algorithms if it holds and if not."""
        definition = self.definitions["activation"]
        chosen, other = (definition[branch]["$ref"].rsplit("/", 1)[-1] for branch in ("then", "else"))
        return acceptor(definition["if"], self.document), chosen, other

    def accepts_value(self, name: str, key: str, value: Any) -> bool:
        """Return whether the schema allows a value for a parameter of an algorithm."""
        return acceptor(self.definitions[name]["properties"][key], self.document)(value)

    # --- the definition of one value

    def of_field(self, field: str, algorithm: str | None = None) -> Definition:
        """Return the definition of the value of a quant.cfg field, or {} if the schema has none.

        For a parameter, algorithm is the enclosing field.
        """
        known: Definition
        if algorithm is None:
            known = self.document["properties"].get(field, {})
            return known
        name = self.algorithm_of_field(algorithm)
        if name is None:
            key = self.layer_fields.get(f"{algorithm}.{field}")
            return self.definitions["layer"]["properties"][key] if key else {}
        parameter = next((each for each in self.parameters(name) if field in each.settings), None)
        if parameter is None:
            return {}
        known = self._resolved(self.definitions[name]["properties"][parameter.key])
        items: Definition = known.get("items", {})
        return items if len(parameter.settings) > 1 else known

    def at(self, path: Sequence[str | int], around: Mapping[str, Any]) -> Definition:
        """Return the definition of the value at a path of keys and indices, or {} for an unknown key.

        around is the object with the last key: it determines the algorithm.
        """
        known: Definition = self.document
        for key in path:
            if isinstance(key, int):
                known = self._resolved(known.get("items", {}))
                continue
            properties = known.get("properties", {})
            if "if" in known:
                properties = {**properties, **self._chosen(known, around)}
            known = self._resolved(properties.get(key, known.get("additionalProperties") or {}))
        return known

    def _chosen(self, definition: Definition, values: Mapping[str, Any]) -> Definition:
        """Return the parameters of the algorithm of an object, without the key that names it."""
        selector = next(iter(definition["properties"]))
        is_first = acceptor(definition["if"], self.document)(values)
        chosen = self._resolved(definition["then" if is_first else "else"])
        return {key: each for key, each in chosen["properties"].items() if key != selector}

    def _resolved(self, known: Definition) -> Definition:
        """Follow a reference, if there is one."""
        return self.definitions[known["$ref"].rsplit("/", 1)[-1]] if "$ref" in known else known


def field_of(name: str) -> str:
    """Return the quant.cfg field of an algorithm, by its configuration name (reference 3.3, 3.4)."""
    return name if name.endswith(_FIELD_END) else f"{name}{_FIELD_END}"


def activation_name(field: str) -> str:
    """Return the configuration name of an activation algorithm, by its quant.cfg field (reference 3.3)."""
    return field.removesuffix(_FIELD_END)


def _parameter(key: str, known: Definition) -> Parameter:
    if known.get("type") == "array":
        return Parameter(key, tuple(f"{key}_{end}" for end in _ENDS), tuple(known["default"]))
    written = known.get(QUANT_CFG, {})
    defaults = (known["default"],) if "default" in known else ()
    return Parameter(key, (written.get("field", key),), defaults, written.get("values", _SAME))


def _is_integer(known: Definition) -> bool:
    return known.get("type") == "integer" or all(type(value) is int for value in known.get("enum", ("",)))


def _choices(definition: Definition, selector: str) -> Iterator[str]:
    yield from definition.get("properties", {}).get(selector, {}).get("enum", ())
