"""A text that is open in an editor, what is known of it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from quantcfg.compile import Compiled, compile_source, is_configuration
from quantcfg.diagnostics import Diagnostic, has_errors, related
from quantcfg.editions import DEFAULT, edition_named
from quantcfg.lsp.models import Model
from quantcfg.network import Edition, Network
from quantcfg.plan import Plan
from quantcfg.project import Named, named_model
from quantcfg.provenance import words
from quantcfg.source import Source, Span
from quantcfg.textproto import parse, tree
from quantcfg.textproto.literals import decode_string


@dataclass(frozen=True)
class Document:
    """A text and the model that it is for. What is made of them is made when it is asked for, and once.

    A document with is_prototxt is a network itself. edition_name is the edition
    that counts without a network.
    """

    source: Source
    model: Model | None = None
    is_prototxt: bool = field(default=False)
    edition_name: str = DEFAULT

    @cached_property
    def is_configuration(self) -> bool:
        """Whether the text is a JSON configuration."""
        return not self.is_prototxt and is_configuration(self.source)

    @cached_property
    def is_request(self) -> bool:
        """Whether the text is a quant.cfg."""
        return not self.is_prototxt and not self.is_configuration

    @property
    def network(self) -> Network | None:
        """The network of the model, if it could be read."""
        return self.model.network if self.model else None

    @property
    def edition(self) -> Edition:
        """The edition of the network; without one, that of the project."""
        return self.network.edition if self.network else edition_named(self.edition_name)

    @cached_property
    def compiled(self) -> Compiled:
        """What a quant.cfg or a configuration compiles to."""
        return compile_source(self.source, self.network, self.edition)

    @property
    def plan(self) -> Plan | None:
        """The plan of a quant.cfg, None of any other text."""
        return self.compiled.plan if self.is_request else None

    @cached_property
    def syntax(self) -> tree.Document:
        """The syntax tree of a text in text format; of a configuration, an empty one."""
        if self.is_request:
            made = self.compiled.tree
            assert made
            return made
        if self.is_configuration:
            return tree.Document(self.source, ())
        return parse(self.source, lambda _: None)

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that is wrong with the text, sorted by place; of a network, what was said when it was read."""
        if self.is_prototxt:
            return self.model.diagnostics if self.model else ()
        return self.compiled.diagnostics

    def span(self, node: tree.Node) -> Span:
        """Return where a node of the tree stands."""
        return self.syntax.span(node)


def nodes_at(document: Document, offset: int) -> list[tree.Node]:
    """Return the nodes that an offset is in or at the end of, the outermost first."""
    found: list[tree.Node] = []
    nodes: tuple[tree.Node, ...] = document.syntax.fields
    while nodes:
        at = [node for node in nodes if node.start <= offset <= node.end]
        if not at:
            break
        found.append(at[-1])
        nodes = tree.children(at[-1])
    return found


def fields_at(document: Document, offset: int) -> list[tree.Field]:
    """Return the fields that an offset is in, the outermost first."""
    return [node for node in nodes_at(document, offset) if isinstance(node, tree.Field)]


def path_of(fields: list[tree.Field]) -> tuple[str, ...]:
    """Return the names of some fields."""
    return tuple(field.name.text for field in fields)


def text_of(string: tree.String) -> str | None:
    """Return what a string stands for, or None if it is no text."""
    value = decode_string(string)
    return value.decode(errors="replace") if isinstance(value, bytes) else None


def string_at(document: Document, offset: int) -> tree.String | None:
    """Return the string that an offset is in."""
    strings = (node for node in nodes_at(document, offset) if isinstance(node, tree.String))
    return next(strings, None)


def all_fields(document: Document) -> Iterator[tuple[tree.Field, int]]:
    """Yield all fields of a tree, each before those in it, and how deep they are."""
    waiting = [(field, 0) for field in reversed(document.syntax.fields)]
    while waiting:
        each, depth = waiting.pop()
        yield each, depth
        waiting += [(inner, depth + 1) for inner in reversed(fields_in(each.value))]


def fields_in(value: tree.Value) -> tuple[tree.Field, ...]:
    """Return the fields of a message, or of the messages in a list."""
    if isinstance(value, tree.List):
        return tuple(field for item in value.items for field in fields_in(item))
    return value.fields if isinstance(value, tree.Message) else ()


def model_named(document: Document) -> Named | None:
    """Return the model that the text itself names, if it does."""
    return named_model(document.source) if document.is_request else None


def findings(document: Document) -> tuple[Diagnostic, ...]:
    """Return what "quantcfg check" says of a text, behind what keeps its model from being read."""
    if document.is_prototxt:
        return tuple(each for each in document.diagnostics if _is_in(document, each))
    return (*_of_model(document), *document.diagnostics)


def _is_in(document: Document, diagnostic: Diagnostic) -> bool:
    name = diagnostic.span.source.name if diagnostic.span else diagnostic.file
    return name == document.source.name


def _of_model(document: Document) -> Iterator[Diagnostic]:
    """Yield what is wrong with a model that cannot be read, where the text names it, or at its start."""
    model = document.model
    if model is None or model.network or not has_errors(model.diagnostics):
        return
    named = model_named(document)
    for each in model.diagnostics:
        of_weights = (each.span.source.name if each.span else each.file) == model.named.weights
        message = f"the {'weights' if of_weights else 'model'}{words.at(each.span)}: {each.message}"
        span = (named.weights_span if of_weights else named.span) if named else None
        place = related(each.span, "it is here")
        yield replace(each, message=message, span=span, related=place, fix=(), file=document.source.name)
