"""A kubectl that records what it is told and answers as a cluster in some state would.

It is run as a program: `kustomize` is the real one's, all else is told by `FAKE_CLUSTER`, a JSON
file with the answers (`Cluster`), and noted in the file beside it.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Cluster:
    """How a cluster answers, and what it was told."""

    secret: bool = True
    gate: str = "enabled"
    revision: str = "7"
    last_applied: str = ""
    job: str = "Complete"
    admitted: bool = True
    taken: bool = True
    gets_ready: bool = True
    comes_back: bool = True
    changes: bool = True
    calls: list[list[str]] = field(default_factory=list)

    @classmethod
    def read(cls, file: Path) -> "Cluster":
        """Return the cluster as it is now."""
        return cls(**json.loads(file.read_text("utf-8")))

    def write(self, file: Path) -> None:
        """Keep the cluster for the next call."""
        file.write_text(json.dumps(asdict(self)), "utf-8")

    def answer(self, words: list[str]) -> tuple[int, str]:
        """Return an exit code and what is printed."""
        match words:
            case ["get" | "apply", *rest] if "--filename" not in rest:
                return self._told(words)
            case ["apply", "--dry-run=server", *_]:
                return int(not self.admitted), ""
            case ["apply", "--filename", file] if file.endswith("service.yaml"):
                if self.taken and self.changes:
                    self.revision = str(int(self.revision or 0) + 1)
                return int(not self.taken), ""
            case ["rollout", "undo", *_]:
                self.gets_ready = self.comes_back
            case ["rollout", "status", *_]:
                return int(not self.gets_ready), ""
        return 0, ""

    def _told(self, words: list[str]) -> tuple[int, str]:
        match words[1:]:
            case ["secret", *_]:
                return int(not self.secret), ""
            case ["namespace", *_]:
                return 0, self.gate
            case ["job", *_]:
                return 0, self.job
            case ["deployment/cloudmart-backend", *_, output] if "last-applied" not in output:
                return 0, self.revision
            case ["deployment/cloudmart-backend" | "view-last-applied", *_]:
                return 0, self.last_applied
        return 0, ""


def main(words: list[str]) -> int:
    """Answer one call."""
    if words[0] == "kustomize":
        return subprocess.call([os.environ["REAL_KUBECTL"], *words])  # noqa: S603 - the real one
    file = Path(os.environ["FAKE_CLUSTER"])
    cluster = Cluster.read(file)
    cluster.calls.append(words)
    while words[0] in {"--namespace", "--context"}:
        words = words[2:]
    code, text = cluster.answer(words)
    cluster.write(file)
    sys.stdout.write(text)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
