"""The threads, the memory and the CPU time of a process, as Linux reports them."""

from dataclasses import dataclass
from pathlib import Path

from bench.load_generator import cpu_seconds


@dataclass(frozen=True, slots=True)
class Footprint:
    """The threads of a process, its memory, and the seconds of CPU it has used so far."""

    threads: int
    mebibytes: float
    cpu: float

    @classmethod
    def of(cls, pid: int) -> "Footprint":
        """Return the present values of a process."""
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        status = dict(line.split(":", 1) for line in lines)
        memory = int(status["VmRSS"].split()[0]) / 1024
        return cls(int(status["Threads"]), memory, cpu_seconds(pid))
