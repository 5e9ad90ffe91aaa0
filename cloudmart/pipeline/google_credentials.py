"""Google's credentials from a file, of the kinds we know how to trust."""

import json
from pathlib import Path
from typing import Any

from google.auth import aws, identity_pool
from google.auth.credentials import Credentials
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials as UserCredentials

_SCOPES = ["https://www.googleapis.com/auth/bigquery"]


def read_credentials(path: Path) -> Credentials:
    """Return the credentials in a file.

    Google's own loader takes any kind of file, also one that has a program run; ours takes a
    workload identity's configuration (of AWS, or with a token in a file), a service account's
    key, and what `gcloud auth application-default login` leaves.

    Raises:
        ValueError: there is no such file, or it holds none of these.
    """
    try:
        told = json.loads(path.read_bytes())
        return _of_kind(told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"GOOGLE_APPLICATION_CREDENTIALS: {path} holds no credentials we can use"
        raise ValueError(msg) from error


def _of_kind(told: dict[str, Any]) -> Credentials:
    credentials: Credentials
    match told["type"]:
        case "external_account" if "environment_id" in told["credential_source"]:
            credentials = aws.Credentials.from_info(told, scopes=_SCOPES)
        case "external_account" if "file" in told["credential_source"]:
            credentials = identity_pool.Credentials.from_info(told, scopes=_SCOPES)
        case "service_account":
            credentials = service_account.Credentials.from_service_account_info(
                told, scopes=_SCOPES
            )
        case "authorized_user":
            credentials = UserCredentials.from_authorized_user_info(told, scopes=_SCOPES)
        case _:
            raise ValueError
    return credentials
