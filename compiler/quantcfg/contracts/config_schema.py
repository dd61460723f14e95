"""The JSON Schema of an edition's configurations: keys, defaults, algorithms and their parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any

from quantcfg import contracts
from quantcfg.contracts.acceptance import Accepts, acceptor
from quantcfg.frozen import Remembering, frozen_value

ACTIVATION_ALGORITHM = "act_algo"
WEIGHT_ALGORITHM = "wts_algo"
ASYMMETRIC = "asymmetric"
CHANNEL_WISE = "channel_wise"

_HOMES = (("activation", ACTIVATION_ALGORITHM), ("weight", WEIGHT_ALGORITHM))
"""The definitions of the objects that name an algorithm, and the key that does."""

_ENDS = ("start", "end")
_FIELD_END = "_quantize"

Definition = Mapping[str, Any]


@frozen_value
class Parameter:
    """A key of the configuration that an algorithm writes.

    settings are the fields of quant.cfg that give its value, two for a range;
    defaults are as many, or none where the schema has no default.
    """

    key: str
    settings: tuple[str, ...]
    defaults: tuple[Any, ...]

    @property
    def default(self) -> Any:
        """The default as the configuration has it, None where the schema has none."""
        if not self.defaults:
            return None
        return list(self.defaults) if len(self.settings) > 1 else self.defaults[0]

    def items(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield the fields of quant.cfg that give a value of the configuration, and the value of each."""
        yield from zip(self.settings, value if len(self.settings) > 1 else (value,), strict=True)


