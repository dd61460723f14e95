"""The server: what the client says and asks, handed to the features, and what they return, sent back."""

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

from quantcfg import __version__
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions import DEFAULT
from quantcfg.files import read_source
from quantcfg.frozen import frozen_value
from quantcfg.lsp.annotations import compiled, hints, title
from quantcfg.lsp.completion import completions
from quantcfg.lsp.conversion import TOKEN_MODIFIERS, TOKEN_TYPES, Conversion, path_of, uri_of
from quantcfg.lsp.document import Document, findings
from quantcfg.lsp.framing import MessageStream
from quantcfg.lsp.hover import hover
from quantcfg.lsp.models import Model, model_for, read_model
from quantcfg.lsp.navigation import definitions, references
from quantcfg.lsp.outline import folds, symbols
from quantcfg.lsp.semantic_tokens import tokens
from quantcfg.lsp.text_edits import fix_of_all, fixes, layout
from quantcfg.project import SETTINGS, Named, settings_around
from quantcfg.source import Source

SHOW_COMPILED = "quantcfg.showCompiled"
"""The command that returns the JSON that a quant.cfg, given by its URI, compiles to."""

_SECTION = "quantcfg"
_PROTOTXT = ".prototxt"
_WATCHED = ("**/*.prototxt", "**/*.caffemodel", f"**/{SETTINGS}")
_VALUES_OF_AN_ANSWER = 200_000
"""How many values are made before Python looks for cycles: what an answer is made of has none."""

_PAUSE = 0.005
"""For how many seconds there are no more changes before a text is checked."""

_LONGEST_STEM = 60
"""How many characters of the name of a quant.cfg are in that of the shown configuration."""


@frozen_value
class _Opened:
    """A text as the client has it."""

    text: str
    version: int
    is_prototxt: bool


