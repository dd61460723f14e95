"""The one driver: a request or a configuration, and a network, to a plan and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

from quantcfg.diagnostics import Diagnostic, Report, catalogue, has_errors, in_order
from quantcfg.diagnostics.catalogue import limited
from quantcfg.emit import Configuration, emit, validate
from quantcfg.files import other_content
from quantcfg.frozen import Remembering, frozen_value
from quantcfg.network import Edition, Network
from quantcfg.plan import After, Plan, Request, assumed_network, lower, request_from_tree
from quantcfg.source import Source, Span
from quantcfg.textproto import parse, tree

_STARTS_LIKE_JSON = re.compile(r"\ufeff?\s*\{")


@frozen_value
class Compiled(Remembering):
    """What a source compiles to.

    diagnostics are sorted by place; tree is the syntax tree of a quant.cfg;
    make_plan returns the plan.
    """

    diagnostics: tuple[Diagnostic, ...]
    make_plan: Callable[[], Plan]
    tree: tree.Document | None = None

    @cached_property
    def plan(self) -> Plan:
        """The plan, with as much as could be read where there are errors."""
        return self.make_plan()

    @cached_property
    def configuration(self) -> Configuration:
        """The configuration of the plan."""
        return emit(self.plan)

    @property
    def ok(self) -> bool:
        """Whether there are no errors, and a model that the configuration is for."""
        return self.plan.network.is_complete and not has_errors(self.diagnostics)


def compile_source(source: Source, network: Network | None, edition: Edition) -> Compiled:
    """Compile a quant.cfg, or read a configuration; both give a plan.

    Without a network, the diagnostics are what would be wrong for every network
    of the edition.
    """
    edition = network.edition if network else edition
    found: list[Diagnostic] = []
    if is_configuration(source):
        from quantcfg.configuration import read_configuration

        make_plan = read_configuration(source, network, edition, found.append)
        return Compiled(in_order(found), make_plan)
    wrong: list[Diagnostic] = []
    document = parse(source, wrong.append, wanted="a quant.cfg")
    request = request_from_tree(document, wrong, edition, found.append)
    plan, _ = compile_request(request, network, edition, found.append)
    return Compiled(in_order(found), lambda: plan, document)


def check_source(source: Source, network: Network | None, edition: Edition) -> tuple[Diagnostic, ...]:
    """Return all that is wrong with a quant.cfg or a configuration, sorted by place."""
    return compile_source(source, network, edition).diagnostics


def compile_request(
    request: Request,
    network: Network | None,
    edition: Edition,
    report: Report,
    after: After = lambda _name, _plan: None,
) -> tuple[Plan, Configuration]:
    """Return the plan of a request and its configuration, after reporting what is wrong with them.

    Without a network it is what would be wrong for every network of the edition.
    after is called after each pass.
    """
    report = limited(report)
    plan = lower(network or assumed_network(request, edition), request, report, after)
    configuration = emit(plan)
    validate(plan, configuration, report)
    return plan, configuration


def is_configuration(source: Source) -> bool:
    """Tell whether a source is meant as a JSON configuration: by its name, or by how it starts."""
    return source.name.lower().endswith(".json") or _STARTS_LIKE_JSON.match(source.text) is not None


def is_text_format(source: Source, report: Report, *, wanted: str) -> bool:
    """Tell whether a source is meant as text format; report it if it is a configuration.

    wanted says in words what it should be.
    """
    if not is_configuration(source) or other_content(source.text):
        return True
    start = len(source.text) - len(source.text.lstrip())
    what, help = "a JSON configuration", '"quantcfg check" checks it'
    report(catalogue.ANOTHER_FORMAT.at(Span(source, start, start + 1), what=what, wanted=wanted, help=help))
    return False
