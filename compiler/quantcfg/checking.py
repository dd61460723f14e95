"""Any text checked: a quant.cfg or a configuration, alone or against a network."""

from __future__ import annotations

import re

from quantcfg.collection import no_collection
from quantcfg.configuration import check_configuration
from quantcfg.diagnostics import Diagnostic, Report, catalogue, in_order
from quantcfg.files import other_content
from quantcfg.network import Edition, Network
from quantcfg.output import check_request
from quantcfg.plan import Plan, assumed_network, request_from_tree
from quantcfg.source import Source, Span
from quantcfg.textproto import parse, tree
from quantcfg.values import frozen_value

_STARTS_LIKE_JSON = re.compile(r"\ufeff?\s*\{")


def is_configuration(source: Source) -> bool:
    """Tell whether a text is meant as a JSON configuration: by its name, or by how it starts."""
    return source.name.lower().endswith(".json") or _STARTS_LIKE_JSON.match(source.text) is not None


def is_text_format(source: Source, report: Report, *, wanted: str) -> bool:
    """Tell whether a text is meant as text format; where it is a configuration, that is reported.

    wanted says in words what it should be.
    """
    if not is_configuration(source) or other_content(source.text):
        return True
    start = len(source.text) - len(source.text.lstrip())
    what, help = "a JSON configuration", '"quantcfg check" checks it'
    report(catalogue.ANOTHER_FORMAT.at(Span(source, start, start + 1), what=what, wanted=wanted, help=help))
    return False


@frozen_value
class Checked:
    """What a check found, sorted by place, and the tree and the plan that it made of a quant.cfg."""

    diagnostics: tuple[Diagnostic, ...]
    tree: tree.Document | None = None
    plan: Plan | None = None


def check_source(source: Source, network: Network | None, edition: Edition) -> tuple[Diagnostic, ...]:
    """Return all that is wrong with a quant.cfg or a configuration, sorted by place.

    Without a network, it is what would be wrong for every network of the edition.
    """
    return checked(source, network, edition).diagnostics


@no_collection()
def checked(source: Source, network: Network | None, edition: Edition) -> Checked:
    """Return what check_source does, together with what it came by on the way."""
    edition = network.edition if network else edition
    found: list[Diagnostic] = []
    if is_configuration(source):
        check_configuration(source, network, edition, found.append)
        return Checked(in_order(found))
    wrong: list[Diagnostic] = []
    document = parse(source, wrong.append, wanted="a quant.cfg")
    request = request_from_tree(document, wrong, edition, found.append)
    plan, *_ = check_request(request, network or assumed_network(request, edition), found.append)
    return Checked(in_order(found), document, plan)
