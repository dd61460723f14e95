"""The catalogue of diagnostics: a rule for each code, with its severity and message.

Codes are stable: a rule may be removed, but its code is never used again.

    QC1xx  reading and syntax        QC4xx  lowering
    QC2xx  the schema of a request   QC5xx  the JSON configuration and its file
    QC3xx  the model

docs/diagnostics has a page for each code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from quantcfg import limits
from quantcfg.diagnostics.diagnostic import Diagnostic, Edit, Related, Report, Severity
from quantcfg.frozen import small_value
from quantcfg.source import Span

_LONGEST_VALUE = 1000


@small_value
class Rule:
    """A kind of diagnostic; message is a format string."""

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
        """Return a diagnostic at a span; names fill in the message.

        Without a span it is about the whole file, if "file" is one of the names.
        """
        text = self.message.format(**{name: _cut(value) for name, value in names.items()})
        file = None if span or "file" not in names else str(names["file"])
        return Diagnostic(self.code, self.severity, text, span, tuple(related), help, tuple(fix), file)


def _cut(value: object) -> object:
    """Return a value as a message shows it: a very long string is truncated."""
    is_long = isinstance(value, str) and len(value) > _LONGEST_VALUE
    return f"{str(value)[:_LONGEST_VALUE]}..." if is_long else value


def _error(code: str, message: str) -> Rule:
    return Rule(code, Severity.ERROR, message)


def _warning(code: str, message: str) -> Rule:
    return Rule(code, Severity.WARNING, message)


def _note(code: str, message: str) -> Rule:
    return Rule(code, Severity.NOTE, message)


UNREADABLE_FILE = _error("QC101", 'cannot read "{file}": {reason}')
NOT_UTF8 = _error("QC102", "invalid UTF-8: byte 0x{byte:02x} at offset {offset}")
BYTE_ORDER_MARK = _error("QC103", "the file starts with a byte order mark, which AMCT rejects")
SYNTAX = _error("QC104", "expected {expected}, found {found}")
UNEXPECTED_CHARACTER = _error("QC105", "{character} is not allowed here")
UNTERMINATED_STRING = _error("QC106", "unterminated string")
MALFORMED_NUMBER = _error("QC107", 'invalid number "{text}"')
BAD_ESCAPE = _error("QC108", 'invalid escape sequence "{escape}"')
MALFORMED_NAME = _error("QC109", '"{name}" is not a valid extension or Any type name')
TOO_DEEP = _error("QC110", "nesting exceeds the limit of {limit} levels")
NOT_TEXT = _error("QC111", '"{file}" is not a text file')
TOO_LARGE = _error("QC112", '"{file}" exceeds the limit of {limit} bytes')
TOO_LONG = _error("QC113", "token of {length} characters exceeds the limit of {limit}")
TOO_MANY_ERRORS = _error("QC114", "too many syntax errors: parsing stops after {limit}")
CARRIAGE_RETURN = _warning("QC115", "a carriage return alone does not end this comment")
MORE_NOT_SHOWN = _note("QC116", "only the first {limit:,} {code} diagnostics are shown")
OTHER_CONTENT = _error("QC117", '"{file}" is {what}, not {wanted}')
NOT_TOML = _error("QC118", "invalid TOML: {reason}")
JSON_SYNTAX = _error("QC121", "expected {expected}, found {found}")
NOT_JSON = _error("QC122", "{what} is not allowed in JSON")

UNKNOWN_FIELD = _error("QC201", '{message} has no field "{name}"')
WRONG_TYPE = _error("QC202", '"{field}" must be {expected}, not {found}')
INTEGER_RANGE = _error("QC203", '"{field}" must be between {low} and {high}, not {value}')
UNKNOWN_ENUM_VALUE = _error("QC204", 'unknown value {value} for "{field}"')
LIST_FOR_ONE = _error("QC205", '"{field}" must be a single value, not a list')
MISSING_FIELD = _error("QC206", 'required field "{field}" is missing from {message}')
SET_AGAIN = _warning("QC207", '"{field}" is set more than once; only the last value is used')
ONEOF_REPLACED = _warning("QC208", '"{field}" replaces "{other}": only one of them can be set')
NOT_SUPPORTED = _error("QC209", "{what} is not supported")
TEXT_NOT_UTF8 = _error("QC210", 'the value of "{field}" is not valid UTF-8 after unescaping')
NOT_FINITE = _error("QC211", '"{field}" must be a finite 32-bit float, not {value}')
ANOTHER_FORMAT = _error("QC212", "this is {what}, not {wanted}")
ADJACENT_STRINGS = _warning("QC213", "adjacent strings without a comma are joined into one")
GIVEN_TWICE = _error("QC214", '"{field}" is set twice')

INCLUDE_AND_EXCLUDE = _error("QC301", 'layer "{layer}" has both include and exclude rules')
UNKNOWN_PHASE = _error("QC302", "phase of {owner} must be TRAIN or TEST, not {value}")
MIXED_V0 = _warning("QC303", '{what} ignored because the network has V0 "layers"')
MISPLACED_PADDING = _error(
    "QC304",
    'padding layer "{layer}" must have one bottom and one top, and feed a convolution or pooling layer',
)
SAME_NAME = _error("QC305", 'duplicate layer name "{layer}" in phase TEST')
NAMELESS_LAYER = _error("QC306", "quantizable {type} layer has no name")
SHARED_PARAMETERS = _warning("QC307", "{layers} are not quantized because they share parameters")
ALREADY_QUANTIZED = _error("QC308", "{what} has type {type}: AMCT has already processed this network")
NO_LAYERS = _error("QC309", '"{file}" has no layers in phase TEST')
MALFORMED_WEIGHTS = _error("QC310", '"{file}" is not a valid caffemodel: malformed data at byte {offset}')
FOREIGN_WEIGHTS = _error("QC311", '"{file}" has no weights for any layer of "{model}"')
WITHOUT_WEIGHTS = _warning("QC312", '"{file}" has no weights for {layers}')
OTHER_WEIGHTS = _warning("QC313", 'weights in "{file}" do not match {layers}: "{layer}" {reason}')
NEARLY_A_FIELD = _warning("QC314", '"{name}" is ignored: {message} has no such field')
TOO_MANY_LAYERS = _error("QC315", '"{file}" has more than {limit} layers')
MIXED_V1 = _error("QC316", 'Caffe cannot load a network with both "layer" and V1 "layers"')
UNKNOWN_WORD = _error("QC317", "unknown {kind} {word}")
FORK_WORD = _warning("QC318", "{kind} {word} does not exist in BVLC Caffe")
INPUT_WITHOUT_SHAPE = _error("QC319", 'input "{name}" needs {needed}, found {found}')
UNKNOWN_BOTTOM = _warning("QC320", 'layer "{layer}" reads blob "{blob}", which no earlier layer writes')
UNKNOWN_BOTTOM_OF_V0 = _error(
    "QC321", 'V0 layer "{layer}" reads blob "{blob}", which no earlier layer writes'
)
WRITTEN_AGAIN = _warning("QC322", 'layer "{layer}" writes blob "{blob}", which is already written')
WRONG_BLOB_COUNT = _warning("QC323", 'layer "{layer}" {problem}')
CANNOT_SET_UP = _warning("QC324", 'Caffe cannot set up layer "{layer}": it {problem}')
SHARED_SHAPES = _warning(
    "QC325", 'parameter "{name}" has shape {shape} in layer "{layer}", but {other} in layer "{owner}"'
)
BATCH_STATISTICS = _warning(
    "QC326", 'layer "{layer}" does not use its stored statistics, so AMCT cannot fold it'
)

UNNAMED_NODE = _error("QC330", "quantizable {type} node has no name")
REPEATED_NODE = _error("QC331", 'duplicate node name "{name}"')
MALFORMED_ONNX = _error("QC332", '"{file}" is not a valid ONNX model: {reason}')
NO_NODES = _error("QC333", '"{file}" has no nodes in its graph')
WEIGHTS_IN_MODEL = _error("QC334", '"{file}" cannot be used: an ONNX model contains its weights')
UNUSUAL_OPSET = _warning("QC335", "opset {opset} is outside the range {low} to {high}")
SHARED_WEIGHT = _warning("QC336", "{layers} share a weight")
FLOAT16_POOLING = _warning("QC337", "AMCT may be unable to quantize float16 average pooling: {layers}")
DILATED_DECONVOLUTION = _warning("QC338", "AMCT may be unable to quantize dilated ConvTranspose: {layers}")
NAME_NOT_UTF8 = _error("QC339", "quantizable {type} node has a name that is not UTF-8")
EXTERNAL_DATA = _error("QC340", 'external data of "{tensor}" cannot be used: {reason}')

UNKNOWN_LAYER = _error("QC401", 'layer "{name}" does not exist')
UNQUANTIZABLE_TYPE_OF_LAYER = _error("QC402", 'layer "{layer}" has type {type}, which is never quantized')
UNQUANTIZABLE_TYPE = _error("QC403", "{names} not {what}")
REPEATED_NAME = _error("QC404", 'duplicate name "{name}" in {field}')
ALL_TYPES_SKIPPED = _error("QC405", "skip_layer_types skips every quantizable layer type")
NOTHING_QUANTIZABLE = _error("QC406", "no layer of the network can be quantized")
NOTHING_LEFT = _error("QC407", "every quantizable layer is skipped")
RESERVED_NAME = _error("QC408", 'layer name "{layer}" is reserved: it is a key of the configuration')
CHANNEL_WISE = _error("QC409", "channel_wise cannot be true for {type} layers{where}")
NOT_NON_UNIFORM = _error("QC410", "nuq_quantize is not supported for {layers} ({type}): {reason}")
EMPTY_RANGE = _error("QC411", "search range start {start} must be less than its end {end}")
LONG_STEP = _error("QC412", "search_step {step} is larger than the search range from {start} to {end}")
NOT_FUSIBLE = _error("QC413", 'layer "{layer}" has type {type}, which cannot be a fusion target')
BAD_MAPPING = _error("QC414", '"{file}" is not a mapping file: {reason}')
WRONG_ARGUMENT = _error("QC415", "argument {argument} must be {expected}, not {found}")
OVERRIDE_UNSUPPORTED = _warning(
    "QC421", 'override has no effect: layer "{layer}" is not quantizable: {reason}'
)
OVERRIDE_UNMATCHED = _warning("QC422", "override has no effect: {reason}")
OVERRIDE_DROPS = _warning("QC423", "this override drops settings of {lower}: {changes}")
ASYMMETRIC_LOST = _warning(
    "QC424", "asymmetric is {value} for {layers}: AMCT does not inherit it from {level}"
)
DEPRECATED = _warning("QC425", '"{field}" is deprecated')
DEPRECATED_IGNORED = _warning("QC426", '"{field}" is deprecated and ignored because {other} is set')
NO_FUSION_GROUP = _warning("QC427", 'layer "{layer}" has no fusion to skip{reason}')
ARGUMENT_IGNORED = _warning("QC428", "{argument} is ignored: the quant.cfg applies")
MAPPING_UNMATCHED = _warning("QC429", 'mapping file "{file}" has no effect: it selects no layers')
COMMON_UNUSED = _warning("QC430", "{level} has no effect: no layer uses it")
NOT_MIGRATED = _error("QC431", '"{field}" cannot be migrated together with nuq_config: {reason}')
SKIP_UNMATCHED = _warning("QC432", "skip has no effect: {reason}")
NO_BALANCER = _error("QC440", "dmq_balancer is not supported for {what}{reason}")
BALANCER_DROPPED = _warning("QC441", "dmq_balancer of {level} does not apply to {layers}: {reason}")
TENSOR_OF_TYPE = _error("QC442", "tensor_quantize does not support {type} nodes")
NO_SUCH_INPUT = _error("QC443", 'layer "{layer}" has no {what} {index}')
TENSOR_REPEATED = _error("QC444", 'input {index} of layer "{layer}" is quantized twice')
TENSOR_SIBLINGS = _warning("QC445", 'ATC accepts only one quantized input of "{layer}"')
ALWAYS_SYMMETRIC = _error("QC446", 'asymmetric cannot be true for layer "{layer}": {reason}')
OFFSET_IGNORED = _warning("QC447", "asymmetric has no effect for {layers}: {reason}")
NO_INT16 = _error("QC448", "{bits}-bit activations are not supported for {what}")
INT16_LOWERED = _warning("QC449", "activations do not have {bits} bits for {layers}: {types} not support it")
INT16_CHIPS = _warning("QC450", "{bits}-bit activations need a Nano chip")
OTHER_EDITION = _error("QC451", "this file {problem}: it has {names}")
AMBIGUOUS_NAME = _error("QC452", '"{name}" is the name of {number} nodes')

INVALID_VALUE = _error("QC501", '"{key}" must be {expected}, not {value}')
UNWRITABLE_FILE = _error("QC502", 'cannot write "{file}": {reason}')
BAD_OUTPUT_NAME = _error("QC503", 'cannot write "{file}": {reason}')
OUTPUT_REPLACED = _warning("QC504", '"{file}" already existed and was replaced')
ORIGINS_LEFT = _note("QC505", '"{file}" is out of date: it describes an earlier output')
DUPLICATE_KEY = _error("QC511", 'duplicate key "{key}"')
UNKNOWN_KEY = _error("QC512", 'unknown key "{key}" in {where}')
OTHER_ALGORITHM = _error("QC513", '"{key}" is a parameter of "{other}", but {selector} is "{name}"')
NO_SUCH_LAYER = _error("QC514", '"{key}" is neither a configuration key nor a layer name')
UNQUANTIZABLE_LAYER = _error("QC515", 'layer "{layer}" cannot be quantized: {reason}')
NOTHING_ENABLED = _error("QC516", "no layer has quant_enable set to true")
UNLISTED_LAYERS = _note("QC517", "{layers} can be quantized, but the configuration omits {them}")
NOT_EXPRESSIBLE = _error("QC521", 'a quant.cfg cannot set "{key}"{where} to {value}')
KEYS_LEFT_OUT = _warning("QC522", "the configuration omits {keys}{where}; compiling writes the defaults")


def rules() -> Mapping[str, Rule]:
    """Return all rules by code."""
    return {rule.code: rule for rule in globals().values() if isinstance(rule, Rule)}


def page(code: str) -> str:
    """Return the page of a code, as Markdown."""
    from importlib.resources import files

    return files("quantcfg.pages").joinpath(f"{code}.md").read_text(encoding="utf-8")


def summary(code: str) -> str:
    """Return the title of the page of a code."""
    return page(code).partition("\n")[0].removeprefix(f"# {code}: ")


def limited(report: Report) -> Report:
    """Return a report that forwards a limited number of diagnostics per code, then a note."""
    seen = Counter[str]()

    def report_limited(diagnostic: Diagnostic) -> None:
        code = diagnostic.code
        seen[code] += 1
        if seen[code] <= limits.DIAGNOSTICS_PER_CODE:
            report(diagnostic)
        elif seen[code] == limits.DIAGNOSTICS_PER_CODE + 1:
            report(MORE_NOT_SHOWN.at(diagnostic.span, code=code, limit=limits.DIAGNOSTICS_PER_CODE))

    return report_limited
