"""An error of AWS's SDK as an obstacle: its cause, and the facts that its remedy names."""

import base64
import json
import ssl
from collections.abc import Callable, Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import InvalidURL
from botocore import exceptions as sdk

from cloudmart.errors import UnavailableError
from cloudmart.health.causes import (
    Cause,
    DependencyError,
    aws_environment,
    credentials,
    services,
    web_identity,
)
from cloudmart.health.classify import STS, Service, cause_of_no_credentials
from cloudmart.settings.report import masked

_LONGEST_TOKEN = 64 * 1024

_PAIR = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_PROFILES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
_CONFIGURATION = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
_BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_AGENT = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
_AGENT_TOKEN = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
_IDENTITY_TOKEN = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105 - a variable's name
# The SDK raises this for a setting that no variable has, so a file has it.
_OF_CONFIGURATION = (
    sdk.InvalidChecksumConfigError,
    sdk.InvalidConfigError,
    sdk.InvalidDefaultsMode,
    sdk.InvalidIMDSEndpointError,
    sdk.InvalidIMDSEndpointModeError,
    sdk.InvalidMaxRetryAttemptsError,
    sdk.InvalidRegionError,
    sdk.InvalidRetryModeError,
    sdk.InvalidSTSRegionalEndpointsConfigError,
)
_OF_PERSONS = (sdk.RefreshWithMFAUnsupportedError, sdk.SSOError, sdk.TokenRetrievalError)


