"""Why AWS gives this pod no credentials, or none that work."""

from cloudmart.health.causes.cause import Cause

NONE = Cause(
    "credentials-none",
    "This pod has no AWS credentials of any kind.",
    "The pod was created before its ServiceAccount named a role, or EKS's webhook missed it. "
    "Fill in `role` in operator.yaml and roll out, or add a Pod Identity association and roll the "
    "pods.",
    "kubectl get serviceaccount {service_account} --namespace {namespace} --output yaml",
)
HALF_SET = Cause(
    "credentials-half-set",
    "Half of a pair of AWS keys is set.",
    "{variable} is set, and the other of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is not. "
    "Remove both: the pod's role is what it should use.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
    passes=False,
)
REFUSED = Cause(
    "credentials-refused",
    "AWS does not know the credentials this pod uses.",
    "New credentials take seconds to be known everywhere. If it lasts, keys of another account or "
    "deleted ones are set: remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
)
EXPIRED = Cause(
    "credentials-expired",
    "This pod's AWS credentials have expired.",
    "They are renewed by themselves unless AWS refuses; the log says why it does.",
    "kubectl logs {pod} --namespace {namespace} --tail 50",
)
EXPIRING = Cause(
    "credentials-expiring",
    "This pod's AWS credentials expire within minutes and could not be renewed yet.",
    "STS has not renewed them for minutes. They are good until they expire; see that the pod can "
    "reach STS and that the role still trusts it.",
    "aws iam get-role --role-name {role_name} --query Role.AssumeRolePolicyDocument",
)
CLOCK = Cause(
    "clock-wrong",
    "This pod's clock is wrong: AWS refuses what it signs.",
    "Set the node's clock (chrony), or replace the node.",
    "kubectl exec {pod} --namespace {namespace} -- python -c 'import time; print(time.ctime())'",
)
REGION_UNSET = Cause(
    "region-unset",
    "No AWS region is set.",
    "Set AWS_REGION to the region of the tables: `region` in operator.yaml, then a roll-out.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
    passes=False,
)
ROLE_UNSET = Cause(
    "role-unset",
    "This pod has an identity token but no role to use it for.",
    "The ServiceAccount's annotation eks.amazonaws.com/role-arn is missing or was added after the "
    "pod. It comes from `role` in operator.yaml with a roll-out; then roll the pods.",
    "kubectl get serviceaccount {service_account} --namespace {namespace} --output yaml",
    passes=False,
)
AGENT_AWAY = Cause(
    "pod-identity-away",
    "The node's Pod Identity agent gives this pod no credentials.",
    "The agent must run on the node, and the cluster must have an association of the "
    "ServiceAccount with a role.",
    "kubectl get pods --namespace kube-system --output wide --selector "
    "app.kubernetes.io/name=eks-pod-identity-agent",
)
AGENT_GARBLED = Cause(
    "pod-identity-garbled",
    "The node's Pod Identity agent answers something that is no credentials.",
    "Something else answers at the agent's address, or the agent is not well.",
    "kubectl logs --namespace kube-system --selector app.kubernetes.io/name=eks-pod-identity-agent",
)
AGENT_ADDRESS = Cause(
    "pod-identity-address",
    "The address this pod is told to get credentials from is not a Pod Identity agent's.",
    "Remove {variable} from the Deployment: EKS sets what is needed by itself.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
    passes=False,
)
AGENT_TOKEN_MISSING = Cause(
    "pod-identity-token-missing",
    "The file with this pod's token for the Pod Identity agent is not there.",
    "{variable} names {path}, which the kubelet writes. If it never comes, the variable was set by "
    "hand: remove it, EKS sets it together with the volume.",
    "kubectl get pod {pod} --namespace {namespace} --output jsonpath='{.spec.volumes}'",
)
AGENT_TOKEN_GARBLED = Cause(
    "pod-identity-token-garbled",
    "This pod's token for the Pod Identity agent has a line break in it.",
    "{variable} was set by hand, or its file written by hand: remove it and roll the pods, EKS "
    "sets it.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
    passes=False,
)
CREDENTIALS_PROCESS = Cause(
    "credentials-program-missing",
    "The program or file that should give this pod its AWS credentials cannot be used.",
    "A profile's credential_process or web_identity_token_file names {path}. It is not there, or "
    "this user may not use it. A pod needs no profile: remove AWS_PROFILE and AWS_CONFIG_FILE.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
    passes=False,
)
ROLE_WRONG = Cause(
    "role-wrong",
    "This pod runs as another role than its ServiceAccount names.",
    "Static keys in the environment win over the pod's role: remove AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
)
ROLE_OF_NODE = Cause(
    "role-of-node",
    "This pod runs as the machine it is on, not as itself.",
    "EKS's webhook missed the pod. See that the ServiceAccount is annotated, then roll the pods.",
    "kubectl rollout restart deployment/cloudmart-backend --namespace {namespace}",
)
