"""Chooses what the doctor examines: whose settings, and which cluster."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cloudmart.doctor.kubernetes_api import KubernetesApi
from cloudmart.doctor.pods_settings import settings_of_pods
from cloudmart.doctor.target import DoctorTarget
from cloudmart.rollout.cluster import KubectlError, KubectlResult, Kubernetes, Run, kubectl_program
from cloudmart.rollout.release import DEPLOYMENT, find_kubectl
from cloudmart.settings import Loaded
from cloudmart.settings.variables import variables

Load = Callable[[Mapping[str, str]], tuple[Loaded, str | None]]
"""Reads settings; returns them, and why those of a secret are not among them."""

_WITHIN = 8.0
"""Seconds that settings may take to be read: one place of them is a service of AWS's."""

_OWN = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """What the command line says about what to examine."""

    context: str | None = None
    namespace: str | None = None
    url: str | None = None
    run: Run | None = None
    """What runs kubectl, if not the kubectl that is found."""


async def open_target(
    options: TargetOptions, environ: Mapping[str, str], load: Load
) -> DoctorTarget:
    """Return what the doctor examines.

    The settings are those of this process's environment. Where that has none of the service's,
    they are those of the Deployment in the cluster.
    """
    in_cluster = "KUBERNETES_SERVICE_HOST" in environ
    namespace = options.namespace or environ.get("POD_NAMESPACE") or _own_namespace()
    cluster = _cluster(options, namespace, environ, in_cluster=in_cluster)
    source, told, own = "the environment of this process", dict(environ), True
    draft = DoctorTarget(environ, _nothing(load))
    if cluster and not _has_own(environ):
        found = await draft.threads.run(lambda: _of_pods(cluster))
        if found is not None:
            # AWS is called with the identity of this process.
            told, own = {**environ, **found}, False
            source = f"the Deployment {DEPLOYMENT}, seen by kubectl"
    loaded, unread = await _loaded(draft, told, load)
    return DoctorTarget(
        environ=told,
        loaded=loaded,
        source=source,
        unread=unread,
        cluster=cluster,
        no_cluster=_no_cluster(in_cluster=in_cluster),
        namespace=namespace,
        url=options.url,
        in_cluster=in_cluster,
        is_service=in_cluster and own,
        threads=draft.threads,
    )


def _nothing(load: Load) -> Loaded:
    return load({})[0]


async def _loaded(
    draft: DoctorTarget, told: Mapping[str, str], load: Load
) -> tuple[Loaded, str | None]:
    try:
        async with asyncio.timeout(_WITHIN):
            return await draft.threads.run(lambda: load(told))
    except TimeoutError:
        unread = f"AWS Secrets Manager did not answer within {_WITHIN:.0f} s"
        elsewhere = {name: each for name, each in told.items() if name != "CLOUDMART_SECRET_ID"}
        return load(elsewhere)[0], unread


def _cluster(
    options: TargetOptions, namespace: str, environ: Mapping[str, str], *, in_cluster: bool
) -> Kubernetes | None:
    run = options.run
    if run is None:
        path = find_kubectl()
        api = KubernetesApi.of_this_pod(environ) if in_cluster and path is None else None
        if path is None and api is None:
            return None
        run = _quickly(kubectl_program(path)) if path else api
    if run is None:
        return None
    return Kubernetes(run, namespace, None if in_cluster else options.context)


def _quickly(run: Run) -> Run:
    def quick(words: Sequence[str], told: str | None) -> KubectlResult:
        return run(["--request-timeout=5s", *words], told)

    return quick


def _own_namespace() -> str:
    try:
        return _OWN.read_text("utf-8").strip() or "default"
    except OSError:
        return "default"


def _no_cluster(*, in_cluster: bool) -> str:
    if in_cluster:
        return "this pod has no token for the API server, so the cluster is not checked"
    return "kubectl is not installed, so the cluster is not checked"


def _has_own(environ: Mapping[str, str]) -> bool:
    """Return whether an environment has a setting of the service that no shell has by itself."""
    names = {name for each in variables().values() for name in each.names if each.group != "aws"}
    return any(environ.get(name, "").strip() for name in names - {"PORT"})


def _of_pods(cluster: Kubernetes) -> Mapping[str, str] | None:
    try:
        live = cluster.find("deployment", DEPLOYMENT)
        return settings_of_pods(cluster, live).environ if live else None
    except KubectlError:
        # What is in the way is said by the checks of the cluster.
        return None
