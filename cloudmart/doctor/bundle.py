"""An archive for the person who helps: the findings and the cluster's state, without secrets."""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from cloudmart.doctor.redaction import Redaction
from cloudmart.doctor.target import DoctorTarget
from cloudmart.rollout.cluster import KubectlError, Kubernetes
from cloudmart.settings.report import SettingReading, secret_digest

_LINES = "400"
_SELECTOR = "app=cloudmart-backend"


def write_bundle(file: Path, target: DoctorTarget, findings: str) -> None:
    """Write an archive with the findings, the settings and what the cluster shows.

    Nobody but its owner may read it. Raises OSError.
    """
    redact = Redaction.of(target)
    parts = {"findings.json": findings, "settings.json": _settings(target)}
    if target.cluster:
        parts |= dict(_of_cluster(target.cluster))
    file.touch(mode=0o600)
    with tarfile.open(file, "w:gz") as archive:
        for name, text in parts.items():
            content = redact(text).encode(errors="replace")
            entry = tarfile.TarInfo(f"cloudmart-doctor/{name}")
            entry.size, entry.mode = len(content), 0o600
            entry.mtime = int(target.now().timestamp())
            archive.addfile(entry, io.BytesIO(content))


def _settings(target: DoctorTarget) -> str:
    rows = {each.name: _row(each) for each in target.loaded.report.readings}
    return json.dumps({"source": target.source, "settings": rows}, indent=2)


def _row(reading: SettingReading) -> Mapping[str, Any]:
    value = reading.value
    if isinstance(value, SecretStr):
        shown: Any = f"set ({secret_digest(reading.name, value)})"
    elif reading.variable.secret:
        shown = None
    else:
        shown = str(value)
    return {"value": shown, "source": reading.origin, "state": reading.state}


def _of_cluster(cluster: Kubernetes) -> Iterator[tuple[str, str]]:
    """Yield what the cluster shows, by the names of files; no Secret is among it."""
    for name, words in (
        ("pods.yaml", ("get", "pods", "--selector", _SELECTOR, "--output", "yaml")),
        ("deployment.yaml", ("get", "deployment", "cloudmart-backend", "--output", "yaml")),
        ("events.txt", ("get", "events", "--sort-by", "lastTimestamp")),
        ("logs.txt", ("logs", "--selector", _SELECTOR, "--prefix", "--tail", _LINES)),
    ):
        try:
            yield name, cluster.do(*words)
        except KubectlError as error:
            yield name, f"kubectl gives no answer: {error}"
