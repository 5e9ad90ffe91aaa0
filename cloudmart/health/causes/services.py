"""Why a service of AWS does not do what it is asked: STS, DynamoDB, Secrets Manager."""

from cloudmart.health.causes.cause import Cause

_PASSES = "It passes by itself; AWS's health dashboard tells more."
_WAY_OUT = (
    "The pod needs DNS and HTTPS to {host}: a NAT gateway or an endpoint in the VPC, and network "
    "policies that let it out."
)

INTERCEPTED = Cause(
    "intercepted",
    "Something between this pod and AWS answers in AWS's place.",
    "A proxy or a gateway: HTTPS_PROXY, NO_PROXY, AWS_ENDPOINT_URL_* or the network's own. Let it "
    "pass what goes to {host}.",
    "kubectl exec {pod} --namespace {namespace} -- env",
)
STS_AWAY = Cause(
    "sts-away",
    "AWS's Security Token Service does not answer.",
    _WAY_OUT,
    "kubectl get networkpolicy --namespace {namespace} --output yaml",
)
STS_FAILING = Cause(
    "sts-failing",
    "AWS's Security Token Service fails.",
    _PASSES,
    "aws sts get-caller-identity --region {region}",
)
STS_THROTTLED = Cause(
    "sts-throttled",
    "AWS's Security Token Service is overloaded with requests from this account.",
    "It passes by itself. If it does not, start fewer pods at once: lower maxSurge.",
    "kubectl rollout status deployment/cloudmart-backend --namespace {namespace}",
)
TABLE_MISSING = Cause(
    "table-missing",
    "A table of the shop does not exist in this account and region.",
    "Create {table}. If it exists, the region, the account or the name in the settings is another.",
    "cloudmart tables apply",
)
TABLE_DENIED = Cause(
    "table-denied",
    "This pod's role may not read a table of the shop.",
    "The role's policy must allow dynamodb:GetItem on the table's ARN. A change takes minutes to "
    "be known everywhere.",
    "aws iam simulate-principal-policy --policy-source-arn {role} --action-names dynamodb:GetItem "
    "--resource-arns arn:aws:dynamodb:{region}:{account}:table/{table}",
)
TABLE_LOCKED = Cause(
    "table-locked",
    "A table of the shop is encrypted with a key that cannot be used.",
    "{table}'s KMS key is disabled, deleted, or does not let this pod's role use it. A change "
    "takes minutes to be known everywhere.",
    "aws dynamodb describe-table --table-name {table} --query Table.SSEDescription",
)
TABLE_OTHER_KEY = Cause(
    "table-other-key",
    "A table of the shop has another key than `id`.",
    "{table} is not one of the shop's: correct its name in the settings.",
    "aws dynamodb describe-table --table-name {table} --query Table.KeySchema",
    passes=False,
)
TABLE_AWAY = Cause(
    "table-away",
    "The shop's data store does not answer.",
    _WAY_OUT,
    "aws dynamodb describe-table --table-name {table} --query Table.TableStatus",
)
TABLE_FAILING = Cause(
    "table-failing",
    "The shop's data store fails.",
    _PASSES,
    "aws dynamodb describe-table --table-name {table} --query Table.TableStatus",
)
TABLE_THROTTLED = Cause(
    "table-throttled",
    "The shop's data store is overloaded.",
    "It passes by itself. If it does not, raise the table's maximum throughput.",
    "aws dynamodb describe-table --table-name {table} --query Table.OnDemandThroughput",
)
SECRET_MISSING = Cause(
    "secret-missing",
    "The secret with the service's settings does not exist in this account and region.",
    "Create it, or correct CLOUDMART_SECRET_ID.",
    "aws secretsmanager describe-secret --secret-id {secret}",
)
SECRET_DENIED = Cause(
    "secret-denied",
    "This pod's role may not read the secret with the service's settings.",
    "The role's policy must allow secretsmanager:GetSecretValue on the secret, and kms:Decrypt on "
    "its key where that is not AWS's own.",
    "aws secretsmanager get-resource-policy --secret-id {secret}",
)
SECRET_LOCKED = Cause(
    "secret-locked",
    "The secret with the service's settings cannot be decrypted.",
    "Its KMS key is disabled, deleted, or does not let the role use it.",
    "aws secretsmanager describe-secret --secret-id {secret} --query KmsKeyId",
)
SECRET_AWAY = Cause(
    "secret-away",
    "AWS Secrets Manager does not answer.",
    _WAY_OUT,
    "aws secretsmanager describe-secret --secret-id {secret}",
)
SECRET_FAILING = Cause(
    "secret-failing",
    "AWS Secrets Manager fails.",
    _PASSES,
    "aws secretsmanager describe-secret --secret-id {secret}",
)
SECRET_THROTTLED = Cause(
    "secret-throttled",
    "AWS Secrets Manager is overloaded with requests from this account.",
    "It passes by itself.",
    "kubectl rollout status deployment/cloudmart-backend --namespace {namespace}",
)
UNKNOWN = Cause(
    "unknown",
    "Something the service needs answers in a way this version does not know.",
    "The log holds the answer.",
    "kubectl logs {pod} --namespace {namespace} --tail 50",
)
