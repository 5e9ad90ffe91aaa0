"""What a roll-out would do, told without a cluster."""

from cloudmart.rollout.cluster import Kubernetes
from cloudmart.rollout.indexes import tables_job
from cloudmart.rollout.journal import Journal
from cloudmart.rollout.release import DEPLOYMENT, Release, named, reference
from cloudmart.rollout.run import Choices


def tell_the_plan(
    journal: Journal, cluster: Kubernetes, release: Release, choices: Choices
) -> None:
    """Tell each stage and the commands that would change the cluster in it."""
    job = named(release.job)
    if choices.tables:
        journal.say(f"The tables: job/{job}")
        journal.command(cluster.command("delete", "job", job, "--ignore-not-found", "--wait"))
        journal.command(f"{cluster.command('apply', '--filename')} {job}.json")
    journal.say(f"The pods: deployment/{DEPLOYMENT}")
    journal.command(f"{cluster.command('apply', '--filename')} service.json")
    journal.detail("\n".join(map(reference, release.service)))
    journal.say("The way to them: Service, Ingress, network policies")
    journal.command(f"{cluster.command('apply', '--filename')} edge.json")
    journal.detail("\n".join(map(reference, release.edge)))
    journal.say(f"From outside: {choices.url or release.url}")
    if choices.tables:
        job = named(tables_job(release, "use-indexes"))
        journal.say(f"The indexes, now that no older pod writes: job/{job}")
        journal.command(cluster.command("delete", "job", job, "--ignore-not-found", "--wait"))
        journal.command(f"{cluster.command('apply', '--filename')} {job}.json")
