"""What is wrong with single values: placeholders, remains of copying, wrong forms."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core.core_schema import ErrorType

from cloudmart.settings.consistency import why_disabled
from cloudmart.settings.model import Environment, Settings
from cloudmart.settings.report import SettingFault, SettingState, masked
from cloudmart.settings.sources import SourceValue
from cloudmart.settings.variables import Variable, variables

_Context = Mapping[str, Any]

_WORDING: Mapping[str, Callable[[_Context], str]] = {
    "bool_parsing": lambda _: "is neither true nor false",
    "bool_type": lambda _: "is neither true nor false",
    "decimal_parsing": lambda _: "is not a number",
    "decimal_type": lambda _: "is not a number",
    "decimal_whole_digits": lambda it: (
        f"has more than {it['whole_digits']} digits before the point"
    ),
    "decimal_max_places": lambda it: f"has more than {it['decimal_places']} decimal places",
    "decimal_max_digits": lambda it: f"has more than {it['max_digits']} digits",
    "enum": lambda it: f"is not one of {_choices(it['expected'])}",
    "finite_number": lambda _: "is not a finite number",
    "float_parsing": lambda _: "is not a number",
    "float_type": lambda _: "is not a number",
    "greater_than": lambda it: f"is not more than {_plain(it['gt'])}",
    "greater_than_equal": lambda it: f"is less than {_plain(it['ge'])}",
    "int_from_float": lambda _: "is not a whole number",
    "int_parsing": lambda _: "is not a whole number",
    "int_parsing_size": lambda _: "has too many digits",
    "int_type": lambda _: "is not a whole number",
    "less_than": lambda it: f"is not less than {_plain(it['lt'])}",
    "less_than_equal": lambda it: f"is more than {_plain(it['le'])}",
    "missing": lambda _: "is missing",
    "path_type": lambda _: "is not a path",
    "string_too_long": lambda it: f"is longer than {it['max_length']} characters",
    "string_too_short": lambda it: (
        "is empty" if it["min_length"] == 1 else f"is shorter than {it['min_length']} characters"
    ),
    "string_type": lambda _: "is not a text",
    "string_unicode": lambda _: "is not a text",
    "dict_type": lambda _: "is not an object",
    "extra_forbidden": lambda _: "is not known",
    "list_type": lambda _: "is not a list",
    "literal_error": lambda it: f"is not one of {_choices(it['expected'])}",
    "model_attributes_type": lambda _: "is not an object",
    "model_type": lambda _: "is not an object",
    "too_long": lambda it: f"has more than {it['max_length']} entries",
    "too_short": lambda it: (
        "is empty" if it["min_length"] == 1 else f"has fewer than {it['min_length']} entries"
    ),
    "tuple_type": lambda _: "is not a list",
}
_PYDANTICS = frozenset(get_args(ErrorType)) - {"value_error"}

QUOTES = "\"'`\u201c\u201d\u2018\u2019"
_WORDS = frozenset(
    {"changeme", "change-me", "change_me", "todo", "tbd", "placeholder", "example", "none", "-"}
)
_BRACKETED = re.compile(r"<.*>|\$\{.*\}|\{\{.*\}\}", re.DOTALL)
_CROSSES = re.compile(r"x{3,}[x._…-]*", re.IGNORECASE)
_YOURS = ("your-", "your_")
_AUTHORITY = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*)", re.IGNORECASE)
_DOCUMENTATION_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:123456789012(:.*)?", re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_REQUIRED = ("startup", "required_providers")


def error_in_words(detail: Mapping[str, Any]) -> str:
    """Return the end of a sentence whose subject is the value: `is not a whole number`.

    `detail` is one of `ValidationError.errors()`, with its context.
    """
    if words := _WORDING.get(detail["type"]):
        return words(detail.get("ctx", {}))
    if detail["type"] in _PYDANTICS:
        return "does not have the right form"
    # Our own validators' words.
    said: str = detail["msg"]
    return said.removeprefix("Value error, ")


def first_in_words(error: ValidationError) -> tuple[str, str]:
    """Return where the first thing is that is wrong, and what in_words says of it."""
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(str(step) for step in first["loc"]), error_in_words(first)


def _plain(number: float | Decimal) -> str:
    return f"{Decimal(str(number)).normalize():f}"


def _choices(expected: str) -> str:
    """Return pydantic's list of choices without its quotes: `'a', 'b' or 'c'`."""
    return re.sub(r"'([^']*)'", r"\1", expected)


