"""The message of a start that is refused: every fault, and the way out."""

from collections.abc import Sequence

from cloudmart.settings.report import Fault

_HINT = "`cloudmart config` lists every setting; docs/configuration.md explains them."
_WAY_OUT = "DEGRADED_START=true starts with the optional providers named here disabled."


def refusal(faults: Sequence[Fault]) -> str:
    """Return the message on some faults that stop the start."""
    # What breaks several clients is told once.
    faults = list({(fault.name, fault.what): fault for fault in reversed(faults)}.values())[::-1]
    count = "1 setting is wrong" if len(faults) == 1 else f"{len(faults)} settings are wrong"
    optional = any(fault.provider for fault in faults)
    lines = [f"CloudMart does not start: {count}.", *map(_told, faults)]
    return "\n".join([*lines, "", _HINT, *([_WAY_OUT] if optional else [])]) + "\n"


def _told(fault: Fault) -> str:
    shown = f" ({fault.shown})" if fault.shown else ""
    return (
        f"\n  {fault.name} {fault.what}{shown}.\n"
        f"    right: {fault.variable.right}\n"
        f"    from:  {fault.origin}"
    )
