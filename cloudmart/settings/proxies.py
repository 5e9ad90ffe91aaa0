"""Checks of the proxies and certificates that HTTP clients read from the environment."""

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from cloudmart.settings.access import SignInMethod
from cloudmart.settings.consistency import why_disabled
from cloudmart.settings.model import Settings
from cloudmart.settings.platform import Provider
from cloudmart.settings.report import SettingFault
from cloudmart.settings.sources import SourceValue
from cloudmart.settings.variables import Variable

_HTTPX = "SSL_CERT_FILE"
_DIRECTORY = "SSL_CERT_DIR"
_REQUESTS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_HOST = re.compile(r"[A-Za-z0-9:]([A-Za-z0-9._:-]*[A-Za-z0-9.:])?")

FILES = (_HTTPX, _DIRECTORY, *_REQUESTS, "ASSISTANT_KNOWLEDGE")
"""What names files, which are only where the process runs."""


@dataclass(frozen=True, slots=True)
class _Client:
    """Who makes HTTP requests: an optional provider, or None for what checks tokens."""

    provider: Provider | None
    certificates: tuple[str, ...] = (_HTTPX, _DIRECTORY)


def network_faults(environ: Mapping[str, str], settings: Settings) -> Iterator[SettingFault]:
    """Yield what would break the HTTP clients that the settings ask for, for each of them."""
    for client in _clients(settings):
        for name in client.certificates:
            if (value := environ.get(name, "")) and (what := _of_certificates(name, value)):
                yield _fault(client, name, value, what)
        for name in _PROXIES:
            lower = name.lower()
            used = lower if lower in environ else name
            if (value := environ.get(used, "")) and (what := _of_proxy(value)):
                yield _fault(client, used, value, what)


def _clients(settings: Settings) -> Iterator[_Client]:
    enabled = [provider for provider, reason in why_disabled(settings).items() if reason is None]
    if SignInMethod.JWT in settings.access.ways:
        yield _Client(None)
    for provider in (Provider.OPENAI, Provider.AZURE):
        if provider in enabled:
            yield _Client(provider)
    if Provider.BIGQUERY in enabled:
        yield _Client(Provider.BIGQUERY, _REQUESTS)


def _fault(client: _Client, name: str, value: str, what: str) -> SettingFault:
    example = (
        "http://proxy.internal:3128, or unset"
        if name.upper() in _PROXIES
        else "the file or directory of certificates in the image, or unset"
    )
    variable = Variable(
        group="network",
        field=name.lower(),
        names=(name,),
        description="",
        example=example,
        default=None,
        secret=False,  # its password is masked all the same
        obsolete=None,
    )
    return replace(
        SettingFault.about(variable, SourceValue(name, value, "environment"), what),
        client=client.provider,
    )


def _of_certificates(name: str, value: str) -> str | None:
    path = Path(value)
    try:
        if name == _DIRECTORY or (name in _REQUESTS and path.is_dir()):
            return None if path.is_dir() else "names a directory that is not there"
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=value)
    except FileNotFoundError:
        return "names a file that is not there"
    except ssl.SSLError:
        return "names a file that holds no certificate"
    except (OSError, ValueError):
        return "names something that cannot be read as a file"
    return None


def _of_proxy(value: str) -> str | None:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host = parts.hostname or ""
        _ = parts.port  # raises ValueError where it is no number
    except ValueError:
        return "is not the address of a proxy"
    if parts.scheme.startswith("socks"):
        return "names a SOCKS proxy, and only http:// and https:// proxies can be used"
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return "is not the address of a proxy"
    return None