def is_placeholder(value: str) -> bool:
    """Return whether a value, or what it is the base64 of, was meant to be replaced."""
    bare = value.strip().strip(QUOTES).strip()
    return _stands_in(bare) or _stands_in(_decoded(bare))


def _stands_in(value: str) -> bool:
    lowered = value.lower()
    return bool(
        lowered in _WORDS
        or lowered.startswith(_YOURS)
        or _BRACKETED.fullmatch(value)
        or _CROSSES.fullmatch(value)
        or _DOCUMENTATION_ACCOUNT.fullmatch(value)
        or any(label.startswith(_YOURS) for label in _labels(lowered))
    )


def _labels(url: str) -> list[str]:
    authority = _AUTHORITY.match(url)
    return authority[1].split(".") if authority else []


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def fault_of_text(variable: Variable, told: SourceValue) -> SettingFault | None:
    """Return what is wrong with a value whatever it is for, if anything is."""
    parts = told.value.split(",") if variable.listed else []
    if any(is_placeholder(part) for part in (told.value, *parts)):
        return SettingFault.about(variable, told, "is a placeholder", SettingState.PLACEHOLDER)
    # What is separated by white space may be a line each.
    if _CONTROLS.search(" ".join(told.value.split()) if variable.spaced else told.value):
        return SettingFault.about(variable, told, "has a line break in it")
    if told.value[0] in QUOTES and told.value[-1] in QUOTES:
        return SettingFault.about(variable, told, "has quotes around it")
    if told.value != told.value.strip():
        return SettingFault.about(variable, told, "has blanks around it")
    return None


def form_faults(told: Mapping[Variable, SourceValue]) -> list[SettingFault]:
    """Return what is wrong with the form of values, as their types see it."""
    faults: dict[Variable, SettingFault] = {}
    try:
        Settings.model_validate(nest_values(told))
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            variable = _concerned(detail["loc"])
            what = _part(variable, told[variable], detail["loc"]) + error_in_words(detail)
            faults[variable] = SettingFault.about(variable, told[variable], what)
    return list(faults.values())


def nest_values(told: Mapping[Variable, SourceValue]) -> dict[str, Any]:
    """Return values as `Settings` takes them, each in its group."""
    values: dict[str, Any] = {}
    for variable, each in told.items():
        group = values.setdefault(variable.group, {}) if variable.group else values
        group[variable.field] = each.value
    return values


def _part(variable: Variable, told: SourceValue, place: tuple[int | str, ...]) -> str:
    """Return which of a setting's several values is meant, or nothing where it has one."""
    if variable.secret or not isinstance(number := place[-1], int):
        return ""
    parts = [part.strip() for part in told.value.split(",") if part.strip()]
    return f"names {masked(parts[number])!r}, which "


def _concerned(place: tuple[int | str, ...]) -> Variable:
    known = variables()
    return known.get(("", str(place[0]))) or known[str(place[0]), str(place[1])]


def missing_providers(
    settings: Settings, told: Mapping[Variable, SourceValue], faults: Iterable[SettingFault]
) -> Iterator[SettingFault]:
    """Yield the required providers that are not configured and not reported for it already."""
    reported = {fault.provider for fault in faults}
    reasons = why_disabled(settings)
    for provider in settings.startup.required_providers:
        if provider not in reported and (reason := reasons[provider]):
            variable = variables()[_REQUIRED]
            what = f"names {provider}, which is disabled: {reason.rstrip('.')}"
            yield SettingFault(
                variable, variable.name, SettingState.MISSING, what, told[variable].origin
            )


def validate_settings(
    settings: Settings, faults: Iterable[SettingFault]
) -> tuple[Settings, list[SettingFault], list[SettingFault]]:
    """Return the settings to run with, the faults that stop the start, and the others.

    An optional provider with a tolerated fault is disabled, and the settings say why.
    """
    refusals: list[SettingFault] = []
    tolerated: list[SettingFault] = []
    for fault in faults:
        (tolerated if _is_tolerable(fault, settings) else refusals).append(fault)
    faulty = {fault.provider: fault.sentence for fault in reversed(tolerated) if fault.provider}
    emptied = {provider.value: type(getattr(settings, provider))() for provider in faulty}
    return settings.model_copy(update={**emptied, "faulty": faulty}), refusals, tolerated


def _is_tolerable(fault: SettingFault, settings: Settings) -> bool:
    startup = settings.startup
    # OpenTelemetry has it so: what cannot be used is a warning. An injected SDK may understand it.
    if settings.environment is Environment.LOCAL or fault.variable.group == "tracing":
        return True
    return (
        startup.degraded
        and fault.provider is not None
        and fault.provider not in startup.required_providers
    )
