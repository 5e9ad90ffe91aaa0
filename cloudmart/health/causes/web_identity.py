"""The pod's identity token, which AWS exchanges for credentials (IRSA)."""

from cloudmart.health.causes.cause import Cause

CLUSTER_UNKNOWN = Cause(
    "cluster-unknown",
    "AWS does not know this cluster: its account has no OpenID Connect provider for it.",
    "The command shows which case it is. If the ServiceAccount has a Pod Identity "
    "association, this pod is older than the association: restart the pod (`kubectl delete "
    "pod {pod}`). If it has none, create the provider, once for each cluster (a rebuilt "
    "cluster has a new issuer): `aws iam create-open-id-connect-provider --url {issuer} "
    "--client-id-list sts.amazonaws.com`.",
    "aws eks list-pod-identity-associations --cluster-name <cluster> --namespace {namespace} "
    "--service-account {service_account}",
)
TOKEN_REFUSED = Cause(
    "token-refused",
    "AWS does not accept this pod's identity token.",
    "The token's audience must be one of the provider's client ids (sts.amazonaws.com). The "
    "token's issuer must be exactly the provider's URL.",
    "aws iam get-open-id-connect-provider --open-id-connect-provider-arn "
    "arn:aws:iam::{account}:oidc-provider/{issuer_path}",
)
TOKEN_EXPIRED = Cause(
    "token-expired",
    "This pod's identity token has expired.",
    "The kubelet renews it. If it does not, the token is a copy or the kubelet has a fault: "
    "replace the pod (`kubectl delete pod {pod} --namespace {namespace}`).",
    "kubectl exec {pod} --namespace {namespace} -- sh -c 'ls -lL \"$AWS_WEB_IDENTITY_TOKEN_FILE\"'",
)
TOKEN_MISSING = Cause(
    "token-missing",
    "The file with this pod's identity token does not exist.",
    "The kubelet writes it. If the file does not appear, somebody set "
    "AWS_WEB_IDENTITY_TOKEN_FILE by hand: remove it. EKS's webhook sets the variable together "
    "with the volume.",
    "kubectl get pod {pod} --namespace {namespace} --output jsonpath='{.spec.volumes}'",
)
TOKEN_EMPTY = Cause(
    "token-empty",
    "The file with this pod's identity token is empty.",
    "The kubelet is writing the file. If it stays empty, replace the pod "
    "(`kubectl delete pod {pod} --namespace {namespace}`).",
    "kubectl exec {pod} --namespace {namespace} -- sh -c 'ls -lL \"$AWS_WEB_IDENTITY_TOKEN_FILE\"'",
)
TOKEN_UNREADABLE = Cause(
    "token-unreadable",
    "The service has no permission to read the file with this pod's identity token.",
    "Give the pod an fsGroup. A user other than root can then read the token.",
    "kubectl get pod {pod} --namespace {namespace} --output jsonpath='{.spec.securityContext}'",
    passes=False,
)
ROLE_MALFORMED = Cause(
    "role-malformed",
    "The role that this pod is given is not an ARN of a role.",
    "{variable} is {value}. EKS's webhook copies it from the ServiceAccount's annotation. "
    "Correct the annotation, then restart the pods.",
    "kubectl get serviceaccount {service_account} --namespace {namespace} --output yaml",
    passes=False,
)
ISSUER_AWAY = Cause(
    "issuer-away",
    "AWS cannot reach this cluster's identity provider to check the pod's token.",
    "Wait: AWS tries again. If it lasts, AWS cannot reach the issuer's public documents.",
    "curl {issuer}/.well-known/openid-configuration",
)
ROLE_DENIED = Cause(
    "role-denied",
    "The role does not let this pod's ServiceAccount use it.",
    "The role must exist. Its trust policy must name this cluster's provider and the subject "
    "{subject}. AWS needs some minutes to apply a change.",
    "aws iam get-role --role-name {role_name} --query Role.AssumeRolePolicyDocument",
)
