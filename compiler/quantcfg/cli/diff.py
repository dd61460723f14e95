"""quantcfg diff: what really changes from one request or configuration to another."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import add_model_arguments
from quantcfg.cli.console import print_plain, print_result
from quantcfg.cli.files import check_inputs, read, read_network
from quantcfg.diagnostics import Diagnostic, has_errors, in_order
from quantcfg.diagnostics.terminal import printable

if TYPE_CHECKING:
    from quantcfg.difference import Change
    from quantcfg.network import ConfigSchema, Network
    from quantcfg.output import Config

_SAME, _DIFFERENT, _TROUBLE = 0, 1, 2

_JSON_VERSION = 1

_EPILOG = """\
examples:
  quantcfg diff old.json new.json
  quantcfg diff quant.cfg config.json --model deploy.prototxt
  quantcfg diff old.cfg new.cfg --model deploy.prototxt --format json

exit status: 0 no difference, 1 a difference, 2 errors in what is compared, or wrong usage
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add to the parser of the command what it says of itself, and its arguments."""
    parser.description = (
        "Show what changes for which layers, from a quant.cfg or a JSON configuration to "
        "another: a quant.cfg is compared by what it compiles to, a configuration by what AMCT takes it for."
    )
    parser.epilog = _EPILOG
    parser.add_argument("old", metavar="OLD", help='a quant.cfg or a configuration; "-" is standard input')
    parser.add_argument("new", metavar="NEW", help="what it is compared with")
    add_model_arguments(parser, required=False)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default text")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read both, and show what changes."""
    check_inputs(options, (options.old, options.new))
    found: list[Diagnostic] = []
    network, configs = _read(options, found)
    old, new = configs
    if old is None or new is None or has_errors(found):
        print_plain(found)
        return _TROUBLE

    from quantcfg.difference import difference
    from quantcfg.editions.caffe.edition import CAFFE

    schema = (network.edition if network else CAFFE).schema
    changes = difference(old, new, schema)
    _print(options, changes, _types(network, (old, new), schema), schema)
    return _DIFFERENT if changes else _SAME


def _read(
    options: argparse.Namespace, found: list[Diagnostic]
) -> tuple[Network | None, Sequence[Config | None]]:
    from quantcfg.checking import is_configuration
    from quantcfg.difference import configuration_in
    from quantcfg.editions.caffe.edition import CAFFE

    wanted = "a quant.cfg or a JSON configuration"
    sources = [read(options, name, found.append, wanted=wanted) for name in (options.old, options.new)]
    if options.model is None and not all(source is None or is_configuration(source) for source in sources):
        options.parser.error("a quant.cfg is compared by what it compiles to: give --model")
    network, remarks = read_network(options)
    found += remarks
    configs = []
    for source in sources:
        here: list[Diagnostic] = []
        configs.append(configuration_in(source, network, CAFFE, here.append) if source else None)
        found += in_order(here)
    return network, configs


def _types(network: Network | None, configs: Sequence[Config], schema: ConfigSchema) -> dict[str, str]:
    """Return the types of the layers that any of the configurations lists."""
    names = {name for config in configs for name in config} - schema.global_defaults.keys()
    return {name: network.by_name[name].type if network else "" for name in sorted(names)}


def _print(
    options: argparse.Namespace, changes: Sequence[Change], types: dict[str, str], schema: ConfigSchema
) -> None:
    from quantcfg.difference import in_words

    if options.format == "json":
        print_result(_json(options, changes, types))
    elif changes:
        print_result("\n".join(map(printable, in_words(changes, types, schema))))


def _json(options: argparse.Namespace, changes: Sequence[Change], types: dict[str, str]) -> str:
    entries = [
        {
            "layer": change.layer,
            "type": types.get(change.layer or "") or None,
            "path": change.path,
            "old": change.old,
            "new": change.new,
        }
        for change in changes
    ]
    return json.dumps(
        {"version": _JSON_VERSION, "old": options.old, "new": options.new, "changes": entries}, indent=2
    )
