"""An archive for whoever helps: what was found and what the cluster shows, without secrets."""

import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from cloudmart.doctor.world import World
from cloudmart.rollout.cluster import KubectlError, Kubernetes
from cloudmart.settings.report import SettingReading, secret_digest

_SHORTEST = 6
"""Characters of a secret that is looked for in texts: a shorter one would be found in any word."""

_LINES = "400"
_SELECTOR = "app=cloudmart-backend"
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_KEYS = re.compile(
    r"(?<=://)[^/@\s]*(?=@)"  # a URL's user and password
    r"|\b(?:sk-|AKIA|ASIA|gh[opsu]_|eyJ)[\w.-]{8,}"  # keys and tokens, by how they begin
    r"|-----BEGIN[^-]+KEY-----.*?-----END[^-]+KEY-----",
    re.DOTALL,
)
_SECRET_NAMES = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|USERS|CREDENTIAL", re.IGNORECASE)
_NOT_SECRET = re.compile(r"_(?:FILE|ID|URI)$")


class Redaction:
    """Takes secrets and e-mail addresses out of texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({each for each in secrets if len(each) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    @classmethod
    def of(cls, world: World) -> "Redaction":
        """Return what knows the secrets of a world: its settings and its variables."""
        settings = (
            each.value.get_secret_value()
            for each in world.loaded.report.readings
            if isinstance(each.value, SecretStr)
        )
        variables = (
            value
            for name, value in world.environ.items()
            if _SECRET_NAMES.search(name) and not _NOT_SECRET.search(name)
        )
        # Logs and JSON have a secret as it is, or escaped.
        every = [*settings, *variables]
        return cls([*every, *(json.dumps(each)[1:-1] for each in every)])

    def __call__(self, text: str) -> str:
        """Return a text without secrets."""
        if self._known:
            text = self._known.sub("…", text)
        return _EMAIL.sub("…@…", _KEYS.sub("…", text))


def write_bundle(file: Path, world: World, findings: str) -> None:
    """Write an archive with the findings, the settings and what the cluster shows.

    Nobody but its owner may read it. Raises OSError.
    """
    redact = Redaction.of(world)
    parts = {"findings.json": findings, "settings.json": _settings(world)}
    if world.cluster:
        parts |= dict(_of_cluster(world.cluster))
    file.touch(mode=0o600)
    with tarfile.open(file, "w:gz") as archive:
        for name, text in parts.items():
            content = redact(text).encode(errors="replace")
            entry = tarfile.TarInfo(f"cloudmart-doctor/{name}")
            entry.size, entry.mode = len(content), 0o600
            entry.mtime = int(world.now().timestamp())
            archive.addfile(entry, io.BytesIO(content))


def _settings(world: World) -> str:
    rows = {each.name: _row(each) for each in world.loaded.report.readings}
    return json.dumps({"source": world.source, "settings": rows}, indent=2)


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
            yield name, f"kubectl does not tell: {error}"