def facts_of_pod(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the names that a cause's remedy and command may mention."""
    role = environ.get("AWS_ROLE_ARN", "")
    known = {
        "namespace": environ.get("POD_NAMESPACE", "default"),
        "service_account": "cloudmart-backend-sa",
        "pod": environ.get("HOSTNAME", ""),
        "region": environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION", ""),
        "role": role,
        "role_name": role.rpartition("/")[2],
        "account": role.split(":")[4] if role.count(":") >= 5 else "",  # noqa: PLR2004 - an ARN's
    }
    known |= _facts_of_token(environ.get("AWS_WEB_IDENTITY_TOKEN_FILE", ""))
    return {name: value for name, value in known.items() if value}


def _facts_of_token(path: str) -> dict[str, str]:
    """Return the names in a ServiceAccount's token; nothing if there is no readable token."""
    claims = token_claims(path) if path else {}
    issuer, subject = str(claims.get("iss", "")), str(claims.get("sub", ""))
    facts = {"issuer": issuer, "issuer_path": issuer.partition("://")[2], "subject": subject}
    match subject.split(":"):
        case ["system", "serviceaccount", namespace, account]:
            facts |= {"namespace": namespace, "service_account": account}
    return facts


def token_claims(path: str) -> dict[str, Any]:
    """Return what a token claims; nothing where it is not there or cannot be read."""
    try:
        with Path(path).open(encoding="ascii") as file:
            payload = file.read(_LONGEST_TOKEN).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (OSError, ValueError, IndexError):
        return {}
    return claims if isinstance(claims, dict) else {}


_Found = tuple[Cause, dict[str, str]]

_SdkError = Any
"""An error of the kind for which `_BY_TYPE` calls a function; the SDK publishes no types."""


def dependency_error_of(
    error: BaseException,
    environ: Mapping[str, str],
    service: Service = STS,
    *,
    credentials: bool = False,
    serious: bool = True,
    **facts: str,
) -> DependencyError:
    """Return the obstacle that an error of a call to a service is.

    `credentials`: it was met while getting credentials, where the SDK wraps less.
    """
    said = error
    if isinstance(error, UnavailableError) and error.__cause__:
        said = error.__cause__
    host = called_host(said) or _host(environ, service)
    found = _in_environment(said, environ)
    if found is None and credentials:
        found = _of_source(said, environ)
    if found is None:
        cause = cause_of_no_credentials(said) if credentials else service.cause_of(said)
        found = _by_host(cause, host, environ, service), {}
    known = {**facts_of_pod(environ), "service": service.name, "host": host}
    answer = found[1].get("answer", "")
    return DependencyError(found[0], {**known, **facts, **found[1]}, serious=serious, answer=answer)


def _in_environment(error: BaseException, environ: Mapping[str, str]) -> _Found | None:
    """Return the cause that a variable or a file of the SDK's is, if one is."""
    for kind, read in _BY_TYPE:
        if isinstance(error, kind) and (found := read(error, environ)):
            return found
    return None


def _of_profile(_: _SdkError, environ: Mapping[str, str]) -> _Found:
    name = _first(_PROFILES, environ)
    return aws_environment.PROFILE_MISSING, {"variable": name, "value": repr(environ.get(name, ""))}


def _of_file(error: _SdkError, environ: Mapping[str, str]) -> _Found:
    path = str(error.kwargs.get("path", ""))
    named = [each for each in _CONFIGURATION if environ.get(each) == path]
    if not named:
        return aws_environment.CONFIG_OF_HOME, {"path": path}
    return aws_environment.CONFIG_UNREADABLE, {"variable": named[0], "path": path}


def _of_pair(error: _SdkError, environ: Mapping[str, str]) -> _Found | None:
    if getattr(error, "kwargs", {}).get("provider", "env") != "env":
        return aws_environment.CONFIG_WRONG, {}
    given = [each for each in _PAIR if environ.get(each)]
    return (credentials.HALF_SET, {"variable": given[0]}) if len(given) == 1 else None


def _of_parameters(error: _SdkError, environ: Mapping[str, str]) -> _Found | None:
    if "RoleArn" not in str(error):
        return None
    role = repr(environ.get("AWS_ROLE_ARN", ""))
    return web_identity.ROLE_MALFORMED, {"variable": "AWS_ROLE_ARN", "value": role}


def _of_proxy(error: _SdkError, environ: Mapping[str, str]) -> _Found:
    proxy = masked(str(error.kwargs.get("proxy_url", "")))
    return aws_environment.PROXY_AWAY, {"variable": _first(_PROXIES, environ), "proxy": proxy}


def _of_configuration(error: _SdkError, _: Mapping[str, str]) -> _Found:
    return (
        credentials.ROLE_UNSET if "web identity" in str(error) else aws_environment.CONFIG_WRONG
    ), {}


def _of_account(error: _SdkError, _: Mapping[str, str]) -> _Found | None:
    return (aws_environment.ACCOUNT_UNKNOWN, {}) if "AccountId" in str(error) else None


def _of_client(wrapped: _SdkError, environ: Mapping[str, str]) -> _Found | None:
    """Return the cause of an error that the SDK's HTTP client met before it called anybody."""
    error = wrapped.kwargs.get("error")
    if isinstance(error, InvalidURL):
        return aws_environment.PROXY_WRONG, {"variable": _first(_PROXIES, environ)}
    bundle = _first(_BUNDLES, environ)
    if isinstance(error, FileNotFoundError | IsADirectoryError | PermissionError) or (
        isinstance(error, ssl.SSLError) and "certificate or crl" in str(error)
    ):
        if bundle in environ:
            return aws_environment.CA_BUNDLE, {"variable": bundle, "path": environ[bundle]}
        return aws_environment.CONFIG_WRONG, {}  # a profile's ca_bundle
    return None


def _of_value(error: _SdkError, environ: Mapping[str, str]) -> _Found | None:
    if "legal header value" in str(error):
        return credentials.AGENT_TOKEN_GARBLED, {"variable": _first(_AGENT_TOKEN, environ)}
    if "Unsupported host" in str(error):
        return credentials.AGENT_ADDRESS, {"variable": _first(_AGENT, environ)}
    if "Invalid endpoint" in str(error):
        # Variables were checked before, so a profile's endpoint_url is wrong.
        return aws_environment.CONFIG_WRONG, {}
    return None


def _of_provider(error: _SdkError, _: Mapping[str, str]) -> _Found | None:
    """Return the cause of a source of credentials that a profile names, unlike the pod's agent."""
    if "credential_source" in str(error):
        return aws_environment.CONFIG_WRONG, {}
    known = {"custom-process": aws_environment.PROGRAM_WRONG, "sso": aws_environment.PERSON}
    cause = known.get(error.kwargs.get("provider", ""))
    return (cause, {}) if cause else None


def _of_source(error: BaseException, environ: Mapping[str, str]) -> _Found | None:
    """Return the cause of an error of Python's own, met where no agent gives credentials.

    Only a profile's program answers in so many ways that the SDK does not look for.
    """
    if any(environ.get(name) for name in _AGENT):
        return None
    if isinstance(error, RuntimeError):
        return None if environ.get(_IDENTITY_TOKEN) else (aws_environment.CREDENTIALS_OLD, {})
    if isinstance(error, UnicodeDecodeError):
        return _of_program(error, environ)
    if isinstance(error, AttributeError):
        return aws_environment.PROGRAM_WRONG, {"answer": "What it prints is not a JSON object."}
    if isinstance(error, TypeError):
        return aws_environment.PROGRAM_WRONG, {
            "answer": "It has no name, or its answer is of wrong types."
        }
    found = isinstance(error, KeyError | ValueError)
    return (aws_environment.PROGRAM_WRONG, {}) if found else None


def _of_program(_: _SdkError, __: Mapping[str, str]) -> _Found:
    """Return the cause of what is no JSON: only a program's output is met here as it came."""
    return aws_environment.PROGRAM_WRONG, {"answer": "What it prints is not JSON."}


def _of_person(_: _SdkError, __: Mapping[str, str]) -> _Found:
    return aws_environment.PERSON, {}


def _of_path(error: _SdkError, environ: Mapping[str, str]) -> _Found | None:
    """Return the cause that a file is which a source of credentials cannot read or run."""
    path = str(error.filename or "")
    if isinstance(error, PermissionError) and path in {"", environ.get(_IDENTITY_TOKEN, "")}:
        return None
    if path and path == environ.get(_AGENT_TOKEN[0]):
        return credentials.AGENT_TOKEN_MISSING, {"variable": _AGENT_TOKEN[0], "path": path}
    if path == environ.get(_IDENTITY_TOKEN, "") and path:
        return web_identity.TOKEN_MISSING, {}
    # The SDK runs programs only where a profile names one, and does not say which.
    return credentials.CREDENTIALS_PROCESS, {"path": path or "a program that is not there"}


# Of several that fit, the first that knows an answer: the SDK's errors are each other's kinds.
_BY_TYPE: tuple[
    tuple[type[BaseException], Callable[[_SdkError, Mapping[str, str]], _Found | None]], ...
] = (
    (sdk.ProfileNotFound, _of_profile),
    (sdk.ConfigParseError, _of_file),
    (sdk.PartialCredentialsError, _of_pair),
    (sdk.NoCredentialsError, _of_pair),
    (sdk.CredentialRetrievalError, _of_provider),
    *((kind, _of_person) for kind in _OF_PERSONS),
    (sdk.ParamValidationError, _of_parameters),
    (sdk.ProxyConnectionError, _of_proxy),
    (sdk.EndpointResolutionError, _of_account),
    *((kind, _of_configuration) for kind in _OF_CONFIGURATION),
    (sdk.HTTPClientError, _of_client),
    (JSONDecodeError, _of_program),
    (ValueError, _of_value),
    (FileNotFoundError, _of_path),
    (IsADirectoryError, _of_path),
    (PermissionError, _of_path),
)


def _by_host(cause: Cause, host: str, environ: Mapping[str, str], service: Service) -> Cause:
    """Return the cause by who was really called: credentials are got in the middle of a call."""
    if cause not in {services.TABLE_AWAY, services.SECRET_AWAY}:
        return cause
    sts = _host(environ, STS)
    if host.startswith("sts.") or (host == sts and host != _host(environ, service)):
        return services.STS_AWAY
    return aws_environment.ACCOUNT_ENDPOINT if ".ddb." in host else cause


def called_host(error: BaseException) -> str:
    """Return the host that a call went to, where its error says so."""
    kwargs: Mapping[str, object] = getattr(error, "kwargs", {})
    url = kwargs.get("endpoint_url")
    return urlsplit(url).netloc if isinstance(url, str) else ""


def _host(environ: Mapping[str, str], service: Service) -> str:
    """Return the host that a service is called at."""
    for name in (f"AWS_ENDPOINT_URL_{service.endpoint}", "AWS_ENDPOINT_URL"):
        if url := environ.get(name):
            return urlsplit(url).netloc
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION", "<region>")
    fips = "-fips" if environ.get("AWS_USE_FIPS_ENDPOINT", "").lower() == "true" else ""
    china = ".cn" if region.startswith("cn-") else ""
    return f"{service.name}{fips}.{region}.amazonaws.com{china}"


def _first(names: tuple[str, ...], environ: Mapping[str, str]) -> str:
    return next((name for name in names if name in environ), names[-1])
