"""The compiler driver: turn a request or a configuration into a plan and its output."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property

from quantcfg.diagnostics import Diagnostic, Report, catalogue, has_errors, in_order
from quantcfg.diagnostics.catalogue import limited
from quantcfg.emit import Configuration, emit, validate
from quantcfg.files import other_content
from quantcfg.frozen import Caching, frozen_value
from quantcfg.network import Edition, Network
from quantcfg.network.other_edition import with_one_error, without_foreign_names
from quantcfg.plan import After, Plan, Request, assumed_network, lower, request_from_tree
from quantcfg.plan.passes.foreign_types import named_types
from quantcfg.source import Source, Span
from quantcfg.textproto import parse, tree

_STARTS_LIKE_JSON = re.compile(r"\ufeff?\s*\{")


@frozen_value
class Compiled(Caching):
    """The result of compiling a source.

    diagnostics are sorted by location; tree is the syntax tree of a quant.cfg;
    make_plan returns the plan.
    """

    diagnostics: tuple[Diagnostic, ...]
    make_plan: Callable[[], Plan]
    tree: tree.Document | None = None

    @cached_property
    def plan(self) -> Plan:
        """The plan; if there are errors, it holds what could be read."""
        return self.make_plan()

    @cached_property
    def configuration(self) -> Configuration:
        """The configuration of the plan."""
        return emit(self.plan)

    @property
    def ok(self) -> bool:
        """Whether there are no errors and a model was given."""
        return self.plan.network.is_complete and not has_errors(self.diagnostics)


def compile_source(source: Source, network: Network | None, edition: Edition) -> Compiled:
    """Return the plan of a quant.cfg or of a configuration.

    Without a network, only errors for every network of the edition are reported.
    """
    edition = network.edition if network else edition
    found: list[Diagnostic] = []
    if is_configuration(source):
        from quantcfg.configuration import read_configuration

        make_plan = read_configuration(source, network, edition, found.append)
        return Compiled(in_order(found if network else without_foreign_names(found, edition)), make_plan)
    syntax_errors: list[Diagnostic] = []
    document = parse(source, syntax_errors.append, wanted="a quant.cfg")
    request = request_from_tree(document, syntax_errors, edition, found.append)
    plan, _ = compile_request(request, network, edition, found.append)
    reported = recognized(found, request, network, edition)
    return Compiled(in_order(reported), lambda: plan, document)


def recognized(
    found: Sequence[Diagnostic], request: Request, network: Network | None, edition: Edition
) -> Sequence[Diagnostic]:
    """Return the diagnostics of a request; if it is for another edition, one error says so."""
    recognize = with_one_error if network else without_foreign_names
    return recognize(found, edition, named_types(request))


def check_source(source: Source, network: Network | None, edition: Edition) -> tuple[Diagnostic, ...]:
    """Return the diagnostics for a quant.cfg or a configuration, sorted by location."""
    return compile_source(source, network, edition).diagnostics


def compile_request(
    request: Request,
    network: Network | None,
    edition: Edition,
    report: Report,
    after: After = lambda _name, _plan: None,
) -> tuple[Plan, Configuration]:
    """Return the plan of a request and its configuration, after reporting the errors in them.

    Without a network, only errors for every network of the edition are reported.
    after is called after each pass.
    """
    report = limited(report)
    plan = lower(network or assumed_network(request, edition), request, report, after)
    configuration = emit(plan)
    validate(plan, configuration, report)
    return plan, configuration


def is_configuration(source: Source) -> bool:
    """Return whether a source is a JSON configuration, by its name or its first character."""
    return source.name.lower().endswith(".json") or _STARTS_LIKE_JSON.match(source.text) is not None


def is_text_format(source: Source, report: Report, *, wanted: str) -> bool:
    """Return whether a source is in text format; report an error if it is a configuration.

    wanted is the name of the expected format in the message.
    """
    if not is_configuration(source) or other_content(source.text):
        return True
    start = len(source.text) - len(source.text.lstrip())
    what, help = "a JSON configuration", 'run "quantcfg check" to check it'
    report(catalogue.ANOTHER_FORMAT.at(Span(source, start, start + 1), what=what, wanted=wanted, help=help))
    return False
