"""Providers of AI."""

from cloudmart.health.causes.cause import Cause

_LOG = "kubectl logs {pod} --namespace {namespace} | grep provider_refused"

REFUSES = Cause(
    "provider-refuses",
    "The provider refused the last call of this service.",
    "A key, a role, a model or an id is wrong. The log names the setting and has the "
    "provider's answer. Correct it (`make k8s-secret`, or the overlay's settings.env) and "
    "restart the pods.",
    _LOG,
)
AWAY = Cause(
    "provider-away",
    "At the last call, the provider could not be reached or accepted no more requests.",
    "Wait: it usually ends without help. If it lasts, check that pods can reach the provider "
    "by https (network policies, a proxy) and that the account's quota is large enough.",
    _LOG,
)
SLOW = Cause(
    "provider-slow",
    "The provider did not answer the last call in time.",
    "Wait: it usually ends without help. If it lasts, choose a faster model.",
    _LOG,
)
FAILED = Cause(
    "provider-failed",
    "The provider gave no usable answer to the last call.",
    "Wait: it usually ends without help. If it lasts, read the provider's answer in the log.",
    _LOG,
)
