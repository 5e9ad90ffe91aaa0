"""What is wrong with single values: placeholders, remains of copying, wrong forms."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cloudmart.settings.disclosure import masked
from cloudmart.settings.layers import Told
from cloudmart.settings.model import Settings
from cloudmart.settings.placeholders import QUOTES, is_placeholder
from cloudmart.settings.report import Fault, State
from cloudmart.settings.variables import Variable, variables
from cloudmart.settings.wording import in_words

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def as_told(variable: Variable, told: Told) -> Fault | None:
    """Return what is wrong with a value whatever it is for, if anything is."""
    parts = told.value.split(",") if variable.listed else []
    if any(is_placeholder(part) for part in (told.value, *parts)):
        return Fault.about(variable, told, "is a placeholder", State.PLACEHOLDER)
    # What is divided by white space may be a line each.
    if _CONTROLS.search(" ".join(told.value.split()) if variable.spaced else told.value):
        return Fault.about(variable, told, "has a line break in it")
    if told.value[0] in QUOTES and told.value[-1] in QUOTES:
        return Fault.about(variable, told, "has quotes around it")
    if told.value != told.value.strip():
        return Fault.about(variable, told, "has blanks around it")
    return None


def of_form(told: Mapping[Variable, Told]) -> list[Fault]:
    """Return what is wrong with the form of values, as their types see it."""
    faults: dict[Variable, Fault] = {}
    try:
        Settings.model_validate(nested(told))
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            variable = _concerned(detail["loc"])
            what = _part(variable, told[variable], detail["loc"]) + in_words(detail)
            faults[variable] = Fault.about(variable, told[variable], what)
    return list(faults.values())


def nested(told: Mapping[Variable, Told]) -> dict[str, Any]:
    """Return values as `Settings` takes them, each in its group."""
    values: dict[str, Any] = {}
    for variable, each in told.items():
        group = values.setdefault(variable.group, {}) if variable.group else values
        group[variable.field] = each.value
    return values


def _part(variable: Variable, told: Told, place: tuple[int | str, ...]) -> str:
    """Return which of a setting's several values is meant, or nothing where it has one."""
    if variable.secret or not isinstance(number := place[-1], int):
        return ""
    parts = [part.strip() for part in told.value.split(",") if part.strip()]
    return f"names {masked(parts[number])!r}, which "


def _concerned(place: tuple[int | str, ...]) -> Variable:
    known = variables()
    return known.get(("", str(place[0]))) or known[str(place[0]), str(place[1])]
