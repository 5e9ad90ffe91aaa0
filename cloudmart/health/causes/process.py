"""What may become of a process that runs."""

from cloudmart.health.causes.cause import Cause

STALE = Cause(
    "configuration-stale",
    "Running with configuration older than the cluster's since {since}: roll the deployment.",
    "A process keeps the settings it was started with.",
    "kubectl rollout restart deployment/cloudmart-backend --namespace {namespace}",
)
SLOW = Cause(
    "slow",
    "It did not answer within {seconds} s.",
    "It passes by itself, or the log of the dependency tells more.",
    "kubectl top pod {pod} --namespace {namespace}",
)
UNCHECKED = Cause(
    "unchecked",
    "It was not checked since {since}: the checks have stopped.",
    "The process is overloaded, or a bug ended the checks; the log tells.",
    "kubectl logs {pod} --namespace {namespace} --tail 50",
)
STRANGER = Cause(
    "proxy-not-trusted",
    "A peer of a private network sends X-Forwarded-For and is not trusted: if it is a load "
    "balancer, all customers behind it count as one.",
    "Set TRUSTED_PROXIES to the network of the load balancer, which is the VPC's. If it is no "
    "load balancer, somebody inside the network tries to be taken for another.",
    "aws ec2 describe-vpcs --query 'Vpcs[].CidrBlockAssociationSet[].CidrBlock'",
)
CLOCK_CORRECTED = Cause(
    "clock-corrected",
    "This pod's clock is {minutes} minutes off; requests to DynamoDB carry AWS's time instead.",
    "Set the node's clock (chrony), or replace the node. Other services of AWS refuse what the "
    "pod signs while its clock is more than five minutes off.",
    "kubectl get pod {pod} --namespace {namespace} --output wide",
)
KEYS_AWAY = Cause(
    "token-keys-away",
    "The issuer of tokens does not give its keys.",
    "The keys it gave before are believed for a day; without any, nobody gets in by token. Pods "
    "must reach JWT_ISSUER, or JWT_JWKS_URL, by https. The log has what was answered.",
    "kubectl logs {pod} --namespace {namespace} | grep keys_not_fetched",
)
COUNTED_APART = Cause(
    "rate-limits-counted-apart",
    "The Redis of the rate limits does not answer: each process counts clients by itself.",
    "Until it is back a client may ask each replica for as much as it may ask all of them. Put "
    "RATE_LIMIT_STORAGE or the Redis right; no restart is needed once it answers.",
    "kubectl logs {pod} --namespace {namespace} | grep rate_limits",
)
