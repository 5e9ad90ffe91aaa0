"""Applying a release to what is there: what goes, what comes, and the record of both."""

import json
from collections.abc import Sequence

from cloudmart.rollout.cluster import KubectlError, Kubernetes, listed
from cloudmart.rollout.journal import Journal
from cloudmart.rollout.kustomize import Manifest
from cloudmart.rollout.recording import as_applied, is_recorded, record, recorded, removed
from cloudmart.rollout.release import DEPLOYMENT, VERSION, Release, reference, tag_of
from cloudmart.rollout.way_back import config_maps_of


def record_what_is_there(
    cluster: Kubernetes, journal: Journal, manifests: Sequence[Manifest]
) -> list[Manifest]:
    """Record each object as it is as what was applied last, and return those that are there."""
    references = [reference(each) for each in manifests if is_recorded(each)]
    live = cluster.present(references) if references else []
    for each in live:
        if recorded(each) != as_applied(each):
            words = ("apply", "set-last-applied", "--create-annotation=true", "--filename")
            journal.command(f"{cluster.command(*words)} {reference(each).replace('/', '-')}.json")
            record(cluster, each)
    return live


def tell_what_goes(
    cluster: Kubernetes,
    journal: Journal,
    manifests: Sequence[Manifest],
    live: Sequence[Manifest],
) -> None:
    """Tell what an apply will take away from the objects that are there.

    Raises:
        KubectlError: the server refuses what would come of it.
    """
    there = {reference(each): each for each in live}
    answer = cluster.do(
        "apply", "--dry-run=server", "--filename", "-", "--output", "json", told=listed(manifests)
    )
    read = json.loads(answer)
    for after in read["items"] if read["kind"] == "List" else [read]:
        before = there.get(reference(after))
        if before and is_recorded(before) and (gone := removed(before, after)):
            journal.say(f"{reference(after)} will lose what this release does not have:")
            journal.detail("\n".join(gone))


def apply(cluster: Kubernetes, journal: Journal, name: str, manifests: Sequence[Manifest]) -> None:
    """Apply a stage's manifests."""
    journal.command(f"{cluster.command('apply', '--filename')} {name}.json")
    told = cluster.do("apply", "--filename", "-", told=listed(manifests))
    journal.detail(told)


def tell_the_truth_of_what_runs(cluster: Kubernetes, journal: Journal) -> str:
    """Record and label the Deployment as it is after going back; return the tag that runs."""
    live = cluster.get("deployment", DEPLOYMENT)
    tag = tag_of(live)
    try:
        if VERSION in (live["metadata"].get("labels") or {}):
            words = ("label", "--overwrite", f"deployment/{DEPLOYMENT}", f"{VERSION}={tag}")
            journal.command(cluster.command(*words))
            cluster.do(*words)
        record_what_is_there(cluster, journal, [live])
    except KubectlError as error:
        # The next roll-out records it again.
        journal.warn(f"What runs could not be recorded: {error}")
    return tag


def save(cluster: Kubernetes, release: Release) -> tuple[list[Manifest], list[str]]:
    """Return what runs now as it can be applied again, and what of it is not there."""
    running = cluster.find("deployment", DEPLOYMENT)
    configs = sorted(config_maps_of(running)) if running else []
    kinds = ("ServiceAccount", "Deployment", "Service", "Ingress")
    wanted = [
        reference(each) for each in (*release.service, *release.edge) if each["kind"] in kinds
    ]
    live = cluster.present([*wanted, *configs])
    there = {reference(each) for each in live}
    return [_saved(each) for each in live], [
        each for each in (*wanted, *configs) if each not in there
    ]


def _saved(live: Manifest) -> Manifest:
    applied = as_applied(live)
    if "data" in live:
        applied["data"] = live["data"]
    if live["kind"] == "Deployment" and "replicas" in live["spec"]:
        applied["spec"]["replicas"] = live["spec"]["replicas"]
    return applied
