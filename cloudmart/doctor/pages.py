"""The checklist and the runbook of its findings, as `make docs` writes them."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cloudmart.doctor.checklist import ChecklistLine, checklist
from cloudmart.doctor.registry import catalogue
from cloudmart.verify.run import verify_catalogue

_WRITTEN = "<!-- Written by `make docs` from the catalogues of findings: change it there. -->"
_TITLES = {
    "before": "Before a release",
    "during": "During it",
    "after": "After it",
    "assistants": "Assistants",
}
_CHECKLIST = f"""# Deployment checklist

{_WRITTEN}

The command beside each line checks it. `cloudmart doctor` looks from inside: from a laptop with
kubectl, in a pod, or as `k8s/doctor-job.yaml`. `cloudmart verify` looks from outside, as a customer
does. `doctor` changes nothing. `verify` leaves two empty chats, and more with some options
([what it changes](verify.md#what-it-changes)). Neither prints a secret.

| exit code | meaning |
|---|---|
| 0 | nothing failed |
| 1 | something failed |
| 2 | its arguments are wrong |
| 3 | the command itself failed, so its findings are not complete |
| 4 | something is a warning, and `--strict` was given (`doctor` only) |
| 130 | somebody pressed Ctrl-C |
| 143 | somebody stopped it (SIGTERM) |
| 129 | its terminal was closed (SIGHUP) |

`skip` and `unknown` are not failures. Each says why: an earlier finding failed, nothing of the
kind is configured, or a permission is missing. `cloudmart iam render` prints the policy (`doctor`)
and `k8s/doctor-role.yaml` has the Role that the doctor needs for every check.
"""
_COMMANDS = {
    "associate": "aws eks create-pod-identity-association --cluster-name {cluster} --namespace "
    "{namespace} --service-account cloudmart-backend-sa --role-arn {role}",
    "delete": "kubectl delete pod {pod}",
    "describe": "kubectl describe pod/{pod}",
    "edit": "kubectl edit secret cloudmart-api-keys",
    "logs": "kubectl logs pod/{pod} --tail 200",
    "previous": "kubectl logs pod/{pod} --previous",
    "restart": "kubectl rollout restart deployment/cloudmart-backend",
    "update_mapping": "aws lambda update-event-source-mapping --uuid {uuid}",
    "update_trust": "aws iam update-assume-role-policy --role-name {role} "
    "--policy-document file://serve-trust.json",
}
"""Facts that are commands, as the page prints them: the doctor fills in names of its own."""
_FINDINGS = f"""# Findings

{_WRITTEN}

Every finding of `cloudmart doctor`: what is true in a healthy shop, why it matters, what to do.
Words in angle brackets stand for what the doctor saw. Those of `cloudmart verify` are on
[its own page](verify.md).
"""


_AREAS = {"dynamodb": "DynamoDB", "openai": "OpenAI"}


def checklist_page() -> str:
    """Return the checklist: each line, its findings, its command."""
    parts = dict.fromkeys(each.phase for each in checklist().values())
    return _CHECKLIST + "".join(_part(part) for part in parts)


def _part(part: str) -> str:
    lines = (each for each in checklist().values() if each.phase == part)
    head = f"\n## {_TITLES[part]}\n\n| line | command | findings |\n|---|---|---|\n"
    return head + "".join(map(_row, lines))


def _row(line: ChecklistLine) -> str:
    pages = {"findings.md": catalogue(), "verify.md": verify_catalogue()}
    links = [
        f"[{each.id}]({page}#{each.id})"
        for page, entries in pages.items()
        for each in entries
        if each.line == line.id
    ]
    return f"| {line.text} | `{line.command}` | {', '.join(links)} |\n"


def findings_page() -> str:
    """Return the runbook: a heading for each finding."""
    return _FINDINGS + "".join(_sections())


def _sections() -> Iterator[str]:
    area = ""
    for each in catalogue():
        if each.area != area:
            area = each.area
            yield f"\n## {_AREAS.get(area, area.capitalize())}\n"
        yield (
            f"\n### {each.id}\n\n{_shown(each.text)} Otherwise: {each.severity}.\n\n"
            f"*Why:* {_shown(each.why)}\n\n*Fix:* {_shown(each.fix)}\n"
        )


def _shown(text: str) -> str:
    for fact, command in _COMMANDS.items():
        text = text.replace(f"{{{fact}}}", command)
    return re.sub(r"(`[^`]*`)|\{(\w+)\}", _blank, text)


def _blank(found: re.Match[str]) -> str:
    """Return a word to be filled in; outside of code it would be read as HTML."""
    if found[1]:
        return re.sub(r"\{(\w+)\}", lambda name: f"<{name[1].replace('_', '-')}>", found[1])
    return f"`<{found[2].replace('_', '-')}>`"


def main(directory: Path) -> None:
    """Write both pages."""
    (directory / "checklist.md").write_text(checklist_page(), encoding="utf-8")
    (directory / "findings.md").write_text(findings_page(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
