"""The running process."""

from cloudmart.health.causes.cause import Cause

STALE = Cause(
    "configuration-stale",
    "The cluster's configuration has been newer than this pod's since {since}.",
    "A process keeps the settings it was started with. Restart the pods: "
    "`kubectl rollout restart deployment/cloudmart-backend --namespace {namespace}`.",
    "kubectl get pods --selector app=cloudmart-backend --namespace {namespace}",
)
SLOW = Cause(
    "slow",
    "The dependency did not answer within {seconds} s.",
    "Wait: it usually ends without help. If it lasts, read the log of the dependency.",
    "kubectl top pod {pod} --namespace {namespace}",
)
UNCHECKED = Cause(
    "unchecked",
    "The dependency has not been checked since {since}: the checks have stopped.",
    "The process is overloaded, or a bug ended the checks. Read the log.",
    "kubectl logs {pod} --namespace {namespace} --tail 50",
)
ANONYMOUS = Cause(
    "proxy-not-trusted",
    "A peer in a private network sends X-Forwarded-For but is not trusted. If it is a load "
    "balancer, all customers behind it count as one client.",
    "Write the networks of the load balancer's subnets into `vpc-cidr` in operator.yaml, and roll "
    "out: this sets TRUSTED_PROXIES. Without these manifests, set TRUSTED_PROXIES. If the peer "
    "is no load balancer, somebody in the network forges a client's address.",
    "aws ec2 describe-subnets --filters Name=tag:kubernetes.io/role/elb,Values=1 "
    "--query 'Subnets[].CidrBlock' --output text",
)
CLOCK_CORRECTED = Cause(
    "clock-corrected",
    "This pod's clock is {minutes} minutes off; requests to DynamoDB carry AWS's time instead.",
    "Set the node's clock (chrony), or replace the node. While the clock is more than five "
    "minutes off, other services of AWS refuse what the pod signs.",
    "kubectl get pod {pod} --namespace {namespace} --output wide",
)
KEYS_AWAY = Cause(
    "token-keys-away",
    "The service cannot fetch the keys of the tokens' issuer.",
    "The service uses the keys it fetched before for a day. Without keys nobody can sign in "
    "by token. Pods must reach JWT_ISSUER or JWT_JWKS_URL by https. The log has the issuer's "
    "answer.",
    "kubectl logs {pod} --namespace {namespace} | grep keys_not_fetched",
)
COUNTED_APART = Cause(
    "rate-limits-counted-apart",
    "The Redis of the rate limits does not answer: each process counts clients on its own.",
    "Until it answers, each replica allows a client the full limit. Correct "
    "RATE_LIMIT_STORAGE or repair the Redis. The pods need no restart.",
    "kubectl logs {pod} --namespace {namespace} | grep rate_limits",
)
CATALOGUE_OLD = Cause(
    "catalogue-old",
    "The products cannot be read again. Customers see them as they were for up to "
    "CATALOGUE_MAX_STALE seconds.",
    "Repair what the products' own check names: DynamoDB, the role, or the table. Orders are "
    "refused with 503 meanwhile. The service reads the products again by itself.",
    "kubectl logs {pod} --namespace {namespace} | grep catalogue_",
)
