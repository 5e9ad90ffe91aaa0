"""Why AWS does not exchange the ServiceAccount's token for credentials (IRSA)."""

from cloudmart.health.causes.cause import Cause

CLUSTER_UNKNOWN = Cause(
    "cluster-unknown",
    "AWS does not know this cluster: its account has no OpenID Connect provider for it.",
    "The command decides. If the ServiceAccount has a Pod Identity association, this pod was "
    "made before EKS's webhook knew of it: restart the pod (`kubectl delete pod {pod}`). If it "
    "has none, create the provider, once for each cluster; a rebuilt cluster has a new issuer: "
    "`aws iam create-open-id-connect-provider --url {issuer} --client-id-list sts.amazonaws.com`.",
    "aws eks list-pod-identity-associations --cluster-name <cluster> --namespace {namespace} "
    "--service-account {service_account}",
)
TOKEN_REFUSED = Cause(
    "token-refused",
    "AWS does not accept this pod's identity token.",
    "The token's audience must be one of the provider's client ids (sts.amazonaws.com), and its "
    "issuer exactly the provider's URL.",
    "aws iam get-open-id-connect-provider --open-id-connect-provider-arn "
    "arn:aws:iam::{account}:oidc-provider/{issuer_path}",
)
TOKEN_EXPIRED = Cause(
    "token-expired",
    "This pod's identity token has expired.",
    "The kubelet renews it. If it does not, the token is a copy, or the kubelet is not well: "
    "replace the pod.",
    "kubectl delete pod {pod} --namespace {namespace}",
)
TOKEN_MISSING = Cause(
    "token-missing",
    "The file with this pod's identity token is not there.",
    "The kubelet writes it. If it never comes, AWS_WEB_IDENTITY_TOKEN_FILE was set by hand: remove "
    "it, EKS's webhook sets it together with the volume.",
    "kubectl get pod {pod} --namespace {namespace} --output jsonpath='{.spec.volumes}'",
)
TOKEN_EMPTY = Cause(
    "token-empty",
    "The file with this pod's identity token is empty.",
    "The kubelet is writing it. If it stays empty, replace the pod.",
    "kubectl delete pod {pod} --namespace {namespace}",
)
TOKEN_UNREADABLE = Cause(
    "token-unreadable",
    "The file with this pod's identity token may not be read by the service.",
    "Give the pod an fsGroup: its token is then readable by a user that is not root.",
    "kubectl get pod {pod} --namespace {namespace} --output jsonpath='{.spec.securityContext}'",
    passes=False,
)
ROLE_MALFORMED = Cause(
    "role-malformed",
    "What this pod is told to be its role is no role's ARN.",
    "{variable} is {value}. EKS's webhook sets it to the ServiceAccount's annotation: correct that "
    "one, then roll the pods.",
    "kubectl get serviceaccount {service_account} --namespace {namespace} --output yaml",
    passes=False,
)
ISSUER_AWAY = Cause(
    "issuer-away",
    "AWS cannot reach this cluster's identity provider to check the pod's token.",
    "It passes by itself. If not, the issuer's public documents are not reachable from AWS.",
    "curl {issuer}/.well-known/openid-configuration",
)
ROLE_DENIED = Cause(
    "role-denied",
    "The role does not let this pod's ServiceAccount use it.",
    "The role must exist, and its trust policy must name this cluster's provider and the subject "
    "{subject}. A change takes minutes to be known everywhere.",
    "aws iam get-role --role-name {role_name} --query Role.AssumeRolePolicyDocument",
)
