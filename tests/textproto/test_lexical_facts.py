"""Only the grammar defines comments: if it changes, all modules follow."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from quantcfg.format import format_source
from quantcfg.source import Source
from quantcfg.textproto.cursor import cursor_at

TEXT = """\
# At the top.
a : 1 # behind a value
b # between a name and its bracket
{ c: [1, # in a list
 -2.5e3] # behind a list
; [d.e # in a name
]: "x # no comment" } # at the end
"""
UNFINISHED = 'a { b # ":\n: tr'
_PROGRAM = """
import json, sys
from quantcfg import contracts
table = contracts.parse_table()
table["scanner"] = table["scanner"].replace("#", "%")
table["terminals"] = {name: each.replace("#", "%") for name, each in table["terminals"].items()}
grammar = contracts.grammar("textproto.lark").replace("#[", "%[")
contracts.grammar = lambda name: grammar
from quantcfg.format import format_source
from quantcfg.lsp.semantic_tokens import comments
from quantcfg.lsp.document import Document
from quantcfg.source import Source
from quantcfg.textproto.cursor import cursor_at
text, unfinished = json.loads(sys.argv[1])
found = comments(Document(Source("text", text), is_model=True))
json.dump([
    format_source(Source("text", text), print),
    [span.text for span in found],
    cursor_at(unfinished, len(unfinished)).field,
], sys.stdout)
"""


@pytest.mark.slow
def test_where_the_grammar_has_another_sign_for_comments_all_modules_have_it() -> None:
    texts = json.dumps([text.replace("#", "%") for text in (TEXT, UNFINISHED)])
    run = subprocess.run([sys.executable, "-c", _PROGRAM, texts], check=True, capture_output=True, text=True)
    formatted, comments, field = json.loads(run.stdout)
    cursor = cursor_at(UNFINISHED, len(UNFINISHED))
    assert formatted == (format_source(Source("text", TEXT), print) or "").replace("#", "%")
    assert len(comments) == TEXT.count("#") - 2  # All but the one in a name and what is in a string.
    assert cursor
    assert field == cursor.field == "b"
