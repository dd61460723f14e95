"""quantcfg diff: show the effective changes between two requests or configurations."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import add_edition_argument, add_model_arguments
from quantcfg.cli.console import print_plain, print_result
from quantcfg.cli.streams import OTHERWISE, check_inputs, edition_of, loader, read, read_model
from quantcfg.diagnostics import Diagnostic, has_errors
from quantcfg.diagnostics.terminal import printable

if TYPE_CHECKING:
    from quantcfg.diff import Change
    from quantcfg.plan import Plan

_SAME, _DIFFERENT, _FAILED = 0, 1, 2

_JSON_VERSION = 1

EPILOG = """\
examples:
  quantcfg diff old.json new.json
  quantcfg diff quant.cfg config.json --model MODEL
  quantcfg diff old.cfg new.cfg --model MODEL --format json

exit status: 0 no difference, 1 a difference, 2 errors in the input or usage error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = (
        "Show the effective changes between two files, by layer. Each of them is a quant.cfg, which is\n"
        "compiled first, or a JSON configuration, which is read as AMCT reads it."
    )
    parser.add_argument("old", metavar="OLD", help='quant.cfg or configuration; "-" is standard input')
    parser.add_argument("new", metavar="NEW", help="quant.cfg or configuration to compare it with")
    add_model_arguments(parser, required=False)
    add_edition_argument(parser)
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="output format; default text"
    )


def run(options: argparse.Namespace) -> int:
    """Read both files and show the changes."""
    check_inputs(options, (options.old, options.new))
    found: list[Diagnostic] = []
    plans = _read(options, found)
    if plans is None or has_errors(found):
        print_plain(found)
        return _FAILED

    old, new = (plan.network.edition for plan in plans)
    if old is not new:
        options.parser.error(f"{options.old} is for {old.title}, and {options.new} for {new.title}")

    from quantcfg.diff import difference

    changes = difference(*plans)
    _print(options, changes, *plans)
    return _DIFFERENT if changes else _SAME


def _read(options: argparse.Namespace, found: list[Diagnostic]) -> tuple[Plan, Plan] | None:
    """Return both plans, None if one cannot be read; a file without a model uses that of the other."""
    from quantcfg.compile import compile_source, is_configuration

    wanted, load = "a quant.cfg or a JSON configuration", loader(options)
    sources = [read(options, name, found.append, wanted=wanted) for name in (options.old, options.new)]
    old, new = (read_model(options, source, load=load) for source in sources)
    of_models = dict.fromkeys([*old.found, *new.found])
    is_unnamed = not old.files and not new.files and not of_models
    if is_unnamed and not all(source is None or is_configuration(source) for source in sources):
        options.parser.error(f"comparing a quant.cfg requires a model: use --model{OTHERWISE}")
    found += of_models
    networks = [each.network for each in (old if old.files else new, new if new.files else old)]
    plans = []
    for source, own, network in zip(sources, (old, new), networks, strict=True):
        if source:
            edition = edition_of(options, source, own._replace(network=network))
            compiled = compile_source(source, network, edition)
            found += compiled.diagnostics
            plans.append(compiled.plan)
    return (plans[0], plans[1]) if len(plans) == len(sources) else None


def _types(old: Plan, new: Plan) -> dict[str, str]:
    """Return the types of the layers of both plans, "" if unknown."""
    types = {
        layer.layer.name: layer.layer.type if plan.network.is_complete else ""
        for plan in (old, new)
        for layer in plan.layers
    }
    return dict(sorted(types.items()))


def _print(options: argparse.Namespace, changes: Sequence[Change], old: Plan, new: Plan) -> None:
    from quantcfg.diff import in_words

    types, schema = _types(old, new), old.network.edition.schema
    if options.format == "json":
        print_result(_json(options, changes, types))
    elif changes:
        print_result("\n".join(map(printable, in_words(changes, types, schema))))


def _json(options: argparse.Namespace, changes: Sequence[Change], types: dict[str, str]) -> str:
    from quantcfg.diagnostics.formats.json import place

    entries = [
        {
            "layer": change.layer,
            "type": types.get(change.layer or "") or None,
            "path": change.path,
            "old": change.old,
            "new": change.new,
            "old_place": place(change.old_span) if change.old_span else None,
            "new_place": place(change.new_span) if change.new_span else None,
        }
        for change in changes
    ]
    return json.dumps(
        {"version": _JSON_VERSION, "old": options.old, "new": options.new, "changes": entries}, indent=2
    )
