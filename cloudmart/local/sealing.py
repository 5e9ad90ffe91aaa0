"""Local mode talks to no cloud, whatever the person's environment says of one."""

import os
from collections.abc import Mapping

from cloudmart.local.embedded import REGION

# What names an account, a profile, an endpoint, an agent or a secret of AWS's.
_OF_AWS = ("AWS_", "BEDROCK_", "BOTO_", "CLOUDMART_SECRET_ID")
_LOOPBACK = "127.0.0.1"


def sealed(environ: Mapping[str, str], url: str) -> dict[str, str]:
    """Return an environment in which AWS's SDK knows one endpoint only, and no credentials."""
    kept = {name: value for name, value in environ.items() if not name.startswith(_OF_AWS)}
    # A proxy of the person's must not be asked for what is on this machine.
    direct = environ.get("no_proxy") or environ.get("NO_PROXY")
    direct = f"{direct},{_LOOPBACK}" if direct else _LOOPBACK
    return kept | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": direct,
        "no_proxy": direct,
    }
