"""The server: it passes the requests of the client to the features, and returns their results."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO, NoReturn, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from quantcfg import __version__, editions
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions import DEFAULT, edition_named, recognized_edition
from quantcfg.editions.sources import read_source
from quantcfg.frozen import frozen_value
from quantcfg.lsp.annotations import compiled, hints, title
from quantcfg.lsp.completion import completions
from quantcfg.lsp.conversion import TOKEN_MODIFIERS, TOKEN_TYPES, Conversion, path_of, uri_of
from quantcfg.lsp.document import Document, all_diagnostics
from quantcfg.lsp.framing import MessageStream
from quantcfg.lsp.hover import hover
from quantcfg.lsp.listing import in_listing, write_listing
from quantcfg.lsp.models import Model, model_for, read_model
from quantcfg.lsp.navigation import definitions, references
from quantcfg.lsp.outline import folds, symbols
from quantcfg.lsp.semantic_tokens import tokens
from quantcfg.lsp.text_edits import fix_of_all, fixes, layout
from quantcfg.project import SETTINGS, Named, settings_around
from quantcfg.source import Source, Span

SHOW_COMPILED = "quantcfg.showCompiled"
"""The command that returns the JSON that a quant.cfg, given by its URI, compiles to."""

_SECTION = "quantcfg"
_WORDS = [edition_named(name).words for name in editions.NAMES]
"""What editors call the files of each edition."""

_WATCHED = [
    f"**/{SETTINGS}",
    *(f"**/*{suffix}" for words in _WORDS for suffix in (words.model_suffix, words.weights_suffix) if suffix),
]
_GC_THRESHOLD = 200_000
"""How many new objects start a garbage collection: those of an answer are not in cycles."""

_DEBOUNCE = 0.002
"""How many seconds after the last change documents are checked: changes in a burst are closer than this."""

_LONGEST_STEM = 60
"""The name of a file is cut to this length in the name of what is shown for it."""


@frozen_value
class _Opened:
    """A document as the client has it."""

    text: str
    version: int
    is_model: bool


class _Protocol(LanguageServerProtocol):
    """The protocol of pygls, except that "exit" ends the process.

    pygls waits for the thread that reads standard input, which may stay open as long as the client runs.
    """

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: object) -> None:  # type: ignore[override]
        """End the process, with status 1 if the client did not send "shutdown" before."""
        _end(cast("Server", self._server).directory, 0 if self._shutdown else 1)

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Parse a message; an invalid request gets an error response, because its client waits for one."""
        try:
            return super().structure_message(data)
        except JsonRpcException:
            if {"id", "method"} <= data.keys():
                self._send_response(data["id"], error=JsonRpcInvalidParams().to_response_error())
            raise


