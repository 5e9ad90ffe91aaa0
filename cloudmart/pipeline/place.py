"""Where questions to a local warehouse are asked: a socket in a directory of the person's own."""

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

_PRIVATE = 0o700


class UnsafePlaceError(Exception):
    """Somebody else may write where the socket should be."""


def place_of(port: int, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the shop that listens on a port answers questions."""
    runtime = environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(runtime) / f"cloudmart-{os.getuid()}" / f"pipeline-{port}.sock"


def prepare(place: Path) -> None:
    """Make the directory of a socket, or raise UnsafePlaceError where it is somebody else's."""
    directory = place.parent
    directory.mkdir(mode=_PRIVATE, exist_ok=True)
    found = directory.lstat()
    private = stat.S_IMODE(found.st_mode) & ~_PRIVATE == 0
    if not (stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and private):
        raise UnsafePlaceError(f"{directory} is not a directory of this account's alone.")
    # A process that was killed leaves its own behind.
    place.unlink(missing_ok=True)
