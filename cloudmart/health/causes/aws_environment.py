"""What of the environment AWS's SDK cannot use."""

from cloudmart.health.causes.cause import Cause

_LIST = "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list"

SETTING_WRONG = Cause(
    "sdk-setting-wrong",
    "A variable of AWS's SDK has a value that the SDK refuses.",
    "{variable} is {value}. Right: {right}. Correct or remove it, in the Deployment or the "
    "overlay's settings.env.",
    _LIST,
    passes=False,
)
PROFILE_MISSING = Cause(
    "profile-missing",
    "A profile of AWS's configuration is asked for that does not exist.",
    "{variable} names the profile {value}, and no configuration file of this pod has one: a pod "
    "needs none. Remove {variable}; a blank value counts as a name.",
    _LIST,
    passes=False,
)
CONFIG_UNREADABLE = Cause(
    "sdk-config-unreadable",
    "A configuration file of AWS's SDK cannot be parsed.",
    "{variable} names {path}, which cannot be parsed. Correct the file, or remove {variable}: a "
    "pod needs none.",
    _LIST,
    passes=False,
)
CONFIG_OF_HOME = Cause(
    "sdk-config-of-home-unreadable",
    "A configuration file of AWS's SDK in the home directory cannot be parsed.",
    "It is {path}. Correct it, or move it away: a pod needs none.",
    _LIST,
    passes=False,
)
CONFIG_WRONG = Cause(
    "sdk-config-wrong",
    "The configuration of AWS's SDK contradicts itself.",
    "The answer says what is wrong. Look into the variables that begin with AWS_, and into the "
    "files of AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE.",
    _LIST,
    passes=False,
)
PERSON = Cause(
    "credentials-want-a-person",
    "A profile of AWS's configuration gets credentials only when a person signs in.",
    "A pod cannot sign in, and needs no profile: remove AWS_PROFILE and AWS_CONFIG_FILE. On a "
    "machine of your own, sign in first: `aws sso login`; a profile that asks for a code (MFA) "
    "wants keys that are exported instead.",
    _LIST,
    passes=False,
)
PROGRAM_WRONG = Cause(
    "credentials-program-wrong",
    "The program that should give this process its AWS credentials gives none.",
    "A profile's credential_process names it. A pod needs no profile: remove AWS_PROFILE and "
    "AWS_CONFIG_FILE. On a machine of your own, run the program by hand and see what it says.",
    _LIST,
)
CREDENTIALS_SLOW = Cause(
    "credentials-slow",
    "What should give this process its AWS credentials does not answer.",
    "It did not answer within {seconds} s. If a profile names a credential_process, run that "
    "program by hand: it may wait for somebody to sign in. A pod needs no profile: remove "
    "AWS_PROFILE and AWS_CONFIG_FILE.",
    _LIST,
)
CREDENTIALS_OLD = Cause(
    "credentials-expired-at-once",
    "The AWS credentials this process is given have expired already.",
    "If a profile names a credential_process, run that program by hand and look at the Expiration "
    "it prints. If that is in the future, the clock of this machine is wrong: set it.",
    _LIST,
)
CA_BUNDLE = Cause(
    "ca-bundle-wrong",
    "The file of certificates with which AWS is to be checked cannot be used.",
    "{variable} names {path}: it is not there, or holds no certificate. Mount the file, or remove "
    "{variable}; AWS's own certificates need none. {host} was called.",
    _LIST,
    passes=False,
)
PROXY_WRONG = Cause(
    "proxy-wrong",
    "The address of the proxy is none that can be called.",
    "Correct {variable} to http://HOST:PORT, or remove it. {host} was called.",
    _LIST,
    passes=False,
)
PROXY_AWAY = Cause(
    "proxy-away",
    "The proxy through which AWS is called does not answer.",
    "{variable} names {proxy}. See that it runs and that network policies let pods reach it; "
    "NO_PROXY names what is reached directly.",
    "kubectl get networkpolicy --namespace {namespace} --output yaml",
)
ACCOUNT_ENDPOINT = Cause(
    "account-endpoint-away",
    "The endpoint of this account's own at AWS's data store does not answer.",
    "The pod calls {host}, for its credentials name their account; an endpoint in the VPC or a "
    "network policy may know dynamodb.{region}.amazonaws.com only. Let pods reach {host}, or set "
    "AWS_ACCOUNT_ID_ENDPOINT_MODE=disabled in the overlay's settings.env and roll it out.",
    "kubectl get networkpolicy --namespace {namespace} --output yaml",
)
ACCOUNT_UNKNOWN = Cause(
    "account-unknown",
    "AWS's SDK must call the account's own endpoint, and does not know the account.",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE is required, and these credentials do not name their account. "
    "Set it to preferred, or remove it.",
    _LIST,
    passes=False,
)
