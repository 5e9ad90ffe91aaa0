"""What a pod knows of itself, to name the missing link in words an operator can use."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LONGEST_TOKEN = 64 * 1024


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
    """Return whom a ServiceAccount's token names; nothing where there is none to be read."""
    claims = _claims(path) if path else {}
    issuer, subject = str(claims.get("iss", "")), str(claims.get("sub", ""))
    facts = {"issuer": issuer, "issuer_path": issuer.partition("://")[2], "subject": subject}
    match subject.split(":"):
        case ["system", "serviceaccount", namespace, account]:
            facts |= {"namespace": namespace, "service_account": account}
    return facts


def _claims(path: str) -> dict[str, Any]:
    try:
        with Path(path).open(encoding="ascii") as file:
            payload = file.read(_LONGEST_TOKEN).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (OSError, ValueError, IndexError):
        return {}
    return claims if isinstance(claims, dict) else {}
