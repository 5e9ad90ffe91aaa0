"""The settings as they are set from outside: a flat list of variables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, get_args

from pydantic import AliasChoices, BaseModel, SecretStr
from pydantic.fields import FieldInfo

from cloudmart.settings.formats import SPACED, SettingsGroup
from cloudmart.settings.model import Settings
from cloudmart.settings.platform import Provider


@dataclass(frozen=True, slots=True)
class Variable:
    """A setting: the names it goes by outside, and its place in `Settings`."""

    group: str
    field: str
    names: tuple[str, ...]
    description: str
    example: str
    default: Any
    secret: bool
    obsolete: str | None
    spaced: bool = False
    """Whether it holds several values, separated by white space."""
    choices: tuple[str, ...] = ()
    """All right values, where there are only so many."""

    @property
    def right(self) -> str:
        """What a right value is, for somebody who has set a wrong one."""
        if not self.choices:
            return self.example
        *others, last = self.choices
        several = "; several are separated by commas" if self.listed else ""
        return f"{', '.join(others)} or {last}{several}"

    @property
    def name(self) -> str:
        """The name we call it by."""
        return self.names[0]

    @property
    def provider(self) -> Provider | None:
        """The optional provider it configures, if it configures one."""
        return Provider(self.group) if self.group in list(Provider) else None

    @property
    def listed(self) -> bool:
        """Whether it holds several values, separated by commas."""
        return isinstance(self.default, tuple)


@cache
def variables() -> Mapping[tuple[str, str], Variable]:
    """Return every setting there is, by its group and field."""
    return {(each.group, each.field): each for each in _walk(Settings, "")}


def groups() -> Mapping[str, str]:
    """Return what the groups of settings are about, by their names."""
    return {
        name: group.__doc__ or ""
        for name, info in Settings.model_fields.items()
        if (group := _group(info.annotation))
    }


def _walk(model: type[BaseModel], group: str) -> Iterator[Variable]:
    for name, info in model.model_fields.items():
        if nested := _group(info.annotation):
            yield from _walk(nested, name)
        elif info.validation_alias is not None:
            yield _variable(group, name, info)


def _variable(group: str, name: str, info: FieldInfo) -> Variable:
    alias = info.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return Variable(
        group=group,
        field=name,
        names=tuple(str(choice) for choice in choices),
        description=info.description or "",
        example=str((info.examples or [""])[0]),
        default=info.default,
        secret=_hides(info.annotation),
        obsolete=info.deprecated if isinstance(info.deprecated, str) else None,
        spaced=info.json_schema_extra == SPACED,
        choices=_choices(info.annotation),
    )


def _choices(annotation: Any) -> tuple[str, ...]:  # noqa: ANN401 - any type at all
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return tuple(annotation)
    return next((found for part in get_args(annotation) if (found := _choices(part))), ())


def _hides(annotation: Any) -> bool:  # noqa: ANN401 - any type at all
    return annotation is SecretStr or any(_hides(part) for part in get_args(annotation))


def _group(annotation: Any) -> type[SettingsGroup] | None:  # noqa: ANN401 - any type at all
    is_group = isinstance(annotation, type) and issubclass(annotation, SettingsGroup)
    return annotation if is_group else None
