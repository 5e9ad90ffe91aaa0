"""Ask the service on this machine whether it is ready: the health check of a container.

`python -m cloudmart.health.ping` exits 0 if it is and 1 if not. It is run twice a minute beside
the service, so it imports next to nothing.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

_PATIENCE = 4.0


def main() -> int:
    """Print what the service says of its readiness, and return the exit code."""
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or 5000), _PATIENCE)
    try:
        connection.request("GET", "/ready")
        answer = connection.getresponse()
        sys.stdout.write(answer.read().decode())
    except (OSError, HTTPException) as error:
        sys.stdout.write(repr(error))
        return 1
    finally:
        connection.close()
    return 0 if answer.status == 200 else 1  # noqa: PLR2004 - the one that means ready


if __name__ == "__main__":
    sys.exit(main())
