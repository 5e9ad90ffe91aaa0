"""Which values are missing before an environment can be rolled out.

python -m k8s.check production
"""

import subprocess
import sys
from pathlib import Path

from cloudmart.settings import load_settings
from cloudmart.settings.load import for_serving
from cloudmart.settings.proxies import FILES
from cloudmart.settings.report import SettingState
from k8s.alerts.runbook import link_faults
from k8s.kustomize import OVERLAYS, PUBLIC, render_overlay
from k8s.operator_values import faults, operator_values, storefront_faults
from k8s.sharing import shared_with_others

_LOCAL = "local"


def complaints(overlay: Path) -> list[str]:
    """Return a line for each thing that is wrong: first the operator's values, then settings.

    Raises:
        FileNotFoundError: there is no kubectl to render the overlay.
        subprocess.CalledProcessError: kubectl refuses to render it; its `stderr` says why.
    """
    shown = overlay.relative_to(overlay.parents[2])
    values = operator_values(overlay)
    missing = [
        f"{shown / 'operator.yaml'}: {fault}"
        for fault in (*faults(values), *storefront_faults(values, overlay))
    ]
    if missing:
        # Most settings are made from these values, so their faults would be reported twice.
        return missing
    told = render_overlay(overlay).environment()
    # The pod mounts these files. Missing secrets come from the directory.
    for name in ("CLOUDMART_SECRETS_DIR", *FILES):
        told.pop(name, None)
    report = for_serving(load_settings(told)).report
    wrong = [
        fault.sentence
        for fault in report.refusals
        if not (fault.state is SettingState.MISSING and fault.variable.secret)
    ]
    wrong += [each.sentence for each in report.misspelt]
    return [
        *(f"{shown / 'settings.env'}: {sentence}" for sentence in wrong),
        *(f"{shown}: {sentence}" for sentence in shared_with_others(overlay)),
    ]


def main(arguments: list[str]) -> int:
    """Print what is wrong with an environment, and return the exit code."""
    if arguments == [_LOCAL]:
        sys.stdout.write(f"{_LOCAL}: nothing has to be filled in.\n")
        return 0
    if len(arguments) != 1 or arguments[0] not in PUBLIC:
        sys.stderr.write(f"Which environment? One of: {', '.join(PUBLIC)}\n")
        return 2
    try:
        found = complaints(OVERLAYS / arguments[0])
    except FileNotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except subprocess.CalledProcessError as error:
        sys.stderr.write(error.stderr)
        return 1
    sys.stderr.writelines(f"{line}\n" for line in found)
    if not found:
        sys.stdout.write(f"{arguments[0]}: every value is filled in.\n")
        # A shop without Prometheus needs no alerts, so this refuses nothing.
        sys.stdout.writelines(f"Note: {line}\n" for line in link_faults())
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