class Server(LanguageServer):
    """The server and its state between messages: open documents, models and settings."""

    def __init__(self, directory: str) -> None:
        # pygls would apply partial changes with the line ends of Python, which include form feeds.
        sync = types.TextDocumentSyncKind.Full
        super().__init__("quantcfg", __version__, text_document_sync_kind=sync, protocol_cls=_Protocol)
        self.directory = directory
        self.opened: dict[str, _Opened] = {}
        self.documents: dict[str, Document] = {}
        self.models: dict[tuple[str, str | None], Model] = {}
        self.settings: Mapping[str, Any] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.published: dict[str, tuple[int, Document]] = {}
        self.shown: dict[str, str] = {}
        self.listings: dict[str, tuple[Model, Source]] = {}
        self.warned: set[str] = set()

    @property
    def encoding(self) -> str:
        """The negotiated encoding of columns."""
        return str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding))

    def conversion(self) -> Conversion:
        """Return a conversion for one answer."""
        return Conversion(self.encoding, {path_of(uri): uri for uri in self.opened}, self.listed)

    def document(self, uri: str) -> Document:
        """Return an open document with its current model; the cached one if nothing has changed."""
        opened = self.opened.get(uri, _Opened("", 0, is_model=False))
        kept = self.documents.get(uri)
        is_same = kept is not None and kept.source.text == opened.text
        source = kept.source if kept and is_same else Source(path_of(uri), opened.text)
        model = self._model(source, opened)
        edition = self._edition(source, model)
        if kept and is_same and kept.model is model and kept.edition_name == edition:
            return kept
        self.documents[uri] = Document(source, model, opened.is_model, edition)
        return self.documents[uri]

    def requests_like(self, document: Document) -> Iterator[Document]:
        """Yield the open quant.cfg files that are for the model of a document."""
        model = document.model.named.model if document.model else None
        for uri in self.opened:
            each = self.document(uri)
            if each.is_request and each.model and each.model.named.model == model:
                yield each

    def requests_of(self, document: Document) -> Iterator[Document]:
        """Yield the quant.cfg that the settings name for a configuration, otherwise the open ones."""
        named = self._named(document.source)
        if named is None or named.config is None:
            yield from self.requests_like(document)
            return
        uri = next((uri for uri in self.opened if path_of(uri) == named.config), None)
        source = None if uri else read_source(named.config, lambda _: None, wanted="a quant.cfg")
        if uri:
            yield self.document(uri)
        elif source:
            yield Document(source, document.model, edition_name=document.edition_name)

    def listed(self, span: Span) -> Span:
        """Return the line of the listing of a binary model for a span in it, if the model can be read."""
        name = span.source.name
        models = (each for each in self.models.values() if each.named.model == name and each.network)
        model = next(models, None)
        if model is None or model.network is None:
            return span
        kept = self.listings.get(name)
        if kept is None or kept[0] is not model:
            path = kept[1].name if kept else self._new_file(f"{Path(name).name}.txt")
            self.listings[name] = model, write_listing(path, model.network)
        return in_listing(self.listings[name][1], span)

    def _new_file(self, name: str) -> str:
        """Return the path of a file to show, in a directory of its own."""
        stem, suffix = os.path.splitext(re.sub(r"[^\w.-]", "_", name))
        return os.path.join(tempfile.mkdtemp(dir=self.directory), f"{stem[:_LONGEST_STEM]}{suffix}")

    def _model(self, source: Source, opened: _Opened) -> Model | None:
        named = self._named(source)
        if opened.is_model and (named is None or named.model != source.name):
            named = Named(source.name)
        if named is None:
            return None
        texts = {path_of(uri): each.text for uri, each in self.opened.items()}
        key = named.model, named.weights
        self.models[key] = read_model(named, texts, self.models.get(key))
        return self.models[key]

    def _named(self, source: Source) -> Named | None:
        return model_for(source, self.settings, self.workspace.root_path, self._warn)

    def _edition(self, source: Source, model: Model | None) -> str:
        """Return the name of the edition of a document: that of its model, even if it cannot be read."""
        if model and model.network:
            return model.network.edition.name
        recognized = recognized_edition(model.named.model) if model else None
        if recognized:
            return recognized.name
        path = os.path.abspath(source.name)
        return settings_around(Source(path, ""), self._warn).edition or DEFAULT

    def _warn(self, error: Diagnostic) -> None:
        """Show an error in the settings, once."""
        file = error.span.source.name if error.span else error.file or "editor settings"
        message = f"{file}: {error.message}"
        if message not in self.warned:
            self.warned.add(message)
            self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))

    def changed(self) -> None:
        """Schedule a check of the open documents; unchanged ones are not checked again."""
        if self.timer:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(_DEBOUNCE, self._publish)

    def _publish(self) -> None:
        for uri, opened in self.opened.items():
            document, version = self.document(uri), opened.version
            before = self.published.get(uri)
            if before is None or before[0] != version or before[1] is not document:
                self.published[uri] = version, document
                found = [*map(self.conversion().diagnostic, all_diagnostics(document))]
                params = types.PublishDiagnosticsParams(uri, found, version=version)
                self.text_document_publish_diagnostics(params)
            if before and before[1].model is not document.model:
                self._refresh()
        used = {id(document.model) for document in self.documents.values()}
        self.models = {key: model for key, model in self.models.items() if id(model) in used}

    def _refresh(self) -> None:
        """Make the client request hints and lenses again: a changed model changes them, too."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None, lambda _: None)
        if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None, lambda _: None)

    def show(self, uri: str, text: str) -> None:
        """Show text in a new editor tab, if the client supports it."""
        window = self.client_capabilities.window
        if window and window.show_document and window.show_document.support:
            if uri not in self.shown:
                self.shown[uri] = self._new_file(f"{Path(path_of(uri)).stem}.json")
            path = self.shown[uri]
            Path(path).write_text(text, encoding="utf-8")
            self.window_show_document(types.ShowDocumentParams(uri_of(path)), lambda _: None)


def serve() -> None:
    """Serve over standard input and output until the client sends "exit"."""
    gc.set_threshold(_GC_THRESHOLD)
    with tempfile.TemporaryDirectory(prefix="quantcfg-") as directory:
        _end_on_signals(directory)
        logging.getLogger("pygls.server").addFilter(_in_one_line)
        server = make_server(directory)
        # Loaded modules stay: a full collection between two keystrokes does not have to traverse them.
        gc.freeze()
        stdin = MessageStream(sys.stdin.buffer, lambda error: _fail(directory, error))
        server.start_io(cast("BinaryIO", stdin))


def _end_on_signals(directory: str) -> None:
    """Wait in a thread for a signal that is not ignored, and end the process on it.

    A signal handler would run in the main thread. If the signal arrives just before
    that thread starts to read, the handler runs only after the next message.
    """
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handled = [number for number in ends if signal.getsignal(number) is not signal.SIG_IGN]
    signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    if handled:
        Thread(target=lambda: _end(directory, 128 + signal.sigwait(handled)), daemon=True).start()


def _in_one_line(record: logging.LogRecord) -> bool:
    """Log no traceback for a message that pygls cannot read: the error is in the message."""
    if record.exc_info:
        record.msg, record.exc_info = f"{record.msg}: {record.exc_info[1]}", None
    return True


def _fail(directory: str, error: str) -> NoReturn:
    """End the process with a one-line error about what the client sent."""
    if sys.stderr:
        with suppress(OSError):
            sys.stderr.write(f"quantcfg lsp: error: {error}\n")
    _end(directory, 1)


def _end(directory: str, status: int) -> NoReturn:
    """Delete the shown files and end the process, without waiting for the thread that reads input."""
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(status)


def make_server(directory: str) -> Server:
    """Return a server with all features, not started; directory is for the files that it shows."""
    server = Server(directory)
    for register in (
        _track_documents,
        _track_settings,
        _add_position_features,
        _add_document_features,
        _add_commands,
    ):
        register(server)
    return server


def _is_binary(uri: str) -> bool:
    """Return whether a document is a binary model: its text in an editor is not its content."""
    return any(uri.endswith(words.model_suffix) and not words.is_text for words in _WORDS)


def _track_documents(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        if _is_binary(item.uri):
            return
        is_model = any(
            item.language_id == words.language or item.uri.endswith(words.model_suffix) for words in _WORDS
        )
        server.opened[item.uri] = _Opened(item.text, item.version, is_model)
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def edited(params: types.DidChangeTextDocumentParams) -> None:
        identifier, text = params.text_document, params.content_changes[-1].text
        before = server.opened.get(identifier.uri)
        if before is None:
            return
        server.opened[identifier.uri] = _Opened(text, identifier.version, before.is_model)
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(_: types.DidSaveTextDocumentParams) -> None:
        # The mapping file of a request may have changed.
        server.documents.clear()
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        for kept in (server.opened, server.documents, server.published):
            kept.pop(uri, None)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))
        server.changed()


def _track_settings(server: Server) -> None:
    def take(settings: Any) -> None:
        """Store the settings of the client; some clients wrap them in a section."""
        if isinstance(settings, Mapping):
            section = settings.get(_SECTION, settings)
            server.settings = section if isinstance(section, Mapping) else {}

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        take(params.initialization_options)

    @server.feature(types.INITIALIZED)
    def initialized(_: types.InitializedParams) -> None:
        workspace = server.client_capabilities.workspace
        watching = workspace.did_change_watched_files if workspace else None
        if watching and watching.dynamic_registration:
            watchers = [types.FileSystemWatcher(pattern) for pattern in _WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            registration = types.Registration("models", method, options)
            server.client_register_capability(types.RegistrationParams([registration]), lambda _: None)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configured(params: types.DidChangeConfigurationParams) -> None:
        take(params.settings)
        server.changed()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(_: types.DidChangeWatchedFilesParams) -> None:
        server.warned.clear()
        server.changed()


def _add_position_features(server: Server) -> None:
    """Add the features that work at a position of a document."""

    def at(params: Any) -> tuple[Document, int, Conversion]:
        document, conversion = server.document(params.text_document.uri), server.conversion()
        return document, conversion.offset(document.source, params.position), conversion

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=['"', "'", ":", " "])
    )
    def complete(params: types.CompletionParams) -> list[types.CompletionItem]:
        document, offset, conversion = at(params)
        client = server.client_capabilities.text_document
        item = client.completion.completion_item if client and client.completion else None
        with_snippets = bool(item and item.snippet_support)
        return conversion.items(completions(document, offset), with_snippets=with_snippets)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovered(params: types.HoverParams) -> types.Hover | None:
        document, offset, conversion = at(params)
        result = hover(document, offset, server.requests_of(document))
        return conversion.hover(result) if result else None

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def define(params: types.DefinitionParams) -> list[types.Location]:
        document, offset, conversion = at(params)
        return [conversion.location(span) for span in definitions(document, offset)]

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def refer(params: types.ReferenceParams) -> list[types.Location]:
        document, offset, conversion = at(params)
        requests = server.requests_like(document)
        spans = references(document, offset, requests, with_definition=params.context.include_declaration)
        return [conversion.location(span) for span in spans]


def _add_document_features(server: Server) -> None:
    """Add the features that work on a document or a range of it."""

    def of(params: Any) -> tuple[Document, Conversion]:
        return server.document(params.text_document.uri), server.conversion()

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outline(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        document, conversion = of(params)
        return conversion.symbols(document.source, symbols(document))

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    def fold(params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        document, conversion = of(params)
        return [conversion.fold(each) for each in folds(document)]

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def lay_out(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        document, conversion = of(params)
        return conversion.edits(layout(document))

    @server.feature(
        types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, types.SemanticTokensLegend(TOKEN_TYPES, TOKEN_MODIFIERS)
    )
    def colour(params: types.SemanticTokensParams) -> types.SemanticTokens:
        document, conversion = of(params)
        return conversion.tokens(tokens(document))

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    def hint(params: types.InlayHintParams) -> list[types.InlayHint]:
        document, conversion = of(params)
        start = conversion.offset(document.source, params.range.start)
        end = conversion.offset(document.source, params.range.end)
        return [conversion.hint(document.source, each) for each in hints(document, start, end)]

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions([types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll]),
    )
    def code_actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        document, conversion = of(params)
        start = conversion.offset(document.source, params.range.start)
        end = conversion.offset(document.source, params.range.end)
        uri, all_at_once = params.text_document.uri, fix_of_all(document)
        actions = [conversion.fix(each, uri) for each in fixes(document, start, end)]
        actions += [conversion.fix(all_at_once, uri)] if all_at_once else []
        wanted = params.context.only
        return [each for each in actions if wanted is None or _is_kind(each.kind, wanted)]


def _is_kind(kind: str | types.CodeActionKind | None, wanted: Any) -> bool:
    """Return whether a kind of action is one of the wanted kinds or a sub-kind of one."""
    name = str(getattr(kind, "value", kind))
    names = [str(getattr(each, "value", each)) for each in wanted]
    return any(name == each or name.startswith(f"{each}.") for each in names)


def _add_commands(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        uri = params.text_document.uri
        text = title(server.document(uri))
        start = types.Position(0, 0)
        command = types.Command(text or "", SHOW_COMPILED, arguments=[uri])
        return [types.CodeLens(types.Range(start, start), command)] if text else []

    @server.command(SHOW_COMPILED)
    def show(uri: str) -> str | None:
        if uri not in server.opened:
            warning = types.ShowMessageParams(types.MessageType.Warning, f'"{uri}" is not open')
            server.window_show_message(warning)
            return None
        document = server.document(uri)
        text = compiled(document)
        if text is not None:
            server.show(uri, text)
        elif reason := title(document):
            server.window_show_message(types.ShowMessageParams(types.MessageType.Info, reason))
        return text
