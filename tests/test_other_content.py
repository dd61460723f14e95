"""A web page or a Git LFS pointer in place of a file: one error, wherever the file is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf import text_format
from hypothesis import strategies as st

from quantcfg import check_text, cli, compile_config, format_text, migrate_text
from quantcfg.api import compile_files
from quantcfg.decompiler import decompile
from quantcfg.diagnostics import Diagnostic
from quantcfg.files import other_content
from quantcfg.lsp.document import Document, all_diagnostics
from quantcfg.source import Source
from tests.api.models import Model, write_model
from tests.laws import law
from tests.networks import conv, net, network
from tests.textproto.reading import CONFIG, OWN_TEXTS, SHARED_TEXTS

Captured = pytest.CaptureFixture[str]

PAGE, XML, POINTER = "a web page (HTML)", "an XML file", "a Git LFS pointer"
DOWNLOAD, PULL = "download the raw file", 'run "git lfs pull"'
HELP = {PAGE: DOWNLOAD, XML: DOWNLOAD, POINTER: PULL}

HTML = "<!DOCTYPE html>\n<html><body>name: &quot;net&quot;</body></html>\n"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 1024\n"
OTHER: dict[str, tuple[bytes, str]] = {
    "a page": (HTML.encode(), PAGE),
    "a page in capitals": (b"<!doctype HTML PUBLIC>\n<HTML><BODY></BODY></HTML>", PAGE),
    "a page behind blank lines": (b"\r\n\n \t <html lang='en'>", PAGE),
    "a page behind a byte order mark": (b"\xef\xbb\xbf" + HTML.encode(), PAGE),
    "a page behind a comment": (b"<!-- saved from url -->\n<html></html>", PAGE),
    "a comment without an end": (b"<!-- saved from url", PAGE),
    "a page in XML": (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "">\n<html/>', PAGE),
    "a part of a page": (b"<head><title>404</title></head>", PAGE),
    "a heading": (b"<h2>Not Found</h2>", PAGE),
    "a link": (b'<a href="https://example.org/net.prototxt">moved</a>', PAGE),
    "a frame": (b'<iframe\n src="net"></iframe>', PAGE),
    "a page without scripts": (b"<noscript>enable JavaScript</noscript>", PAGE),
    "a line break": (b"<br>\n404", PAGE),
    "a line break that closes itself": (b"<BR/>404", PAGE),
    "a span": (b'<span class="error">404</span>', PAGE),
    "an image": (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', PAGE),
    "an element of its own": (b"<my-page></my-page>", PAGE),
    "the end of an element": (b"</div>\n<pre>", PAGE),
    "a page with carriage returns only": (b"<html>\r<body>\r</body>\r", PAGE),
    "a page with a long line": (b"<html>" + b"a" * 2**21, PAGE),
    "a page in Latin-1": (b"<html><title>caf\xe9</title></html>", PAGE),
    "a page in GBK": ("<html><title>\u91cf\u5316\u914d\u7f6e</title></html>".encode("gbk"), PAGE),
    "a page in UTF-16": (HTML.encode("utf-16"), PAGE),
    "the error of a store": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', XML),
    "a pointer": (LFS.encode(), POINTER),
    "a pointer with carriage returns": (LFS.replace("\n", "\r\n").encode(), POINTER),
    "a pointer behind a byte order mark": (b"\xef\xbb\xbf\n" + LFS.encode(), POINTER),
    "an old pointer": (b"version https://hawser.github.com/spec/v1\noid sha256:1", POINTER),
}
NOT_OTHER = [
    "",
    "<",
    "< name: 'a' >",
    "<name: 'a'>",
    "<title: 'a'>",
    "<batch_num 2>",
    "<a: 1>",
    "<[a.b]: 1>",
    "</ name>",
    "< br>",
    "<1>",
    "<br",
    "# <html>\nbatch_num: 2",
    "name: '<html>'",
    '"<html>"',
    '{"<html>": {}}',
    "version: 1",
    "version: 'https://git-lfs.github.com/spec/v1'",
    "# version https://git-lfs.github.com/spec/v1",
    "versions https://git-lfs.github.com",
]


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.chdir(tmp_path)
    return write_model(tmp_path)


def assert_one_error(found: object, what: str, wanted: str, file: str) -> None:
    assert isinstance(found, tuple)
    (error,) = found
    assert isinstance(error, Diagnostic)
    assert (error.code, error.span, error.file) == ("QC117", None, file)
    assert (error.message, error.help) == (f'"{file}" is {what}, not {wanted}', HELP[what])


@pytest.mark.parametrize("name", OTHER)
def test_a_file_with_other_content_is_one_error(name: str) -> None:
    content, what = OTHER[name]
    Path("other").write_bytes(content)
    assert_one_error(compile_files("other").diagnostics, what, "a prototxt", "other")
    found = compile_files("deploy.prototxt", None, "other").diagnostics
    assert_one_error(found, what, "a quant.cfg", "other")


COMMANDS = {
    "check": ("check other.cfg", "other.cfg", "a quant.cfg"),
    "check a configuration": ("check other.json", "other.json", "a JSON configuration"),
    "check against a model": ("check quant.cfg --model other.cfg", "other.cfg", "a prototxt"),
    "compile a request": (
        "compile --model deploy.prototxt --config other.cfg -o out.json",
        "other.cfg",
        "a quant.cfg",
    ),
    "compile a configuration": (
        "compile --model deploy.prototxt --config other.json -o out.json",
        "other.json",
        "a quant.cfg",
    ),
    "compile for a model": ("compile --model other.cfg -o out.json", "other.cfg", "a prototxt"),
    "decompile": (
        "decompile --model deploy.prototxt other.json -o out.json",
        "other.json",
        "a JSON configuration",
    ),
    "decompile by its content": (
        "decompile --model deploy.prototxt other.cfg -o out.json",
        "other.cfg",
        "a JSON configuration",
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(("text", "what"), [(HTML, PAGE), (LFS, POINTER)], ids=["page", "pointer"])
def test_each_command_reports_it_once(text: str, what: str, name: str, capsys: Captured) -> None:
    command, file, wanted = COMMANDS[name]
    for each in ("other.cfg", "other.json"):
        Path(each).write_text(text)
    Path("quant.cfg").write_text("batch_num: 2\n")
    assert cli.main([*command.split(), "--format", "json"]) == 1
    out, err = capsys.readouterr()
    (found,) = json.loads(out or err)["diagnostics"]
    assert (found["code"], found["file"], found["help"]) == ("QC117", file, HELP[what])
    assert found["message"] == f'"{file}" is {what}, not {wanted}'
    assert not Path("out.json").exists()


@pytest.mark.parametrize(
    "command",
    [
        "fmt other.json",
        "migrate other.json",
        "diff other.json config.json",
        "layers --model other.json",
        "explain --model other.json",
    ],
)
def test_the_other_commands_report_it_once_as_well(command: str, capsys: Captured) -> None:
    Path("other.json").write_text(HTML)
    Path("config.json").write_text('{"conv1": {}}')
    assert cli.main(command.split()) in (1, 2)
    shown = "".join(capsys.readouterr())
    assert shown.count("error[") == shown.count("other.json: error[QC117]: ") == 1
    assert Path("other.json").read_text() == HTML


@pytest.mark.parametrize(("text", "what"), [(HTML, PAGE), (LFS, POINTER)], ids=["page", "pointer"])
def test_the_api_reports_it_once(text: str, what: str) -> None:
    model = network(net(conv("conv1")))
    assert_one_error(check_text(text), what, "a quant.cfg", "quant.cfg")
    assert_one_error(check_text(text, "a.json", model), what, "a JSON configuration", "a.json")
    assert_one_error(format_text(text).diagnostics, what, "protobuf text format", "quant.cfg")
    assert_one_error(migrate_text(text, "a.json").diagnostics, what, "a quant.cfg", "a.json")
    assert_one_error(compile_config(model, config_text=text).diagnostics, what, "a quant.cfg", "quant.cfg")
    assert_one_error(decompile(text, model, "a").diagnostics, what, "a JSON configuration", "a")


@pytest.mark.parametrize("name", ["quant.cfg", "config.json"])
def test_an_editor_shows_it_once(name: str) -> None:
    (found,) = all_diagnostics(Document(Source(name, HTML)))
    assert found.code == "QC117"


@pytest.mark.parametrize(
    ("content", "what", "help"),
    [(LFS.encode(), POINTER, PULL), (b"\x1f\x8b\x08\0", "a gzip file", "decompress it")],
)
def test_a_mapping_file_with_other_content_is_named(content: bytes, what: str, help: str) -> None:
    Path("mapping.json").write_bytes(content)
    (found,) = check_text("nuq_config { mapping_file: 'mapping.json' }")
    assert found.code == "QC414"
    assert found.message.endswith(f": it is {what}")
    assert found.help == help


# --- nothing else is taken for it


@pytest.mark.parametrize("text", NOT_OTHER)
def test_text_that_is_only_like_it_is_not_taken_for_it(text: str) -> None:
    assert other_content(text) is None


@pytest.mark.slow
@pytest.mark.parametrize("path", [*OWN_TEXTS, *SHARED_TEXTS], ids=lambda path: path.name)
def test_no_real_file_is_taken_for_it(path: Path) -> None:
    assert other_content(path.read_text(errors="replace")) is None


STARTS = [
    "<!",
    "<!--",
    "<!DOCTYPE html>",
    "<?xml ",
    "<html>",
    "<p ",
    "<pre\n",
    "<h2>",
    "<br/>",
    "</a>",
    "<my-tag\t",
    "version https://git-lfs ",
]
RESTS = st.text(alphabet="<>{}[]:\"'# \na1/-", max_size=20)


@law(st.sampled_from(["", " ", "\n", "\t\r\n"]), st.sampled_from(STARTS), RESTS, examples=100)
def test_what_is_taken_for_it_is_neither_text_format_nor_json(whitespace: str, start: str, rest: str) -> None:
    text = whitespace + start + rest
    assert other_content(text) is not None
    with pytest.raises(text_format.ParseError):
        text_format.Parse(text, CONFIG(), allow_unknown_field=True)
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(text)
