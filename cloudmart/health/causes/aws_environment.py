"""Variables and files for AWS's SDK."""

from cloudmart.health.causes.cause import Cause

_LIST = "kubectl set env deployment/cloudmart-backend --namespace {namespace} --list"

SETTING_WRONG = Cause(
    "sdk-setting-wrong",
    "A variable of AWS's SDK has a value that the SDK refuses.",
    "{variable} is {value}. Right: {right}. Correct or remove it in the Deployment or in the "
    "overlay's settings.env.",
    _LIST,
    passes=False,
    by_hand="{variable} is {value}. Right: {right}. Correct or remove it.",
)
PROFILE_MISSING = Cause(
    "profile-missing",
    "A profile of AWS's configuration is named that does not exist.",
    "{variable} names the profile {value}, and no configuration file of this pod has one. A "
    "pod needs no profile. Remove {variable}; a blank value counts as a name.",
    _LIST,
    passes=False,
    by_hand=(
        "{variable} names the profile {value}, and no configuration file of this machine has one. "
        "`aws configure list-profiles` lists those there are. A blank value counts as a name."
    ),
)
CONFIG_UNREADABLE = Cause(
    "sdk-config-unreadable",
    "A configuration file of AWS's SDK cannot be parsed.",
    "{variable} names {path}, which AWS's SDK cannot parse. Correct the file, or remove "
    "{variable}: a pod does not need it.",
    _LIST,
    passes=False,
    by_hand=(
        "{variable} names {path}, which AWS's SDK cannot parse. Correct the file, or remove "
        "{variable}."
    ),
)
CONFIG_OF_HOME = Cause(
    "sdk-config-of-home-unreadable",
    "A configuration file of AWS's SDK in the home directory cannot be parsed.",
    "It is {path}. Correct it, or move it away: a pod does not need it.",
    _LIST,
    passes=False,
    by_hand="It is {path}. Correct it, or move it away.",
)
CONFIG_WRONG = Cause(
    "sdk-config-wrong",
    "The configuration of AWS's SDK contradicts itself.",
    "The answer says what is wrong. Check the variables that begin with AWS_ and "
    "the files that AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name.",
    _LIST,
    passes=False,
)
PERSON = Cause(
    "credentials-want-a-person",
    "A profile of AWS's configuration gets credentials only when a person signs in.",
    "A pod cannot sign in, and it needs no profile: remove AWS_PROFILE and AWS_CONFIG_FILE. "
    "On your own machine, sign in first: `aws sso login`. For a profile that asks for a code "
    "(MFA), export keys instead.",
    _LIST,
    passes=False,
    by_hand=(
        "Sign in first: `aws sso login`. For a profile that asks for a code (MFA), export keys "
        "instead."
    ),
)
PROGRAM_WRONG = Cause(
    "credentials-program-wrong",
    "The program that should give this process its AWS credentials gives none.",
    "A profile's credential_process names the program. A pod needs no profile: remove "
    "AWS_PROFILE and AWS_CONFIG_FILE. On your own machine, run the program by hand and read "
    "its output.",
    _LIST,
    by_hand="A profile's credential_process names the program. Run it by hand and read its output.",
)
CREDENTIALS_SLOW = Cause(
    "credentials-slow",
    "The source of this process's AWS credentials does not answer.",
    "It did not answer within {seconds} s. If a profile names a credential_process, run that "
    "program by hand: it may wait for somebody to sign in. A pod needs no profile: remove "
    "AWS_PROFILE and AWS_CONFIG_FILE.",
    _LIST,
    by_hand=(
        "It did not answer within {seconds} s. If a profile names a credential_process, run that "
        "program by hand: it may wait for somebody to sign in."
    ),
)
CREDENTIALS_OLD = Cause(
    "credentials-expired-at-once",
    "The source of this process's AWS credentials gives credentials that have expired.",
    "If a profile names a credential_process, run that program by hand and read the Expiration it "
    "prints. If that is in the future, the clock of this machine is wrong: set it.",
    _LIST,
)
CA_BUNDLE = Cause(
    "ca-bundle-wrong",
    "The file of certificates for checking AWS's servers cannot be used.",
    "{variable} names {path}. The file does not exist, or it holds no certificate. Mount the "
    "file, or remove {variable}: AWS's own servers do not need it. The service called {host}.",
    _LIST,
    passes=False,
    by_hand=(
        "{variable} names {path}. The file does not exist, or it holds no certificate. Correct or "
        "remove {variable}: AWS's own servers do not need it. The service called {host}."
    ),
)
PROXY_WRONG = Cause(
    "proxy-wrong",
    "The proxy's address is malformed.",
    "Correct {variable} to http://HOST:PORT, or remove it. The service called {host}.",
    _LIST,
    passes=False,
)
PROXY_AWAY = Cause(
    "proxy-away",
    "The proxy for calls to AWS does not answer.",
    "{variable} names {proxy}. Check that the proxy runs and that network policies let pods "
    "reach it. NO_PROXY names the hosts that pods call without it.",
    "kubectl get networkpolicy --namespace {namespace} --output yaml",
    by_hand=(
        "{variable} names {proxy}. Check that the proxy runs and that this machine reaches it. "
        "NO_PROXY names the hosts that are called without it."
    ),
)
ACCOUNT_ENDPOINT = Cause(
    "account-endpoint-away",
    "The data store's endpoint for this account does not answer.",
    "The pod calls {host} because its credentials name their account. An endpoint in the VPC "
    "or a network policy may allow dynamodb.{region}.amazonaws.com only. Let pods reach "
    "{host}. Or set AWS_ACCOUNT_ID_ENDPOINT_MODE=disabled in the overlay's settings.env and "
    "roll out.",
    "kubectl get networkpolicy --namespace {namespace} --output yaml",
)
ACCOUNT_UNKNOWN = Cause(
    "account-unknown",
    "AWS's SDK must call the account's own endpoint, but does not know the account.",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE is `required`, and these credentials do not name their "
    "account. Set it to `preferred`, or remove it.",
    _LIST,
    passes=False,
)
