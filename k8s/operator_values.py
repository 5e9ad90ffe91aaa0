"""What an operator fills in (`operator.yaml` of an overlay), and what is wrong with it."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from cloudmart.settings.placeholders import is_placeholder

_NONE = "none"
_REGION = r"[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}"
_FORMS = {
    "account": (r"\d{12}", "an AWS account's number: 12 digits"),
    "region": (_REGION, "the name of an AWS region"),
    "role": (r"[\w+=,.@-]{1,64}", "the name of an IAM role"),
    "tables-role": (r"[\w+=,.@-]{1,64}", "the name of an IAM role"),
    "host": (r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", "a host's name, lower case"),
    "certificate": (
        rf"arn:aws[a-z-]*:acm:{_REGION}:\d{{12}}:certificate/[\w-]+",
        "the ARN of a certificate in AWS Certificate Manager",
    ),
    "web-acl": (
        rf"arn:aws[a-z-]*:wafv2:{_REGION}:\d{{12}}:regional/webacl/[\w-]+/[\w-]+|{_NONE}",
        "the ARN of a regional web ACL, or none",
    ),
    "vpc-cidr": (r"[\d.]+/\d{1,2}", "a network between /16 and /28 such as 10.0.0.0/16"),
    "frontend-port": (r"[1-9]\d{0,4}", "a port"),
    "image": (
        r"[a-z0-9.-]+(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+",
        "an image with its registry, and without a tag",
    ),
    # The name of a Job and the value of a label are made of it.
    "tag": (
        r"(?!latest$)[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?",
        "a tag of at most 40 lower-case letters, digits, dots and dashes, and not `latest`",
    ),
}
# AWS makes VPCs no larger and no smaller. A wider range would trust strangers.
_PREFIXES = range(16, 29)
# Nobody's: kept for documentation (RFC 5737, RFC 2606, AWS's own).
_DOCUMENTATION = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
_NOBODYS = re.compile(
    r"<[^>]*>|123456789012|(^|\.)your-|(^|[./])example\.(com|net|org)$|\.(example|invalid|test)$"
)


def operator_values(overlay: Path) -> dict[str, Any]:
    """Return what an overlay's operator has filled in."""
    values: dict[str, Any] = yaml.safe_load((overlay / "operator.yaml").read_text("utf-8"))["data"]
    return values


def faults(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each value that is not there, not replaced yet, or not of its form."""
    for name in sorted(values.keys() - _FORMS.keys()):
        yield f"{name} is not known: remove it."
    for name, (form, kind) in _FORMS.items():
        value = values.get(name)
        if value is None or value == "":
            yield f"{name} is empty: it should be {kind}."
        elif not isinstance(value, str):
            yield f"{name} is no text: put it in quotes."
        elif _is_to_replace(name, value):
            yield f"{name} is a placeholder ({value}): it should be {kind}."
        elif not re.fullmatch(form, value) or not _is_of_a_vpc(name, value):
            yield f"{name} is not {kind}: {value!r}."


def _is_to_replace(name: str, value: str) -> bool:
    if name == "web-acl" and value == _NONE:
        return False
    network = _network(value)
    documentation = network is not None and any(map(network.subnet_of, _DOCUMENTATION))
    return documentation or is_placeholder(value) or bool(_NOBODYS.search(value))


def _is_of_a_vpc(name: str, value: str) -> bool:
    network = _network(value)
    return name != "vpc-cidr" or (network is not None and network.prefixlen in _PREFIXES)


def _network(value: str) -> IPv4Network | None:
    try:
        return IPv4Network(value) if "/" in value else None
    except ValueError:
        return None
