"""What two environments must not share: tables, roles, hosts, parts of the pipeline, names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from k8s.kustomize import Rendered, render_overlay
from k8s.operator_values import operator_values

_TABLES = ("DYNAMODB_", "_TABLE")
_BIGQUERY = ("GOOGLE_CLOUD_PROJECT_ID", "BIGQUERY_DATASET_ID", "BIGQUERY_TABLE_ID")
_NAMED = (
    ("the Lambda function", "PIPELINE_FUNCTION"),
    ("the queue", "PIPELINE_FAILURE_QUEUE"),
    ("the quarantine bucket", "PIPELINE_QUARANTINE_BUCKET"),
    ("the secret", "CLOUDMART_SECRET_ID"),
)


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that belongs to one environment: its kind, its name, where the name is unique."""

    kind: str
    name: str
    where: str = ""


def resources(overlay: Path) -> frozenset[Resource]:
    """Return what an overlay has for itself."""
    values = operator_values(overlay) if (overlay / "operator.yaml").exists() else {}
    # The address of a Redis contains its password, so it is in the Secret.
    held = dotenv_values(overlay / "secret.env").get("RATE_LIMIT_STORAGE")
    redis = {Resource("the Redis database", _database(held))} if held else set()
    return frozenset(_resources(render_overlay(overlay), values)) | redis


def shared(overlays: Mapping[str, frozenset[Resource]]) -> list[str]:
    """Return a sentence for each thing that two environments share."""
    return [
        f"{one} and {other} share {each.kind} {each.name}{each.where}: give each its own."
        for (one, ours), (other, theirs) in combinations(overlays.items(), 2)
        for each in sorted(ours & theirs, key=lambda each: (each.kind, each.name))
    ]


def shared_with_others(overlay: Path) -> list[str]:
    """Return a sentence for each thing that an overlay shares with another one."""
    ours = {overlay.name: resources(overlay)}
    others = [each.parent for each in sorted(overlay.parent.glob("*/kustomization.yaml"))]
    return [
        sentence
        for each in others
        if each.name != overlay.name
        for sentence in shared(ours | {each.name: resources(each)})
    ]


def _resources(rendered: Rendered, values: Mapping[str, str]) -> Iterator[Resource]:
    told = rendered.environment()
    account = f" (account {values.get('account')})"
    region = f" (account {values.get('account')}, {told.get('AWS_REGION')})"
    for name, value in told.items():
        if name.startswith(_TABLES[0]) and name.endswith(_TABLES[1]):
            yield Resource("the table", value, region)
    for kind, name in _NAMED:
        if identifier := told.get(name):
            yield Resource(kind, identifier, "" if "://" in identifier else region)
    for name in ("role", "tables-role"):
        if name in values:
            yield Resource("the role", values[name], account)
    if "host" in values:
        yield Resource("the host", values["host"])
    if bigquery := [told[name] for name in _BIGQUERY if told.get(name)]:
        yield Resource("the BigQuery table", ".".join(bigquery))
    if redis := told.get("RATE_LIMIT_STORAGE"):
        yield Resource("the Redis database", _database(redis))
    yield from _names(rendered)


def _names(rendered: Rendered) -> Iterator[Resource]:
    for each in rendered.manifests:
        metadata = each["metadata"]
        namespace = metadata.get("namespace")
        where = f" (namespace {namespace})" if namespace else ""
        yield Resource(f"the {each['kind']}", metadata["name"], where)


def _database(address: str) -> str:
    # Without the password. Without a number, it is database 0.
    parts = urlsplit(address)
    return f"{parts.hostname}:{parts.port or 6379}/{parts.path.strip('/') or 0}"
