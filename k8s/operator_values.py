"""The values that an operator fills in (`operator.yaml` of an overlay), and their faults."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from cloudmart.settings.validation import is_placeholder

_NONE = "none"
_REGION = r"[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}"
_REPOSITORY = r"[a-z0-9.-]+(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
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
    "vpc-cidr": (
        r"[\d.]+/\d{1,2}(, ?[\d.]+/\d{1,2})*",
        "networks between /16 and /28, separated by commas, such as 10.0.0.0/20,10.0.16.0/20",
    ),
    "frontend-port": (r"[1-9]\d{0,4}", "a port"),
    "storefront-image": (
        rf"{_REPOSITORY}(:(?!latest$)[\w][\w.-]{{0,127}}|@sha256:[0-9a-f]{{64}})|{_NONE}",
        "an image with its registry and a tag other than `latest`, or none",
    ),
    # A process without privileges cannot listen on a port below 1024.
    "storefront-port": (r"(?!0)\d{4,5}", "a port from 1024 on"),
    "image": (_REPOSITORY, "an image with its registry, and without a tag"),
    # The name of a Job and the value of a label contain it.
    "tag": (
        r"(?!latest$)[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?",
        "a tag of at most 40 lower-case letters, digits, dots and dashes, and not `latest`",
    ),
}
_ARNS = ("certificate", "web-acl")
_MAY_BE_NONE = ("web-acl", "storefront-image")
# VPCs of AWS have these sizes. A wider range would trust strangers.
_PREFIXES = range(16, 29)
# Addresses and names for documentation (RFC 5737, RFC 2606, AWS's own).
_DOCUMENTATION = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
_NOBODYS = re.compile(
    r"<[^>]*>|123456789012|(^|\.)your-|(^|[./])example\.(com|net|org)$|\.(example|invalid|test)$"
)


def operator_values(overlay: Path) -> dict[str, Any]:
    """Return the values of an overlay."""
    values: dict[str, Any] = yaml.safe_load((overlay / "operator.yaml").read_text("utf-8"))["data"]
    return values


def faults(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each value that is missing, still a placeholder, or wrong."""
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
        elif name in _ARNS:
            yield from _is_elsewhere(name, value, values)
        elif name == "tables-role" and value == values.get("role"):
            yield "tables-role is the same as role: then every pod could change tables."


def storefront_faults(values: Mapping[str, Any], overlay: Path) -> Iterator[str]:
    """Yield a sentence if the component `storefront` and the value of its image disagree."""
    kustomization = yaml.safe_load((overlay / "kustomization.yaml").read_text("utf-8"))
    chosen = any(Path(each).name == "storefront" for each in kustomization["components"])
    filled = values.get("storefront-image") not in (None, "", _NONE)
    if chosen and not filled:
        yield (
            "storefront-image is none, and kustomization.yaml names the component storefront: "
            "fill the image in, or remove the component."
        )
    if filled and not chosen:
        yield (
            "storefront-image is filled in, and kustomization.yaml does not name the component "
            "storefront: add it, or set the image to none."
        )


def _is_elsewhere(name: str, arn: str, values: Mapping[str, Any]) -> Iterator[str]:
    # A load balancer uses only those of its own account and region. Our roles name the account.
    if arn == _NONE:
        return
    region, account = arn.split(":")[3:5]
    for what, found in (("region", region), ("account", account)):
        ours = str(values.get(what))
        known = re.fullmatch(_FORMS[what][0], ours) and not _is_to_replace(what, ours)
        if known and found != ours:
            yield f"{name} is of the {what} {found}, and {what} is {ours}: they must be the same."


def _is_to_replace(name: str, value: str) -> bool:
    if name in _MAY_BE_NONE and value == _NONE:
        return False
    documentation = any(
        network.subnet_of(each) for network in _networks(value) for each in _DOCUMENTATION
    )
    return documentation or is_placeholder(value) or bool(_NOBODYS.search(value))


def _is_of_a_vpc(name: str, value: str) -> bool:
    networks = _networks(value)
    return name != "vpc-cidr" or (
        len(networks) == len(value.split(","))
        and all(network.prefixlen in _PREFIXES for network in networks)
    )


def _networks(value: str) -> list[IPv4Network]:
    """Return the networks that a value names, without invalid entries."""
    found = []
    for each in value.split(","):
        with suppress(ValueError):
            if "/" in each:
                found.append(IPv4Network(each.strip()))
    return found
