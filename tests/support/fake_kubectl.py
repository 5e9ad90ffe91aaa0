"""A kubectl program for tests: the fake cluster, kept in a file between two calls.

It uses the real `kustomize`. `FAKE_CLUSTER` names the file. Calls of one roll-out may overlap.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from tests.support.fake_cluster import FakeCluster


def main(words: list[str]) -> int:
    """Answer one call."""
    if words[0] == "kustomize":
        return subprocess.call([os.environ["REAL_KUBECTL"], *words])  # noqa: S603 - the real one
    file = Path(os.environ["FAKE_CLUSTER"])
    told = sys.stdin.read() if "-" in words else None
    with file.open("r+", encoding="utf-8") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        cluster = FakeCluster.read(kept.read())
        answered = cluster(words, told)
        kept.seek(0)
        kept.truncate()
        kept.write(cluster.text())
    sys.stdout.write(answered.out)
    sys.stderr.write(answered.err)
    return answered.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
