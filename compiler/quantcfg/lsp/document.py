"""A document that is open in an editor: its syntax tree, plan and diagnostics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from quantcfg.compile import Compiled, compile_source, is_configuration
from quantcfg.diagnostics import Diagnostic, has_errors, related
from quantcfg.editions import DEFAULT, edition_named
from quantcfg.frozen import replace
from quantcfg.lsp.models import Model
from quantcfg.network import Edition, Network
from quantcfg.plan import Plan
from quantcfg.project import Named, check_comments, named_model
from quantcfg.provenance import words
from quantcfg.source import Source, Span
from quantcfg.textproto import parse, tree
from quantcfg.textproto.literals import decode_string


@dataclass(frozen=True)
class Document:
    """An open file and its model. Everything else is computed on first use and cached.

    A document with is_model is a network itself. edition_name is the edition
    to use without a network.
    """

    source: Source
    model: Model | None = None
    is_model: bool = False
    edition_name: str = DEFAULT

    @cached_property
    def is_configuration(self) -> bool:
        """Whether the document is a JSON configuration."""
        return not self.is_model and is_configuration(self.source)

    @cached_property
    def is_request(self) -> bool:
        """Whether the document is a quant.cfg."""
        return not self.is_model and not self.is_configuration

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
        """The plan of a quant.cfg, None for any other document."""
        return self.compiled.plan if self.is_request else None

    @cached_property
    def syntax(self) -> tree.Document:
        """The syntax tree of a document in text format; it is empty for a configuration."""
        if self.is_request:
            assert self.compiled.tree
            return self.compiled.tree
        if self.is_configuration:
            return tree.Document(self.source, ())
        return parse(self.source, lambda _: None)

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The diagnostics of the document, sorted by location; for a network, those of reading it."""
        if self.is_model:
            return self.model.diagnostics if self.model else ()
        return self.compiled.diagnostics

    def span(self, node: tree.Node) -> Span:
        """Return the span of a node."""
        return self.syntax.span(node)


def nodes_at(document: Document, offset: int) -> list[tree.Node]:
    """Return the nodes that contain an offset or end at it, outermost first."""
    found: list[tree.Node] = []
    nodes: Sequence[tree.Node] = document.syntax.fields
    while nodes:
        at = [node for node in nodes if node.start <= offset <= node.end]
        if not at:
            break
        found.append(at[-1])
        nodes = tree.children(at[-1])
    return found


def fields_at(document: Document, offset: int) -> list[tree.Field]:
    """Return the fields that contain an offset or end at it, outermost first."""
    return [node for node in nodes_at(document, offset) if isinstance(node, tree.Field)]


def path_of(fields: list[tree.Field]) -> tuple[str, ...]:
    """Return the names of fields, as a path."""
    return tuple(field.name.text for field in fields)


def text_of(string: tree.String) -> str | None:
    """Return the value of a string literal, None if it has an invalid escape sequence."""
    value = decode_string(string)
    return value.decode(errors="replace") if isinstance(value, bytes) else None


def string_at(document: Document, offset: int) -> tree.String | None:
    """Return the string that contains an offset or ends at it."""
    strings = (node for node in nodes_at(document, offset) if isinstance(node, tree.String))
    return next(strings, None)


def all_fields(document: Document) -> Iterator[tree.Field]:
    """Yield all fields, each before the fields inside it."""
    waiting = [*reversed(document.syntax.fields)]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += reversed(fields_in(each.value))


def fields_in(value: tree.Value) -> list[tree.Field]:
    """Return the fields of a message, or of all messages in a list."""
    if isinstance(value, tree.List):
        return [field for item in value.items for field in fields_in(item)]
    return value.fields if isinstance(value, tree.Message) else []


def model_named(document: Document) -> Named | None:
    """Return the model that a quant.cfg names in its comments, if any."""
    return named_model(document.source) if document.is_request else None


def all_diagnostics(document: Document) -> tuple[Diagnostic, ...]:
    """Return the errors of a model that cannot be read, then what "quantcfg check" reports."""
    if document.is_model:
        return tuple(each for each in document.diagnostics if _is_in(document, each))
    of_comments: list[Diagnostic] = []
    if document.is_request:
        check_comments(document.source, of_comments.append)
    return (*of_comments, *_of_model(document), *document.diagnostics)


def _is_in(document: Document, diagnostic: Diagnostic) -> bool:
    name = diagnostic.span.source.name if diagnostic.span else diagnostic.file
    return name == document.source.name


def _of_model(document: Document) -> Iterator[Diagnostic]:
    """Yield the diagnostics of a model that cannot be read, at the comment that names it."""
    model = document.model
    if model is None or model.network or not has_errors(model.diagnostics):
        return
    named = model_named(document)
    for each in model.diagnostics:
        of_weights = (each.span.source.name if each.span else each.file) == model.named.weights
        message = f"the {'weights' if of_weights else 'model'}{words.at(each.span)}: {each.message}"
        span = (named.weights_span if of_weights else named.span) if named else None
        note = related(each.span, "reported here")
        yield replace(each, message=message, span=span, related=note, fix=(), file=document.source.name)
