"""The Secret of an environment, judged before pods are started with it."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from cloudmart.rollout.kustomize import Manifest, Rendered
from cloudmart.rollout.release import DEPLOYMENT, SECRET
from cloudmart.settings import load_settings
from cloudmart.settings.misspelt import nearest
from cloudmart.settings.network import FILES
from cloudmart.settings.report import State
from cloudmart.settings.variables import variables


def secret_faults(rendered: Rendered, secret: Manifest) -> list[str]:
    """Return a sentence for each value with which the pods would not start."""
    values, faults = _values(secret)
    told = rendered.environment()
    # In the pod it is the directory that tells these.
    for name in ("CLOUDMART_SECRETS_DIR", *FILES):
        told.pop(name, None)
    mounted = _mounted(rendered)
    seen = {name: each for name, each in values.items() if mounted is None or name in mounted}
    refusals = load_settings({**seen, **told}).report.refusals
    # What Secrets Manager holds is not known here.
    elsewhere = "CLOUDMART_SECRET_ID" in told
    return faults + [
        f"Secret {SECRET}: {each.sentence}"
        for each in refusals
        if each.name not in told and not (elsewhere and each.state is State.MISSING)
    ]


def unread_keys(rendered: Rendered, secret: Manifest) -> Iterator[str]:
    """Yield a sentence for each key of the Secret that no pod reads."""
    known = {name for each in variables().values() for name in each.names}
    read = _mounted(rendered) or known
    for name in sorted((secret.get("data") or {}).keys() - read):
        meant = nearest(name) if name not in known else None
        hint = f"; did you mean {meant}?" if meant else "."
        yield f"Secret {SECRET}: no new pod reads {name}{hint}"


def _values(secret: Manifest) -> tuple[dict[str, str], list[str]]:
    values, faults = {}, []
    for name, coded in (secret.get("data") or {}).items():
        try:
            values[name] = base64.b64decode(coded or "").decode()
        except (binascii.Error, UnicodeDecodeError):
            faults.append(f"Secret {SECRET}: the value of {name} is no text.")
    return values, faults


def _mounted(rendered: Rendered) -> set[str] | None:
    """Return the keys that pods mount by name, or None where they mount all."""
    pod = rendered.named("Deployment", DEPLOYMENT)["spec"]["template"]["spec"]
    for volume in pod.get("volumes", ()):
        for source in _secrets_of(volume):
            if source.get("secretName", source.get("name")) == SECRET:
                items = source.get("items")
                return {each["key"] for each in items} if items else None
    return None


def _secrets_of(volume: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "secret" in volume:
        yield volume["secret"]
    for source in volume.get("projected", {}).get("sources", ()):
        if "secret" in source:
            yield source["secret"]