class _Protocol(LanguageServerProtocol):
    """The protocol, but "exit" ends the process.

    pygls waits for what reads standard input, which may be open for as long as the client lives.
    """

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: object) -> None:  # type: ignore[override]
        """End the process, as the protocol says with an error where the client did not shut down before."""
        _end(cast("Server", self._server).folder, 0 if self._shutdown else 1)

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Return a message as what it is; a request that is none is answered, as its client waits for it."""
        try:
            return super().structure_message(data)
        except JsonRpcException:
            if {"id", "method"} <= data.keys():
                self._send_response(data["id"], error=JsonRpcInvalidParams().to_response_error())
            raise


class Server(LanguageServer):
    """The server, and what it keeps between two messages: open texts, what is known of them, and models."""

    def __init__(self, folder: str) -> None:
        # pygls applies changes of a part in lines as Python ends them, at a form feed too.
        sync = types.TextDocumentSyncKind.Full
        super().__init__("quantcfg", __version__, text_document_sync_kind=sync, protocol_cls=_Protocol)
        self.folder = folder
        self.opened: dict[str, _Opened] = {}
        self.documents: dict[str, Document] = {}
        self.models: dict[tuple[str, str | None], Model] = {}
        self.settings: Mapping[str, Any] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.published: dict[str, tuple[int, Document]] = {}
        self.shown: dict[str, str] = {}
        self.told: set[str] = set()

    @property
    def encoding(self) -> str:
        """The units of columns that were agreed on."""
        return str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding))

    def conversion(self) -> Conversion:
        """Return a conversion of positions for one answer."""
        return Conversion(self.encoding, {path_of(uri): uri for uri in self.opened})

    def document(self, uri: str) -> Document:
        """Return a text that is open with its model, as they are now; the same as before, if they are."""
        opened = self.opened.get(uri, _Opened("", 0, is_prototxt=False))
        kept = self.documents.get(uri)
        is_same = kept is not None and kept.source.text == opened.text
        source = kept.source if kept and is_same else Source(path_of(uri), opened.text)
        model = self._model(source, opened)
        edition = DEFAULT if model and model.network else self._edition(source)
        if kept and is_same and kept.model is model and kept.edition_name == edition:
            return kept
        self.documents[uri] = Document(source, model, opened.is_prototxt, edition)
        return self.documents[uri]

    def requests_like(self, document: Document) -> Iterator[Document]:
        """Yield the quant.cfg files that are open for the model of a text."""
        model = document.model.named.model if document.model else None
        for uri in self.opened:
            each = self.document(uri)
            if each.is_request and each.model and each.model.named.model == model:
                yield each

    def requests_of(self, document: Document) -> Iterator[Document]:
        """Yield the quant.cfg that a configuration comes from, by the settings, or those that are open."""
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

    def _model(self, source: Source, opened: _Opened) -> Model | None:
        named = self._named(source)
        if opened.is_prototxt and (named is None or named.model != source.name):
            named = Named(source.name)
        if named is None:
            return None
        texts = {path_of(uri): each.text for uri, each in self.opened.items()}
        key = named.model, named.weights
        self.models[key] = read_model(named, texts, self.models.get(key))
        return self.models[key]

    def _named(self, source: Source) -> Named | None:
        """Return the model that a text is for."""
        return model_for(source, self.settings, self.workspace.root_path, self._tell)

    def _edition(self, source: Source) -> str:
        """Return the name of the edition of a text without a network."""
        path = os.path.abspath(source.name)
        return settings_around(Source(path, ""), self._tell).edition or DEFAULT

    def _tell(self, wrong: Diagnostic) -> None:
        """Show what is wrong with settings, once."""
        where = wrong.span.source.name if wrong.span else wrong.file or "the settings of the editor"
        message = f"{where}: {wrong.message}"
        if message not in self.told:
            self.told.add(message)
            self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))

    def changed(self) -> None:
        """Check what is open in a moment; what has not changed costs nothing."""
        if self.timer:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(_PAUSE, self._publish)

    def _publish(self) -> None:
        for uri, opened in self.opened.items():
            document, version = self.document(uri), opened.version
            before = self.published.get(uri)
            if before is None or before[0] != version or before[1] is not document:
                self.published[uri] = version, document
                self._publish_one(uri, document, version)
            if before and before[1].model is not document.model:
                self._refresh()
        used = {id(document.model) for document in self.documents.values()}
        self.models = {key: model for key, model in self.models.items() if id(model) in used}

    def _publish_one(self, uri: str, document: Document, version: int) -> None:
        conversion = self.conversion()
        found = [conversion.diagnostic(each) for each in findings(document)]
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version=version))

    def _refresh(self) -> None:
        """Let the client ask again for what the model gives; it asks by itself only when a text changes."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None, lambda _: None)
        if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None, lambda _: None)

    def show(self, uri: str, text: str) -> None:
        """Show a text beside what is edited, where the client can."""
        window = self.client_capabilities.window
        if window and window.show_document and window.show_document.support:
            self.shown.setdefault(uri, tempfile.mkdtemp(dir=self.folder))
            stem = re.sub(r"[^\w.-]", "_", Path(path_of(uri)).stem)[:_LONGEST_STEM]
            path = Path(self.shown[uri], f"{stem}.json")
            path.write_text(text, encoding="utf-8")
            self.window_show_document(types.ShowDocumentParams(uri_of(str(path))), lambda _: None)


def serve() -> None:
    """Serve over standard input and output until the client says that it is enough."""
    gc.set_threshold(_VALUES_OF_AN_ANSWER)
    with tempfile.TemporaryDirectory(prefix="quantcfg-") as folder:
        _end_on_signals(folder)
        logging.getLogger("pygls.server").addFilter(_in_one_line)
        server = make_server(folder)
        # What is loaded now stays: a full collection need not look through it between two keystrokes.
        gc.freeze()
        stdin = MessageStream(sys.stdin.buffer, lambda wrong: _fail(folder, wrong))
        server.start_io(cast("BinaryIO", stdin))


def _end_on_signals(folder: str) -> None:
    """End the process on a signal that nobody ignores, in a thread of its own.

    A handler would run in the main thread, and only after the client's next message
    if the signal comes just before that thread starts to wait for it.
    """
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heeded = [number for number in ends if signal.getsignal(number) is not signal.SIG_IGN]
    signal.pthread_sigmask(signal.SIG_BLOCK, heeded)
    if heeded:
        Thread(target=lambda: _end(folder, 128 + signal.sigwait(heeded)), daemon=True).start()


