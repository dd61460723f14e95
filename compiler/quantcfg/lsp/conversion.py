"""Conversion between the values of the features and the types of the protocol."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

import attrs
from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path

from quantcfg.diagnostics import Diagnostic, Edit, Related, Severity
from quantcfg.frozen import Caching, frozen_value
from quantcfg.lsp.annotations import Hint
from quantcfg.lsp.completion import Item, Kind
from quantcfg.lsp.hover import Hover
from quantcfg.lsp.lines import Lines
from quantcfg.lsp.outline import Fold, Symbol
from quantcfg.lsp.semantic_tokens import Kind as TokenKind
from quantcfg.lsp.semantic_tokens import Token
from quantcfg.lsp.text_edits import Fix
from quantcfg.source import Source, Span

TOKEN_TYPES = [kind.value for kind in TokenKind]
TOKEN_MODIFIERS = [types.SemanticTokenModifiers.Deprecated.value]

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}
_START = types.Range(types.Position(0, 0), types.Position(0, 0))
_ITEM_KINDS = {
    Kind.FIELD: types.CompletionItemKind.Property,
    Kind.MESSAGE: types.CompletionItemKind.Struct,
    Kind.VALUE: types.CompletionItemKind.Value,
    Kind.LAYER: types.CompletionItemKind.Reference,
    Kind.TYPE: types.CompletionItemKind.Class,
}


def path_of(uri: str) -> str:
    """Return the path of a file URI; any other URI is returned as it is."""
    path = to_fs_path(uri.replace("file://localhost/", "file:///", 1)) if uri.startswith("file:") else None
    return os.path.normpath(path) if path else uri


def uri_of(name: str) -> str:
    """Return the URI of a source, given its name."""
    return name if "://" in name else from_fs_path(name) or name


@frozen_value
class Conversion(Caching):
    """Conversion of offsets and spans, in the negotiated encoding of columns; lines are cached by source.

    uris maps the names of open documents to the URIs that the client uses. listed
    returns what to show for a span of a binary file.
    """

    encoding: str
    uris: Mapping[str, str] = MappingProxyType({})
    listed: Callable[[Span], Span] = lambda span: span

    @cached_property
    def _lines(self) -> dict[int, tuple[Source, Lines]]:
        return {}

    def lines(self, source: Source) -> Lines:
        """Return the lines of a source."""
        if id(source) not in self._lines:
            self._lines[id(source)] = source, Lines(source.text, self.encoding)
        return self._lines[id(source)][1]

    def offset(self, source: Source, position: types.Position) -> int:
        """Return the offset of a position."""
        return self.lines(source).offset(position.line, position.character)

    def position(self, source: Source, offset: int) -> types.Position:
        """Return the position of an offset."""
        return types.Position(*self.lines(source).position(offset))

    def range(self, span: Span) -> types.Range:
        """Return the range of a span; in a binary file, it is the start."""
        if span.source.is_binary:
            return _START
        position = self.lines(span.source).position
        return types.Range(types.Position(*position(span.start)), types.Position(*position(span.end)))

    def location(self, span: Span) -> types.Location:
        """Return the location of a span, in any file."""
        span = self.listed(span) if span.source.is_binary else span
        name = span.source.name
        return types.Location(self.uris.get(name) or uri_of(name), self.range(span))

    def diagnostic(self, diagnostic: Diagnostic) -> types.Diagnostic:
        """Convert a diagnostic; one without a span goes to the start of the file."""
        help = f"\n{diagnostic.help}" if diagnostic.help else ""
        return types.Diagnostic(
            self.range(diagnostic.span) if diagnostic.span else _START,
            diagnostic.message + help,
            _SEVERITIES[diagnostic.severity],
            diagnostic.code,
            source="quantcfg",
            related_information=[
                types.DiagnosticRelatedInformation(self.location(each.span), _related_message(each))
                for each in diagnostic.related
            ],
        )

    def edits(self, edits: Iterable[Edit]) -> list[types.TextEdit]:
        """Convert edits of one file."""
        return [types.TextEdit(self.range(edit.span), edit.text) for edit in edits]

    def fix(self, fix: Fix, uri: str) -> types.CodeAction:
        """Convert a fix to a code action."""
        return types.CodeAction(
            fix.title,
            types.CodeActionKind.QuickFix if fix.diagnostic else types.CodeActionKind.SourceFixAll,
            [self.diagnostic(fix.diagnostic)] if fix.diagnostic else None,
            is_preferred=fix.diagnostic is not None,
            edit=types.WorkspaceEdit({uri: self.edits(fix.edits)}),
        )

    def items(self, items: Sequence[Item], *, with_snippets: bool) -> list[types.CompletionItem]:
        """Convert completions; the client keeps their order."""
        width = len(str(len(items)))
        return [
            self._item(item, f"{index:0{width}}", with_snippets=with_snippets)
            for index, item in enumerate(items)
        ]

    def _item(self, item: Item, order: str, *, with_snippets: bool) -> types.CompletionItem:
        snippet = item.snippet if with_snippets else None
        return types.CompletionItem(
            item.label,
            kind=_ITEM_KINDS[item.kind],
            detail=item.detail or None,
            documentation=_markdown(item.documentation) if item.documentation else None,
            sort_text=order,
            text_edit=types.TextEdit(self.range(item.span), snippet or item.text),
            insert_text_format=types.InsertTextFormat.Snippet
            if snippet
            else types.InsertTextFormat.PlainText,
        )

    def hover(self, hover: Hover) -> types.Hover:
        """Convert a hover."""
        return types.Hover(_markdown(hover.text), self.range(hover.span))

    def symbols(self, source: Source, symbols: Iterable[Symbol]) -> list[types.DocumentSymbol]:
        """Convert symbols and their children."""
        # Checking each value takes as long as all the rest, which is felt in a network of 50,000 layers.
        with attrs.validators.disabled():
            return self._symbols(self.lines(source), symbols)

    def _symbols(self, lines: Lines, symbols: Iterable[Symbol]) -> list[types.DocumentSymbol]:
        position = lines.position
        converted = []
        for symbol in symbols:
            start = types.Position(*position(symbol.start))
            converted.append(
                types.DocumentSymbol(
                    symbol.name,
                    types.SymbolKind.Struct if symbol.is_message else types.SymbolKind.Property,
                    types.Range(start, types.Position(*position(symbol.end))),
                    types.Range(start, types.Position(*position(symbol.name_end))),
                    detail=symbol.detail,
                    children=self._symbols(lines, symbol.children) if symbol.children else None,
                )
            )
        return converted

    def fold(self, fold: Fold) -> types.FoldingRange:
        """Convert a fold."""
        span = self.range(fold.span)
        kind = types.FoldingRangeKind.Comment if fold.is_comment else types.FoldingRangeKind.Region
        return types.FoldingRange(span.start.line, span.end.line, kind=kind)

    def hint(self, source: Source, hint: Hint) -> types.InlayHint:
        """Convert an inlay hint."""
        position = self.position(source, hint.offset)
        return types.InlayHint(position, hint.text, tooltip=hint.tooltip, padding_left=True)

    def tokens(self, tokens: Iterable[Token]) -> types.SemanticTokens:
        """Encode tokens as the protocol does: the position of each is relative to the one before."""
        data: list[int] = []
        starts = [types.Position(0, 0)]
        for token in tokens:
            span = self.range(token.span)
            starts.append(span.start)
            before, now = starts[-2:]
            column = now.character - (before.character if now.line == before.line else 0)
            length = span.end.character - span.start.character
            kind = TOKEN_TYPES.index(token.kind.value)
            data += [now.line - before.line, column, length, kind, int(token.is_deprecated)]
        return types.SemanticTokens(data)


def _related_message(related: Related) -> str:
    element = related.span.element
    return f"{element}: {related.message}" if element else related.message


def _markdown(text: str) -> types.MarkupContent:
    return types.MarkupContent(types.MarkupKind.Markdown, text)
