"""What well-formed values look like: types that refuse other values with a message."""

import re
from collections.abc import Callable
from contextlib import suppress
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr
from pydantic.config import JsonDict

_LONGEST_HOST = 253
_LONGEST_LABEL = 63
_EVERYBODY = "includes nearly every address, so any client could forge its own"
# All private networks together are a fifteenth of this part of the addresses there are.
_LARGEST_PART = 16
_MAPPED = IPv6Network("::ffff:0:0/96")

SPACED: JsonDict = {"divided by": "white space"}
"""Marks a field that holds several values, with white space between them."""


def _shaped(pattern: str, kind: str) -> AfterValidator:
    expected = re.compile(pattern)

    def check(value: str) -> str:
        if not expected.fullmatch(value):
            raise ValueError(f"is not {kind}")
        return value

    return AfterValidator(check)


def _key(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", value.get_secret_value()):
        raise ValueError("has blanks, or characters that no key has")
    return value


def _each(check: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(lambda values: tuple(check(value) for value in values))


def _split(value: Any) -> Any:  # noqa: ANN401 - what is no text is pydantic's to judge
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    _ = parts.port  # raises ValueError where it is no number
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.password:
        raise ValueError
    if not re.fullmatch(r"[a-z0-9:]([a-z0-9._:-]*[a-z0-9.:])?", host) or ".." in host:
        raise ValueError
    host = host.rstrip(".")
    if len(host) > _LONGEST_HOST or any(len(label) > _LONGEST_LABEL for label in host.split(".")):
        raise ValueError
    return host


def check_public_base(value: str) -> str:
    """Return the shop's own address, or raise ValueError: pages are made with it."""
    check_endpoint(value)
    if not re.fullmatch(r"[A-Za-z]+://[A-Za-z0-9.:_\[\]-]+(/[A-Za-z0-9._~-]+)*/?", value):
        raise ValueError("has more in it than scheme, host, port and a path of plain characters")
    return value


def _stays_inside(host: str) -> bool:
    """Return whether a name is loopback's or the cluster's own, where plain http is no leak."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return "." not in host or bool(re.search(r"\.svc(\.|$)|\.local$|\.internal$", host))


def check_collector(value: str) -> str:
    """Return the URL of a collector, which may be a node's agent: plain http to an address of it.

    Raises:
        ValueError: it is no URL, or plain http would leave the network.
    """
    with suppress(ValueError):
        parts = urlsplit(value)
        if parts.scheme == "http" and ip_address(parts.hostname or "").is_private:
            _host(value)
            return value
    return check_endpoint(value)


def check_endpoint(value: str) -> str:
    """Return an endpoint's URL, or raise ValueError saying what is wrong with it."""
    try:
        host = _host(value)
    except ValueError:
        raise ValueError("is not an https:// address") from None
    if value[:6].lower() != "https:" and not _stays_inside(host):
        raise ValueError(
            "is plain http: only loopback and names inside the cluster (a single label, "
            ".svc, .local, .internal) may go without TLS"
        )
    return value


def _check_address(value: str) -> str:
    try:
        address = ip_address(value)
    except ValueError:
        raise ValueError("has an entry that is no IPv4 or IPv6 address") from None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        raise ValueError(f"has an IPv4 address in IPv6 form: write {address.ipv4_mapped}")
    return str(address)


def _check_apart(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse addresses of which one includes another: nothing can listen twice at one."""
    addresses = [ip_address(value) for value in values]
    for family in (4, 6):
        same = [each for each in addresses if each.version == family]
        if len(set(same)) < len(same):
            raise ValueError("has an address twice")
        if len(same) > 1 and any(each.is_unspecified for each in same):
            everywhere = next(each for each in same if each.is_unspecified)
            raise ValueError(f"has {everywhere}, which includes others that it has")
    return values


def _check_network(value: str) -> str:
    try:
        network = ip_network(value)
    except ValueError:
        raise ValueError("has an entry that is neither an address nor a network") from None
    if network.prefixlen == 0:
        raise ValueError(_EVERYBODY)
    return value


def _check_networks(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse networks that are each well-formed and together a large part of the internet."""
    networks = [ip_network(value) for value in values]
    fourth = [each for each in networks if isinstance(each, IPv4Network)]
    sixth = [each for each in networks if isinstance(each, IPv6Network)]
    # An IPv4 client may be written as an IPv6 address (::ffff:0:0/96).
    for network in list(sixth):
        if network.subnet_of(_MAPPED):
            start = IPv4Address(int(network.network_address) & 0xFFFFFFFF)
            fourth.append(IPv4Network((start, network.prefixlen - _MAPPED.prefixlen)))
    covered = {
        32: sum(each.num_addresses for each in collapse_addresses(fourth)),
        128: sum(each.num_addresses for each in collapse_addresses(sixth)),
    }
    if any(count * _LARGEST_PART > 2**bits for bits, count in covered.items()):
        raise ValueError(_EVERYBODY)
    return values


def _check_origin(value: str) -> str:
    if value == "*":
        return value
    check_endpoint(value)
    if urlsplit(value)._replace(scheme="", netloc="").geturl():
        raise ValueError("has more in it than origins: scheme, host and port")
    return value


def _check_redis(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("has an invalid port") from None
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise ValueError("is not a redis:// or rediss:// address")
    if not re.fullmatch(r"/?\d{0,4}", parts.path) or parts.query or parts.fragment:
        raise ValueError("has more in it than host, port and the number of a database")
    return value


Key = Annotated[SecretStr, AfterValidator(_key)]
RedisUrl = Annotated[SecretStr, AfterValidator(_check_redis)]
Region = Annotated[str, _shaped(r"[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}", "the name of an AWS region")]
TableName = Annotated[
    str,
    _shaped(
        r"[A-Za-z0-9_.-]{3,255}",
        "a DynamoDB table's name: 3 to 255 letters, digits, '_', '-' or '.'",
    ),
]
RoleArn = Annotated[
    str, _shaped(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}", "the ARN of an IAM role")
]
SecretId = Annotated[
    str,
    _shaped(
        r"[A-Za-z0-9/_+=.@-]{1,512}"
        r"|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]{1,519}",
        "the name or the ARN of a secret in AWS Secrets Manager",
    ),
]
AgentId = Annotated[
    str, _shaped(r"[0-9A-Za-z]{10}", "an id of Amazon Bedrock: exactly 10 letters and digits")
]
ModelId = Annotated[
    str,
    _shaped(
        r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}"
        r"|arn:aws[a-z-]*:bedrock:[a-z0-9-]+:(\d{12})?:[A-Za-z0-9._:/-]{1,1011}",
        "the id or the ARN of a model or an inference profile",
    ),
]
Language = Annotated[str, _shaped(r"[a-z]{2,3}(-[A-Za-z]{2,8})*", "a language's code")]
ProjectId = Annotated[
    str,
    _shaped(
        r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]",
        "a Google Cloud project's id: 6 to 30 lower-case letters, digits or '-'",
    ),
]
DatasetId = Annotated[
    str, _shaped(r"\w{1,1024}", "a BigQuery dataset's id: letters, digits or '_' only")
]
BigQueryTableId = Annotated[
    str, _shaped(r"[\w-]{1,1024}", "a BigQuery table's id: letters, digits, '_' or '-' only")
]
BucketName = Annotated[
    str,
    _shaped(
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "an S3 bucket's name: 3 to 63 lower-case letters, digits, '-' or '.'",
    ),
]
FunctionName = Annotated[
    str, _shaped(r"[\w-]{1,64}", "a Lambda function's name: 1 to 64 letters, digits, '_' or '-'")
]
Release = Annotated[
    str, _shaped(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}", "a version or the name of a commit")
]
ModelName = Annotated[str, _shaped(r"[!-~]{1,256}", "a model's name")]
Endpoint = Annotated[str, AfterValidator(check_endpoint)]
Origins = Annotated[tuple[str, ...], BeforeValidator(_split), _each(_check_origin)]
"""Origins separated by commas; `*` means every origin."""
PublicBase = Annotated[str, AfterValidator(check_public_base)]
Addresses = Annotated[
    tuple[str, ...],
    BeforeValidator(_split),
    _each(_check_address),
    AfterValidator(_check_apart),
]
"""Addresses of IPv4 and IPv6, separated by commas."""
Networks = Annotated[
    tuple[str, ...],
    BeforeValidator(_split),
    _each(_check_network),
    AfterValidator(_check_networks),
]
"""Addresses and networks (CIDR), separated by commas."""
Listed = BeforeValidator(_split)
"""Reads a text separated by commas as its parts."""


class SettingsGroup(BaseModel):
    """Settings that belong together, built by a field's name or by its variable."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        loc_by_alias=False,
        hide_input_in_errors=True,
    )