def _in_one_line(record: logging.LogRecord) -> bool:
    """Show no traceback for a message that pygls cannot read: the fault is in the message."""
    if record.exc_info:
        record.msg, record.exc_info = f"{record.msg}: {record.exc_info[1]}", None
    return True


def _fail(folder: str, wrong: str) -> NoReturn:
    """End the process with an error, in one line, over what the client sends."""
    if sys.stderr:
        with suppress(OSError):
            sys.stderr.write(f"quantcfg lsp: error: {wrong}\n")
    _end(folder, 1)


def _end(folder: str, status: int) -> NoReturn:
    """End the process with what it has shown, and do not wait for what reads standard input."""
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(status)


def make_server(folder: str) -> Server:
    """Return a server with all features, not started; what it shows goes into files of a folder."""
    server = Server(folder)
    for register in (_keep_texts, _keep_settings, _answer_places, _answer_texts, _answer_commands):
        register(server)
    return server


def _keep_texts(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        is_prototxt = item.language_id == "prototxt" or item.uri.endswith(_PROTOTXT)
        server.opened[item.uri] = _Opened(item.text, item.version, is_prototxt)
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def edited(params: types.DidChangeTextDocumentParams) -> None:
        identifier, text = params.text_document, params.content_changes[-1].text
        before = server.opened[identifier.uri]
        server.opened[identifier.uri] = _Opened(text, identifier.version, before.is_prototxt)
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(_: types.DidSaveTextDocumentParams) -> None:
        # What a request names beside its model, its mapping file, may have changed.
        server.documents.clear()
        server.changed()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        for kept in (server.opened, server.documents, server.published):
            kept.pop(uri, None)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))
        server.changed()


def _keep_settings(server: Server) -> None:
    def take(settings: Any) -> None:
        """Take the client's settings, with the name of their section around them or not."""
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
        server.told.clear()
        server.changed()


def _answer_places(server: Server) -> None:
    """Answer what is asked about a place in a text."""

    def at(params: Any) -> tuple[Document, int, Conversion]:
        document, conversion = server.document(params.text_document.uri), server.conversion()
        return document, conversion.offset(document.source, params.position), conversion

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=['"', "'", ":", " "])
    )
    def complete(params: types.CompletionParams) -> list[types.CompletionItem]:
        document, offset, conversion = at(params)
        asked = server.client_capabilities.text_document
        item = asked.completion.completion_item if asked and asked.completion else None
        with_snippets = bool(item and item.snippet_support)
        return conversion.items(completions(document, offset), with_snippets=with_snippets)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovered(params: types.HoverParams) -> types.Hover | None:
        document, offset, conversion = at(params)
        said = hover(document, offset, server.requests_of(document))
        return conversion.hover(said) if said else None

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


def _answer_texts(server: Server) -> None:
    """Answer what is asked about a text, or a part of it."""

    def of(params: Any) -> tuple[Document, Conversion]:
        return server.document(params.text_document.uri), server.conversion()

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outline(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        document, conversion = of(params)
        return [conversion.symbol(each) for each in symbols(document)]

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
    def mend(params: types.CodeActionParams) -> list[types.CodeAction]:
        document, conversion = of(params)
        start = conversion.offset(document.source, params.range.start)
        end = conversion.offset(document.source, params.range.end)
        uri, every = params.text_document.uri, fix_of_all(document)
        actions = [conversion.fix(each, uri) for each in fixes(document, start, end)]
        actions += [conversion.fix(every, uri)] if every else []
        wanted = params.context.only
        return [each for each in actions if wanted is None or _is_kind(each.kind, wanted)]


def _is_kind(kind: str | types.CodeActionKind | None, wanted: Any) -> bool:
    """Tell whether a kind of action is one of those that are wanted, or below one of them."""
    name = str(getattr(kind, "value", kind))
    names = [str(getattr(each, "value", each)) for each in wanted]
    return any(name == each or name.startswith(f"{each}.") for each in names)


def _answer_commands(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        uri = params.text_document.uri
        said = title(server.document(uri))
        start = types.Position(0, 0)
        command = types.Command(said or "", SHOW_COMPILED, arguments=[uri])
        return [types.CodeLens(types.Range(start, start), command)] if said else []

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
        elif said := title(document):
            server.window_show_message(types.ShowMessageParams(types.MessageType.Info, said))
        return text