@frozen_value
class ConfigSchema(Remembering):
    """The schema of an edition, by the name of its file in schemas/."""

    file: str

    @property
    def document(self) -> dict[str, Any]:
        """The schema itself."""
        return contracts.schema(self.file)

    @property
    def text(self) -> str:
        """The text of its file."""
        return contracts.schema_text(self.file)

    @property
    def definitions(self) -> dict[str, Any]:
        """Its definitions: a layer, its parts, and the algorithms."""
        definitions: dict[str, Any] = self.document["definitions"]
        return definitions

    @cached_property
    def accepts(self) -> Accepts:
        """Whether a configuration is valid by the schema."""
        return acceptor(self.document, self.document)

    # --- the keys of a configuration

    @cached_property
    def global_defaults(self) -> Mapping[str, Any]:
        """The keys of the whole network in output order, with their defaults (reference 3.1)."""
        return {key: known["default"] for key, known in self.document["properties"].items()}

    @property
    def layer_keys(self) -> Collection[str]:
        """The keys of a layer in output order (reference 3.2)."""
        keys: Collection[str] = self.definitions["layer"]["properties"].keys()
        return keys

    @cached_property
    def integer_keys(self) -> AbstractSet[str]:
        """The keys whose values are integers, of the network and of algorithms."""
        homes = (self.document, *(self.definitions[name] for name in self._algorithms))
        return {key for home in homes for key, known in home["properties"].items() if _is_integer(known)}

    def home_of(self, key: str) -> str | None:
        """Return the object of a configuration that has a key: a layer, or one of its objects."""
        return self._homes_of_keys.get(key)

    @cached_property
    def _homes_of_keys(self) -> Mapping[str, str]:
        homes = {
            key: f"{home}_quant_params of a layer"
            for home, selector in _HOMES
            for name in _choices(self.definitions[home], selector)
            for key in self.definitions[name]["properties"]
        }
        return homes | dict.fromkeys(self.layer_keys, "a layer")

    # --- algorithms

    @cached_property
    def default_activation(self) -> str:
        """The activation algorithm of a layer that names none (reference 3.3)."""
        return self._default_of("activation", ACTIVATION_ALGORITHM)

    @cached_property
    def default_weight(self) -> str:
        """The weight algorithm of a layer that names none (reference 3.4)."""
        return self._default_of("weight", WEIGHT_ALGORITHM)

    def _default_of(self, definition: str, key: str) -> str:
        name: str = self.definitions[definition]["properties"][key]["default"]
        return name

    @cached_property
    def _algorithms(self) -> tuple[str, ...]:
        return tuple(name for home, selector in _HOMES for name in _choices(self.definitions[home], selector))

    @cached_property
    def _parameters(self) -> Mapping[str, tuple[Parameter, ...]]:
        return {
            name: tuple(_parameter(key, known) for key, known in self.definitions[name]["properties"].items())
            for name in self._algorithms
        }

    @cached_property
    def _parameters_by_key(self) -> Mapping[str, Mapping[str, Parameter]]:
        return {name: {each.key: each for each in known} for name, known in self._parameters.items()}

    def parameters_by_key(self, name: str) -> Mapping[str, Parameter]:
        """Return the keys of an algorithm by name."""
        return self._parameters_by_key[name]

    def parameters(self, name: str) -> tuple[Parameter, ...]:
        """Return the keys of an algorithm, by its name in the configuration, in output order."""
        return self._parameters[name]

    def algorithm_of(self, key: str, selector: str) -> str | None:
        """Return the one algorithm that has a key among its parameters; selector is where it is named."""
        names = (name for each in self.definitions.values() for name in _choices(each, selector))
        having = [name for name in names if key in self.definitions[name]["properties"]]
        return having[0] if len(having) == 1 else None

    def algorithm_of_field(self, field: str) -> str | None:
        """Return the algorithm that a field of quant.cfg asks for, None if it is no such field."""
        return next((name for name in self._algorithms if field in (name, field_of(name))), None)

    def activation_algorithm_of(self, values: Mapping[str, Any]) -> str:
        """Return the algorithm that activation_quant_params are read as (reference 3.6)."""
        condition, chosen, other = self._activation_choice
        return chosen if condition(values) else other

    @cached_property
    def _activation_choice(self) -> tuple[Accepts, str, str]:
        """The condition of the schema, and the algorithms where it holds and where it does not."""
        definition = self.definitions["activation"]
        chosen, other = (definition[branch]["$ref"].rsplit("/", 1)[-1] for branch in ("then", "else"))
        return acceptor(definition["if"], self.document), chosen, other

    def accepts_value(self, name: str, key: str, value: Any) -> bool:
        """Tell whether the schema takes a value for a key of an algorithm."""
        return acceptor(self.definitions[name]["properties"][key], self.document)(value)

    # --- what the schema says of one value

    def of_field(self, field: str, algorithm: str | None = None) -> Definition:
        """Return what the schema says of the value of a field of quant.cfg; nothing where it has none.

        algorithm is the field that the field stands in, if it is a parameter.
        """
        known: Definition
        if algorithm is None:
            known = self.document["properties"].get(field, {})
            return known
        name = self.algorithm_of_field(algorithm)
        if name is None:
            return {}
        parameter = next((each for each in self.parameters(name) if field in each.settings), None)
        if parameter is None:
            return {}
        known = self._resolved(self.definitions[name]["properties"][parameter.key])
        items: Definition = known.get("items", {})
        return items if len(parameter.settings) > 1 else known

    def at(self, path: Sequence[str], around: Mapping[str, Any]) -> Definition:
        """Return what the schema says of the value under some keys; nothing of unknown keys.

        around is the object that has the last key: it says of which algorithm the parameters are.
        """
        known: Definition = self.document
        for key in path:
            properties = known.get("properties", {})
            if "if" in known:
                properties = {**properties, **self._chosen(known, around)}
            known = self._resolved(properties.get(key, known.get("additionalProperties") or {}))
        return known

    def _chosen(self, definition: Definition, values: Mapping[str, Any]) -> Definition:
        """Return the parameters of the algorithm that an object is read as, without the key that names it."""
        selector = next(iter(definition["properties"]))
        is_first = acceptor(definition["if"], self.document)(values)
        chosen = self._resolved(definition["then" if is_first else "else"])
        return {key: each for key, each in chosen["properties"].items() if key != selector}

    def _resolved(self, known: Definition) -> Definition:
        """Return what a schema refers to, or itself."""
        return self.definitions[known["$ref"].rsplit("/", 1)[-1]] if "$ref" in known else known


def field_of(name: str) -> str:
    """Return the field of a quant.cfg for what the configuration calls an algorithm (reference 3.3, 3.4)."""
    return name if name.endswith(_FIELD_END) else f"{name}{_FIELD_END}"


def activation_name(field: str) -> str:
    """Return the name of an activation algorithm in a configuration, by its field (reference 3.3)."""
    return field.removesuffix(_FIELD_END)


def _parameter(key: str, known: Definition) -> Parameter:
    if known.get("type") == "array":
        return Parameter(key, tuple(f"{key}_{end}" for end in _ENDS), tuple(known["default"]))
    return Parameter(key, (key,), (known["default"],) if "default" in known else ())


def _is_integer(known: Definition) -> bool:
    return known.get("type") == "integer" or all(type(value) is int for value in known.get("enum", ("",)))


def _choices(definition: Definition, selector: str) -> Iterator[str]:
    yield from definition.get("properties", {}).get(selector, {}).get("enum", ())
