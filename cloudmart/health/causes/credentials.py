"""The pod's AWS credentials."""

from cloudmart.health.causes.cause import Cause

NONE = Cause(
    "credentials-none",
    "This process has no AWS credentials of any kind.",
    "The pod was created before its ServiceAccount named a role, or EKS's webhook missed the "
    "pod. Fill in `role` in operator.yaml and roll out. Or add a Pod Identity association and "
    "restart the pods.",
    "kubectl get serviceaccount {service_account} --namespace {namespace} --output yaml",
    by_hand=(
        "Sign in (`aws sso login`), name a profile with AWS_PROFILE, or set AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY."
    ),
)
HALF_SET = Cause(
    "credentials-half-set",
    "Half of a pair of AWS keys is set.",
    "{variable} is set, and the other of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is not. "
    "Remove both: the pod should use its role.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
    passes=False,
    by_hand=(
        "{variable} is set, and the other of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is not. "
        "Set both, or neither and sign in: `aws sso login`."
    ),
)
REFUSED = Cause(
    "credentials-refused",
    "AWS does not know the credentials this process uses.",
    "AWS needs some seconds to learn new credentials. If it lasts, the keys are deleted or "
    "belong to another account: remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
    by_hand=(
        "`aws sts get-caller-identity` tries the credentials. If it fails too, they are deleted "
        "or mistyped: sign in again (`aws sso login`), or correct AWS_PROFILE or the keys."
    ),
)
EXPIRED = Cause(
    "credentials-expired",
    "This process's AWS credentials have expired.",
    "The service renews them unless AWS refuses. The log has the reason that AWS gives.",
    "kubectl logs {pod} --namespace {namespace} --tail 50",
    by_hand=(
        "Sign in again (`aws sso login`), or get new keys. Old keys in AWS_ACCESS_KEY_ID, "
        "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN take precedence over a profile: remove them."
    ),
)
EXPIRING = Cause(
    "credentials-expiring",
    "This pod's AWS credentials expire within minutes, and the service could not renew them yet.",
    "The credentials work until they expire. Check that the pod can reach STS and that the "
    "role still trusts the pod.",
    "aws iam get-role --role-name {role_name} --query Role.AssumeRolePolicyDocument",
)
CLOCK = Cause(
    "clock-wrong",
    "The clock of this process is wrong: AWS refuses what it signs.",
    "Set the node's clock (chrony), or replace the node.",
    "kubectl exec {pod} --namespace {namespace} -- python -c 'import time; print(time.ctime())'",
    by_hand="Set the clock of this machine.",
)
REGION_UNSET = Cause(
    "region-unset",
    "No AWS region is set.",
    "AWS_REGION must be the region of the tables. Fill in `region` in operator.yaml and roll out.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
    passes=False,
    by_hand="Set AWS_REGION to the region of the tables.",
)
ROLE_UNSET = Cause(
    "role-unset",
    "This pod has an identity token but no role to use it for.",
    "The ServiceAccount has no annotation eks.amazonaws.com/role-arn, or got it after the pod "
    "was created. A roll-out sets it from `role` in operator.yaml. Restart the pods after "
    "that.",
    "kubectl get serviceaccount {service_account} --namespace {namespace} --output yaml",
    passes=False,
)
AGENT_AWAY = Cause(
    "pod-identity-away",
    "The node's Pod Identity agent gives this pod no credentials.",
    "The agent must run on the node. The cluster must have a Pod Identity association of the "
    "ServiceAccount with a role.",
    "kubectl get pods --namespace kube-system --output wide --selector "
    "app.kubernetes.io/name=eks-pod-identity-agent",
)
AGENT_GARBLED = Cause(
    "pod-identity-garbled",
    "The node's Pod Identity agent answers with something other than credentials.",
    "Another program answers at the agent's address, or the agent has a fault. Read the "
    "agent's log.",
    "kubectl logs --namespace kube-system --selector app.kubernetes.io/name=eks-pod-identity-agent",
)
AGENT_ADDRESS = Cause(
    "pod-identity-address",
    "The address from which this pod should get credentials is not a Pod Identity agent's.",
    "Remove {variable} from the Deployment. EKS sets the right value.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
    passes=False,
)
AGENT_TOKEN_MISSING = Cause(
    "pod-identity-token-missing",
    "The file with this pod's token for the Pod Identity agent does not exist.",
    "{variable} names {path}, which the kubelet writes. If the file does not appear, somebody "
    "set the variable by hand: remove it. EKS sets the variable together with the volume.",
    "kubectl get pod {pod} --namespace {namespace} --output jsonpath='{.spec.volumes}'",
)
AGENT_TOKEN_GARBLED = Cause(
    "pod-identity-token-garbled",
    "This pod's token for the Pod Identity agent has a line break in it.",
    "Somebody set {variable} or wrote its file by hand. Remove the variable and restart the "
    "pods: EKS sets it.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
    passes=False,
)
CREDENTIALS_PROCESS = Cause(
    "credentials-program-missing",
    "The program or file that should give this process its AWS credentials cannot be used.",
    "A profile's credential_process or web_identity_token_file names {path}. It does not exist, or "
    "this user has no permission to use it. A pod needs no profile: remove AWS_PROFILE and "
    "AWS_CONFIG_FILE.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
    passes=False,
    by_hand=(
        "A profile's credential_process or web_identity_token_file names {path}. It does not "
        "exist, or this user has no permission to use it. Correct the profile, or choose another "
        "with AWS_PROFILE."
    ),
)
ROLE_WRONG = Cause(
    "role-wrong",
    "This pod runs under another role than its ServiceAccount names.",
    "Keys in the environment take precedence over the pod's role: remove AWS_ACCESS_KEY_ID "
    "and AWS_SECRET_ACCESS_KEY.",
    "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list",
)
ROLE_OF_NODE = Cause(
    "role-of-node",
    "This pod runs under the role of its node, not under its own.",
    "EKS's webhook missed the pod. Check that the ServiceAccount has its annotation, then "
    "restart the pods: `kubectl rollout restart deployment/cloudmart-backend --namespace "
    "{namespace}`.",
    "kubectl get serviceaccount {service_account} --namespace {namespace} --output yaml",
)
