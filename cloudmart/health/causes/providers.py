"""Providers of AI."""

from cloudmart.health.causes.cause import Cause

_LOG = "kubectl logs {pod} --namespace {namespace} | grep provider_refused"

REFUSES = Cause(
    "provider-refuses",
    "It refused this service at the last call.",
    "A key, a role, a model or an id is wrong. The log names the setting and has the "
    "provider's answer. Correct it (`make k8s-secret`, or the overlay's settings.env) and "
    "restart the pods.",
    _LOG,
)
AWAY = Cause(
    "provider-away",
    "At the last call it could not be reached, or it accepted no more requests.",
    "Wait: it usually ends without help. If it lasts, check that pods can reach the provider "
    "by https (network policies, a proxy) and that the account's quota is large enough.",
    _LOG,
)
SLOW = Cause(
    "provider-slow",
    "It did not answer in time at the last call.",
    "Wait: it usually ends without help. If it lasts, choose a faster model.",
    _LOG,
)
FAILED = Cause(
    "provider-failed",
    "It gave no usable answer at the last call.",
    "Wait: it usually ends without help. If it lasts, read the provider's answer in the log.",
    _LOG,
)
