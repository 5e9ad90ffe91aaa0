"""The places settings come from, in their order: the first that has a value decides."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NestedSecretsSettingsSource,
    SecretsSettingsSource,
    SettingsError,
)

from cloudmart.settings.knowledge import SAMPLE

# What says where the others come from cannot come from there.
_FROM_ENVIRONMENT_ALONE = frozenset({"ENVIRONMENT", "CLOUDMART_SECRETS_DIR", "CLOUDMART_SECRET_ID"})

LOCAL_MODE = "local mode"
_ON_A_PERSONS_MACHINE: Mapping[str, str] = {
    "DYNAMODB_TIMEOUT": "30",
    "ASSISTANT_KNOWLEDGE": str(SAMPLE),
}

Held = str | Mapping[str, Any]
"""What a secret held: its text, a JSON object with variables as keys, or that object."""


@dataclass(frozen=True, slots=True)
class SourceValue:
    """A value, with the name and the place that it came from."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class SettingSource:
    """One place and what it tells."""

    origin: str
    values: Mapping[str, Any]

    def find(self, names: Iterable[str]) -> SourceValue | None:
        """Return the value under the first of some names that is not blank here."""
        for name in names:
            value = _text(self.values.get(name))
            if value.strip():
                return SourceValue(name, value, self.origin)
        return None


def environment_source(environ: Mapping[str, str]) -> SettingSource:
    """Return the process's environment."""
    return SettingSource("environment", environ)


def directory_source(path: str) -> SettingSource:
    """Return the files of a mounted directory, one a variable, or raise ValueError."""
    try:
        source = NestedSecretsSettingsSource(
            SecretsSettingsSource(BaseSettings, path),
            secrets_dir_missing="error",
            secrets_case_sensitive=True,
        )
    except UnicodeDecodeError:
        raise ValueError("names a directory with a file that is not text") from None
    except (SettingsError, OSError):
        raise ValueError("names no directory that can be read") from None
    return _other(f"files of {path}", source.env_vars)


def secret_source(held: Held, name: str) -> SettingSource:
    """Return what a secret of AWS Secrets Manager held, or raise ValueError with a message."""
    try:
        values = json.loads(held) if isinstance(held, str) else held
    except ValueError:
        values = None
    if not isinstance(values, Mapping):
        raise ValueError("names a secret that is no JSON object")  # noqa: TRY004 - told in words
    return _other(f"secret {name}", values)


def dotenv_source(path: Path) -> SettingSource:
    """Return a file of `NAME=value` lines; one that is not there tells nothing."""
    source = DotEnvSettingsSource(BaseSettings, path, "utf-8", case_sensitive=True)
    return _other(path.name, source.env_vars)


def local_mode_source() -> SettingSource:
    """Return the defaults of local mode.

    Nobody there waits for a 503, moto may be slow, and the sample answers for the sample shop.
    """
    return SettingSource(LOCAL_MODE, _ON_A_PERSONS_MACHINE)


def find_value(layers: Iterable[SettingSource], names: Iterable[str]) -> SourceValue | None:
    """Return what the first place that knows one of some names tells."""
    return next((told for layer in layers if (told := layer.find(names))), None)


def _other(origin: str, values: Mapping[str, Any]) -> SettingSource:
    kept = {name: value for name, value in values.items() if name not in _FROM_ENVIRONMENT_ALONE}
    return SettingSource(origin, kept)


def _text(value: Any) -> str:  # noqa: ANN401 - a secret is any JSON
    if value is None:
        return ""
    # JSON's true is Python's True, and a number is read as it is written.
    return str(value)
