"""Why a provider of AI did not answer when it was last used."""

from cloudmart.health.causes.cause import Cause

_LOG = "kubectl logs {pod} --namespace {namespace} | grep provider_refused"

REFUSES = Cause(
    "provider-refuses",
    "It refused this service when it was last used.",
    "A key, a role, a model or an id is wrong: the log names the setting and has what was "
    "answered. Put it right (`make k8s-secret`, or the overlay's settings.env) and roll the pods.",
    _LOG,
)
AWAY = Cause(
    "provider-away",
    "It could not be reached, or took no more requests, when it was last used.",
    "It passes by itself. If it lasts, pods must reach it by https (network policies, a proxy), "
    "and the quota of its account must be enough.",
    _LOG,
)
SLOW = Cause(
    "provider-slow",
    "It did not answer in time when it was last used.",
    "It passes by itself, or another model answers faster.",
    _LOG,
)
FAILED = Cause(
    "provider-failed",
    "It gave no usable answer when it was last used.",
    "It passes by itself, or the log tells what it answered.",
    _LOG,
)
