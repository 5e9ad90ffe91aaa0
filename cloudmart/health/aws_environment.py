"""Finds variables that AWS's SDK cannot use, before the SDK is used."""

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aioboto3
import structlog
from botocore import exceptions as sdk

from cloudmart.dynamodb.session import configuration_of, new_session
from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.aws_environment import CONFIG_WRONG, SETTING_WRONG
from cloudmart.health.causes.credentials import NONE
from cloudmart.health.dependency_error import dependency_error_of, facts_of_pod
from cloudmart.health.identity import Identity
from cloudmart.settings.report import masked

_log = structlog.stdlib.get_logger(__name__)

_CHECKSUMS = ("when_supported", "when_required")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": ("preferred", "disabled", "required"),
    "AWS_DEFAULTS_MODE": ("legacy", "auto", "standard", "in-region", "cross-region", "mobile"),
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": ("ipv4", "ipv6"),
    "AWS_REQUEST_CHECKSUM_CALCULATION": _CHECKSUMS,
    "AWS_RESPONSE_CHECKSUM_VALIDATION": _CHECKSUMS,
}
# The SDK tells these apart by their letters' case, and takes a blank one for none.
_EXACTLY: Mapping[str, tuple[str, ...]] = {
    "AWS_RETRY_MODE": ("legacy", "standard", "adaptive"),
    "AWS_STS_REGIONAL_ENDPOINTS": ("legacy", "regional"),
}
_NUMBERS: Mapping[str, int] = {
    "AWS_MAX_ATTEMPTS": 1,
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS": 0,
    "AWS_METADATA_SERVICE_TIMEOUT": 0,
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": 1,
}
_LENIENT = {"AWS_MAX_ATTEMPTS"}
"""What may be blank."""
_ADDRESSES = re.compile(r"AWS_ENDPOINT_URL(_\w+)?|AWS_EC2_METADATA_SERVICE_ENDPOINT")
_FILES = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
_ADDRESS = "an address such as https://HOST:PORT"
# Whatever is not `true` is taken for `false`, without a word.
_SWITCHES = (
    "AWS_EC2_METADATA_DISABLED",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
)
_HOST = re.compile(r"[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9.:])?")

_WITHIN = 60.0
"""Seconds for credentials: a profile's program may wait for a person who signs in."""

_SILENT = 5.0
"""Seconds after which the log says what the process waits for."""


def open_session(
    region: str | None,
    environ: Mapping[str, str],
    make: Callable[[str | None], aioboto3.Session] = new_session,
) -> aioboto3.Session:
    """Return a session with AWS, or raise DependencyError for what the SDK would refuse."""
    check_aws_environment(environ)
    try:
        session = make(region)
        profile, services = configuration_of(session)
    except (sdk.BotoCoreError, ValueError) as error:
        raise dependency_error_of(error, environ) from error
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        for wrong in _wrong_in_files(profile, services):
            raise DependencyError(CONFIG_WRONG, facts_of_pod(environ), answer=wrong)
    return session


def _wrong_in_files(profile: Mapping[str, Any], services: Mapping[str, Any]) -> Iterator[str]:
    """Yield faults of a profile's addresses, on which the SDK would fail with a bug."""
    own = services.get(profile.get("services", ""), {})
    for name, said in own.items():
        if not isinstance(said, dict):
            yield f"The services of the profile say {name} = {said}, without an endpoint_url."
    sections = [profile, *(each for each in own.values() if isinstance(each, dict))]
    for section in sections:
        url = section.get("endpoint_url")
        if url and not _is_address(url):
            yield f"endpoint_url is {masked(url)!r} in a file of AWS's SDK. Right: {_ADDRESS}."


def check_aws_environment(environ: Mapping[str, str]) -> None:
    """Raise DependencyError for a variable that the SDK refuses; log those that it ignores."""
    for name, right in _wrong(environ):
        facts = {"variable": name, "value": repr(masked(environ[name])), "right": right}
        raise DependencyError(SETTING_WRONG, facts_of_pod(environ) | facts)
    for name in _SWITCHES:
        if environ.get(name, "").lower() not in {"", "true", "false"}:
            _log.warning("aws_setting_ignored", variable=name, right="true or false")
    for name in _FILES:
        path = environ.get(name)
        # The null device says "none", which local mode and careful people mean.
        if path and path != os.devnull and not Path(path).expanduser().is_file():
            _log.warning("aws_setting_ignored", variable=name, right="a file that is there")


def _wrong(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each variable that the SDK refuses, and what would be right."""
    for name, value in environ.items():
        if name in _CHOICES and value.lower() not in _CHOICES[name]:
            yield name, _either(_CHOICES[name])
        elif name in _EXACTLY and value not in {"", *_EXACTLY[name]}:
            yield name, _either(_EXACTLY[name])
        elif name in _NUMBERS and not _is_number(value, _NUMBERS[name], blank=name in _LENIENT):
            yield name, f"a whole number from {_NUMBERS[name]} on"
        elif _ADDRESSES.fullmatch(name) and value and not _is_address(value):
            yield name, _ADDRESS


def _is_number(value: str, least: int, *, blank: bool) -> bool:
    if not value:
        return blank
    return bool(re.fullmatch(r"\s*\d{1,9}\s*", value)) and int(value) >= least


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        _ = parts.port  # raises ValueError where it is no number
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(_HOST.fullmatch(host))


def _either(choices: tuple[str, ...]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


async def open_for_command(
    region: str | None,
    environ: Mapping[str, str],
    make: Callable[[str | None], aioboto3.Session] = new_session,
    *,
    within: float = _WITHIN,
) -> aioboto3.Session:
    """Return a session whose credentials were got.

    Where there are none at all, the first call tells: a command may have other things to show.

    Raises:
        DependencyError: what the environment or a profile says cannot be used.
    """
    session = open_session(region, environ, make)
    waiting = asyncio.get_running_loop().call_later(_SILENT, _tell_waiting)
    try:
        await Identity(session, environ, within).obtain()
    except DependencyError as obstacle:
        if obstacle.serious and obstacle.cause is not NONE:
            raise
    finally:
        waiting.cancel()
    return session


def _tell_waiting() -> None:
    hint = "a profile's credential_process may wait for somebody to sign in"
    _log.warning("credentials_awaited", hint=hint, patience=_WITHIN)
