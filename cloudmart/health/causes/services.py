"""Services of AWS: STS, DynamoDB, Secrets Manager."""

from cloudmart.health.causes.cause import Cause

_PASSES = "Wait: it usually ends without help. AWS's health dashboard says more."
_WAY_OUT = (
    "The pod needs DNS and HTTPS to {host}. Check the NAT gateway or the VPC's endpoint, and that "
    "network policies allow the call."
)

INTERCEPTED = Cause(
    "intercepted",
    "Something between this pod and AWS answers in place of AWS.",
    "A proxy or a gateway answers. Check HTTPS_PROXY, NO_PROXY, AWS_ENDPOINT_URL_* and the "
    "network's own gateways. Requests to {host} must reach AWS.",
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
    "Wait: it usually ends without help. If it lasts, start fewer pods at once: lower maxSurge.",
    "kubectl rollout status deployment/cloudmart-backend --namespace {namespace}",
)
TABLE_MISSING = Cause(
    "table-missing",
    "A table of the shop does not exist in this account and region.",
    "If {table} exists, the settings name another region, account or table. If it does not, create "
    "it: with Terraform where Terraform owns the tables (production), elsewhere with "
    "`cloudmart tables apply`.",
    "aws dynamodb list-tables --region {region}",
)
TABLE_DENIED = Cause(
    "table-denied",
    "This pod's role has no permission to read a table of the shop.",
    "The role's policy must allow dynamodb:GetItem on the table's ARN. AWS needs some minutes "
    "to apply a change.",
    "aws iam simulate-principal-policy --policy-source-arn {role} --action-names dynamodb:GetItem "
    "--resource-arns arn:aws:dynamodb:{region}:{account}:table/{table}",
)
TABLE_LOCKED = Cause(
    "table-locked",
    "A table of the shop is encrypted with a key that the service cannot use.",
    "{table}'s KMS key is disabled or deleted, or does not let this pod's role use it. AWS "
    "needs some minutes to apply a change.",
    "aws dynamodb describe-table --table-name {table} --query Table.SSEDescription",
)
TABLE_OTHER_KEY = Cause(
    "table-other-key",
    "A table of the shop has a key other than `id`.",
    "{table} is not a table of the shop: correct its name in the settings.",
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
    "Wait: it usually ends without help. If it lasts, raise the table's maximum throughput.",
    "aws dynamodb describe-table --table-name {table} --query Table.OnDemandThroughput",
)
SECRET_MISSING = Cause(
    "secret-missing",
    "The secret with the service's settings does not exist in this account and region.",
    "Create the secret, or correct CLOUDMART_SECRET_ID.",
    "aws secretsmanager describe-secret --secret-id {secret}",
)
SECRET_DENIED = Cause(
    "secret-denied",
    "This pod's role has no permission to read the secret with the service's settings.",
    "The role's policy must allow secretsmanager:GetSecretValue on the secret. If the secret "
    "has a key of your own, the policy must also allow kms:Decrypt on that key.",
    "aws secretsmanager get-resource-policy --secret-id {secret}",
)
SECRET_LOCKED = Cause(
    "secret-locked",
    "The service cannot decrypt the secret with its settings.",
    "The secret's KMS key is disabled or deleted, or does not let the role use it.",
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
    "Wait: it usually ends without help.",
    "kubectl rollout status deployment/cloudmart-backend --namespace {namespace}",
)
UNKNOWN = Cause(
    "unknown",
    "A part that the service needs answers in a way this version does not know.",
    "The log holds the answer.",
    "kubectl logs {pod} --namespace {namespace} --tail 50",
)
