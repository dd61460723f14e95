"""Every diagnostic there is: its code, its severity and its words, once.

A rule is called where its mistake is found; what the message names is given
there. Codes are stable: a rule may be dropped, its code is not used again.

    QC1xx  reading and syntax        QC4xx  lowering
    QC2xx  the schema of the text    QC5xx  the JSON configuration and its file
    QC3xx  the model

docs/diagnostics has a page for each code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from quantcfg import limits
from quantcfg.diagnostics.diagnostic import Diagnostic, Edit, Related, Report, Severity
from quantcfg.frozen import frozen_value
from quantcfg.source import Span

_LONGEST_VALUE = 1000


@frozen_value
class Rule:
    """A kind of diagnostic; the message is a format string."""

    code: str
    severity: Severity
    message: str

    def at(
        self,
        span: Span | None,
        *,
        related: Iterable[Related] = (),
        help: str | None = None,
        fix: Iterable[Edit] = (),
        **names: object,
    ) -> Diagnostic:
        """Return the diagnostic for a place; names fill the message.

        Without a place it is for the whole file that is one of the names, if one is.
        """
        text = self.message.format(**{name: _cut(value) for name, value in names.items()})
        file = None if span or "file" not in names else str(names["file"])
        return Diagnostic(self.code, self.severity, text, span, tuple(related), help, tuple(fix), file)


def _cut(value: object) -> object:
    """Return a value as a message can hold it: a very long text is cut short."""
    is_long = isinstance(value, str) and len(value) > _LONGEST_VALUE
    return f"{str(value)[:_LONGEST_VALUE]}..." if is_long else value


def _error(code: str, message: str) -> Rule:
    return Rule(code, Severity.ERROR, message)


def _warning(code: str, message: str) -> Rule:
    return Rule(code, Severity.WARNING, message)


def _note(code: str, message: str) -> Rule:
    return Rule(code, Severity.NOTE, message)


UNREADABLE_FILE = _error("QC101", 'cannot read "{file}": {reason}')
NOT_UTF8 = _error("QC102", "the text is not UTF-8: byte 0x{byte:02x} at byte offset {offset} fits nowhere")
BYTE_ORDER_MARK = _error("QC103", "the text starts with a byte order mark, which AMCT does not read")
SYNTAX = _error("QC104", "expected {expected}, found {found}")
UNEXPECTED_CHARACTER = _error("QC105", "{character} cannot stand here")
UNTERMINATED_STRING = _error("QC106", "the string does not end on its line")
MALFORMED_NUMBER = _error("QC107", '"{text}" is not a number')
BAD_ESCAPE = _error("QC108", '"{escape}" is not an escape sequence')
MALFORMED_NAME = _error("QC109", '"{name}" is not the name of an extension or of an Any type')
TOO_DEEP = _error("QC110", "this is nested more than {limit} deep")
NOT_TEXT = _error("QC111", '"{file}" is not a text')
TOO_LARGE = _error("QC112", '"{file}" has more than {limit} bytes')
TOO_LONG = _error("QC113", "this has {length} characters, and {limit} is the most")
TOO_MANY_MISTAKES = _error("QC114", "after {limit} mistakes in the syntax, the rest of the text is not read")
CARRIAGE_RETURN = _warning("QC115", "this comment goes on behind a carriage return, which alone ends no line")
NOT_ALL_TOLD = _note("QC116", "after {limit} findings of {code}, the others are not told")
OTHER_CONTENT = _error("QC117", '"{file}" is {what}, not {wanted}')
NOT_TOML = _error("QC118", "invalid TOML: {reason}")
JSON_SYNTAX = _error("QC121", "expected {expected}, found {found}")
NOT_JSON = _error("QC122", "{what} is not allowed in JSON")

UNKNOWN_FIELD = _error("QC201", '{message} has no field "{name}"')
WRONG_TYPE = _error("QC202", '"{field}" takes {expected}, not {found}')
INTEGER_RANGE = _error("QC203", '"{field}" takes {low} to {high}, not {value}')
UNKNOWN_ENUM_VALUE = _error("QC204", '"{field}" has no value {value}')
LIST_FOR_ONE = _error("QC205", '"{field}" takes one value, not a list')
MISSING_FIELD = _error("QC206", 'the required field "{field}" is missing from {message}')
SET_AGAIN = _warning("QC207", '"{field}" is set again; only this last value counts')
ONEOF_REPLACED = _warning("QC208", '"{field}" takes the place of "{other}": only one of them can be set')
NOT_SUPPORTED = _error("QC209", "{what} cannot be used here")
TEXT_NOT_UTF8 = _error("QC210", 'the value of "{field}" is not UTF-8 once its escapes are replaced')
NOT_FINITE = _error("QC211", '"{field}" must be a finite number of 32 bits, not {value}')
ADJACENT_STRINGS = _warning("QC213", "these strings are one, as there is no comma between them")
GIVEN_TWICE = _error("QC214", '"{field}" is given twice')
ANOTHER_FORMAT = _error("QC212", "this is {what}, not {wanted}")

INCLUDE_AND_EXCLUDE = _error("QC301", 'layer "{layer}" has both include and exclude rules')
UNKNOWN_PHASE = _error("QC302", "phase {value} of {owner} is neither TRAIN nor TEST")
MIXED_V0 = _warning("QC303", '"layer" is ignored beside V0 "layers", as Caffe does')
MISPLACED_PADDING = _error(
    "QC304",
    'padding layer "{layer}" must have one bottom and one top, and a convolution or pooling behind it',
)
SAME_NAME = _error("QC305", 'two layers of phase TEST are named "{layer}"')
NAMELESS_LAYER = _error("QC306", "a quantizable {type} layer has no name")
SHARED_PARAMETERS = _warning("QC307", "{layers} share parameters, and are therefore not quantized")
ALREADY_QUANTIZED = _error("QC308", 'layer "{layer}" has type {type}: AMCT has worked on this network before')
NO_LAYERS = _error("QC309", '"{file}" has no layer in phase TEST')
DAMAGED_WEIGHTS = _error("QC310", '"{file}" is not a caffemodel, or it is damaged at byte {offset}')
FOREIGN_WEIGHTS = _error("QC311", '"{file}" has weights for no layer of "{model}"')
OTHER_WEIGHTS = _warning("QC313", 'weights in "{file}" do not fit {layers}: "{layer}" {reason}')
WITHOUT_WEIGHTS = _warning("QC312", '"{file}" has no weights for {layers}')
NEARLY_A_FIELD = _warning("QC314", '"{name}" is passed over: {message} has no such field')
TOO_MANY_LAYERS = _error("QC315", '"{file}" has more than {limit} layers')
MIXED_V1 = _error("QC316", 'the network has both "layer" and V1 "layers", which Caffe does not load')
UNKNOWN_WORD = _error("QC317", "unknown {kind} {word}")
FORK_WORD = _warning("QC318", "{kind} {word} does not exist in BVLC Caffe")
INPUT_WITHOUT_SHAPE = _error("QC319", 'input "{name}" needs {needed}, found {found}')
UNKNOWN_BOTTOM = _warning("QC320", 'layer "{layer}" reads blob "{blob}", which no earlier layer writes')
UNKNOWN_BOTTOM_OF_V0 = _error(
    "QC321", 'V0 layer "{layer}" reads blob "{blob}", which no earlier layer writes'
)
WRITTEN_AGAIN = _warning("QC322", 'layer "{layer}" writes blob "{blob}" again')
WRONG_BLOB_COUNT = _warning("QC323", 'layer "{layer}" {problem}')
CANNOT_SET_UP = _warning("QC324", 'Caffe cannot set up layer "{layer}": it {problem}')
SHARED_SHAPES = _warning(
    "QC325", 'parameter "{name}" is {shape} in layer "{layer}", but {other} in layer "{owner}"'
)
BATCH_STATISTICS = _warning(
    "QC326", 'layer "{layer}" does not use its stored statistics, so AMCT cannot fold it'
)

UNKNOWN_LAYER = _error("QC401", 'the network has no layer "{name}"')
UNQUANTIZABLE_TYPE_OF_LAYER = _error("QC402", 'layer "{layer}" has type {type}, which is never quantized')
UNQUANTIZABLE_TYPE = _error("QC403", '"{name}" is not a quantizable layer type')
REPEATED_NAME = _error("QC404", '"{name}" is named twice in {field}')
ALL_TYPES_SKIPPED = _error("QC405", "skip_layer_types names every quantizable type")
NOTHING_QUANTIZABLE = _error("QC406", "no layer of the network can be quantized")
NOTHING_LEFT = _error("QC407", "every layer that can be quantized is skipped")
RESERVED_NAME = _error("QC408", 'a quantizable layer is named "{layer}", which is a key of the configuration')
CHANNEL_WISE = _error("QC409", "channel_wise cannot be true for {type} layers{where}")
NOT_NON_UNIFORM = _error("QC410", "nuq_quantize cannot be used for {layers} ({type}): {reason}")
EMPTY_RANGE = _error("QC411", "the search range must rise, but goes from {start} to {end}")
LONG_STEP = _error("QC412", "search_step {step} is longer than the search range from {start} to {end}")
NOT_FUSIBLE = _error("QC413", 'layer "{layer}" has type {type}, which nothing is folded into')
BAD_MAPPING = _error("QC414", 'mapping file "{file}" is not the fusion JSON of a model: {reason}')
WRONG_ARGUMENT = _error("QC415", "argument {argument} must be {expected}, not {found}")
OVERRIDE_UNSUPPORTED = _warning(
    "QC421", 'this override has no effect: layer "{layer}" is not quantizable: {reason}'
)
OVERRIDE_UNMATCHED = _warning("QC422", "this override has no effect: {reason}")
OVERRIDE_DROPS = _warning("QC423", "this override replaces all of {lower}: {changes}")
ASYMMETRIC_LOST = _warning("QC424", "asymmetric is {value} for {layers}: AMCT does not take it from {level}")
DEPRECATED = _warning("QC425", '"{field}" is deprecated')
DEPRECATED_IGNORED = _warning("QC426", '"{field}" is deprecated, and ignored beside {other}')
NO_FUSION_GROUP = _warning("QC427", 'nothing would be folded into layer "{layer}" anyway{reason}')
ARGUMENT_IGNORED = _warning("QC428", "argument {argument} is ignored, because a config is given")
MAPPING_UNMATCHED = _warning("QC429", 'mapping file "{file}" gives no layer non-uniform quantization')
COMMON_UNUSED = _warning("QC430", "{level} has no effect: no layer takes anything from it")
NOT_MIGRATED = _error("QC431", '"{field}" cannot be migrated beside nuq_config: {reason}')
SKIP_UNMATCHED = _warning("QC432", "there is nothing to skip: {reason}")

INVALID_VALUE = _error("QC501", '"{key}" must be {expected}, not {value}')
UNWRITABLE_FILE = _error("QC502", 'cannot write "{file}": {reason}')
BAD_OUTPUT_NAME = _error("QC503", '"{file}" cannot be the name of the output: {reason}')
OUTPUT_REPLACED = _warning("QC504", '"{file}" exists, and is replaced')
ORIGINS_LEFT = _note("QC505", '"{file}" tells the origins of an earlier output')
DUPLICATE_KEY = _error("QC511", 'duplicate key "{key}"')
UNKNOWN_KEY = _error("QC512", '"{key}" is not a key of {where}')
OTHER_ALGORITHM = _error("QC513", '"{key}" is a parameter of "{other}", but {selector} is "{name}"')
NO_SUCH_LAYER = _error("QC514", '"{key}" is neither a key of the configuration nor the name of a layer')
UNQUANTIZABLE_LAYER = _error("QC515", 'layer "{layer}" cannot be quantized: {reason}')
NOTHING_ENABLED = _error("QC516", "no layer is quantized: none has quant_enable true")
UNLISTED_LAYERS = _note("QC517", "{layers} can be quantized, but the configuration leaves {them} out")
NOT_EXPRESSIBLE = _error("QC521", 'no quant.cfg gives "{key}"{where} the value {value}')
KEYS_LEFT_OUT = _warning(
    "QC522", "the configuration leaves out {keys}{where}, which a compile writes out, with the default"
)


def rules() -> Mapping[str, Rule]:
    """Return all rules by code."""
    return {rule.code: rule for rule in globals().values() if isinstance(rule, Rule)}


def page(code: str) -> str:
    """Return the page of a code, as Markdown."""
    from importlib.resources import files

    return files("quantcfg.pages").joinpath(f"{code}.md").read_text(encoding="utf-8")


def summary(code: str) -> str:
    """Return in a few words what a code means: the title of its page."""
    return page(code).partition("\n")[0].removeprefix(f"# {code}: ")


def limited(report: Report) -> Report:
    """Return what passes on so many findings of each code, and a note in place of the next one."""
    seen = Counter[str]()

    def report_limited(diagnostic: Diagnostic) -> None:
        code = diagnostic.code
        seen[code] += 1
        if seen[code] <= limits.FINDINGS_OF_A_CODE:
            report(diagnostic)
        elif seen[code] == limits.FINDINGS_OF_A_CODE + 1:
            report(NOT_ALL_TOLD.at(diagnostic.span, code=code, limit=limits.FINDINGS_OF_A_CODE))

    return report_limited
