"""Syntax tree to text: one field a line, two blanks for each level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from quantcfg.textproto import tree


def print_document(document: tree.Document) -> str:
    """Return a text that parses back to an equal tree."""
    return "".join(f"{line}\n" for line in _lines(document.fields, ""))


def _lines(fields: Iterable[tree.Field], indent: str) -> Iterator[str]:
    for field in fields:
        name = f"[{field.name.text}]" if field.name.bracketed else field.name.text
        if isinstance(field.value, tree.Message):
            yield f"{indent}{name} {{"
            yield from _lines(field.value.fields, indent + "  ")
            yield f"{indent}}}"
        else:
            yield f"{indent}{name}: {_inline(field.value)}"


def _inline(value: tree.Value) -> str:
    if isinstance(value, tree.String):
        return " ".join(part.text for part in value.parts)
    if isinstance(value, tree.List):
        return f"[{', '.join(_inline(item) for item in value.items)}]"
    if isinstance(value, tree.Message):
        return " ".join(("{", *(line.strip() for line in _lines(value.fields, "")), "}"))
    return "" if isinstance(value, tree.Missing) else value.text
