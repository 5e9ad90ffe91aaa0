"""The settings page of the documentation, written from the settings themselves."""

from collections.abc import Iterator

from cloudmart.settings.variables import Variable, groups, variables

OPENING = """# Configuration

<!-- Written by `make docs` from cloudmart/settings: change it there. -->

Every setting is a variable. `cloudmart config` shows the value that this process would read, its
source, and its faults.

## Where a value comes from

The first of these sources that has a value decides. A blank value counts as none.
Variables that only AWS's SDK reads are different: the SDK refuses a blank value of some of them
(`AWS_DEFAULTS_MODE`). Remove such a variable, do not empty it.

1. The environment.
2. A file in the directory `CLOUDMART_SECRETS_DIR`, with the name of the variable. Kubernetes mounts
   a Secret like this. Line breaks and blanks at the file's beginning and end do not count.
3. The secret `CLOUDMART_SECRET_ID` of AWS Secrets Manager: a JSON object with the variables as
   keys. The service reads it before it builds the application.
4. `.env` in the working directory, in local mode only.
5. The default.

The service reads `ENVIRONMENT`, `CLOUDMART_SECRETS_DIR` and `CLOUDMART_SECRET_ID` from the
environment only. It does not read `NODE_ENV`.

## What the service refuses

With a placeholder or a malformed value, the process ends with exit code 78. One message names every
fault. It goes to stderr and to `/dev/termination-log`, which `kubectl describe pod` shows. A
roll-out then stops, and the old pods still serve.
[Why, and how to continue](decisions/placeholders.md).

A placeholder is one of these, in any letter case and also in base64:

* a whole value in `<…>`, `${…}` or `{{…}}`
* a value, or a label of an address's host, that begins with `your-` or `your_`
* one of the whole values `changeme`, `change-me`, `change_me`, `todo`, `tbd`, `xxx…`,
  `placeholder`, `example`, `none`, `-`
* an ARN in the account 123456789012

A value is malformed in three cases. It does not have the form of its setting. It has quotes, blanks
or a line break around it or in it. Or it is half of a pair, and the other half is missing.

Addresses begin with `https://`. Plain `http://` is allowed for loopback and for names inside the
cluster (a single label, `.svc`, `.local`, `.internal`).

If a name is no setting but is near to one (`OPENAI_APIKEY`), a warning names the setting that was
meant. The names of files and keys are checked in the same way. The service leaves variables of
the SDKs alone.

The HTTP clients of OpenAI, Azure and the check of tokens read `SSL_CERT_FILE`, `SSL_CERT_DIR`,
`HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`. BigQuery's client reads `REQUESTS_CA_BUNDLE` and
`CURL_CA_BUNDLE`. If such a provider is configured, a missing file or a malformed address of a proxy
counts as a wrong setting of that provider.

An optional provider that is not configured at all is disabled. `REQUIRED_PROVIDERS` makes this a
fault. Health gives the reason for each disabled provider:

* Without OpenAI or Bedrock, the assistant's routes answer 503 with a message. In local mode, an
  assistant with fixed rules answers.
* Without Azure, a packaged lexicon rates a chat that has ended. The answer is 200, and the ticket
  names the lexicon.
* BigQuery is not in health. Without it, `/api/pipeline/status` says why its values are unknown, and
  `cloudmart pipeline` commands end with a message.

With `DEGRADED_START=true` the shop starts even if an optional provider is configured wrongly. That
provider is disabled until its settings are correct. With `ENVIRONMENT=local` no fault stops the
start: each is a warning, and the service ignores the value.

Outside local mode `cloudmart serve` also refuses to start while `AUTH` is not set. You can set
`AUTH=off`, and health then warns. [Access](access.md) says who may do what.

## `cloudmart config`

The command prints a table of every setting, or with `--json` the same for programs. It shows
secrets as set or unset, with a digest. Equal values have equal digests, so you can compare pods.
In a pod: `kubectl exec deploy/cloudmart-backend -- cloudmart config`.

| exit code | meaning |
|---|---|
| 0 | the settings are correct; stderr says if `cloudmart serve` still needs `AUTH` |
| 78 | a setting is wrong, and stderr has the message |
| 1 | the command could not read the secret of AWS Secrets Manager |

| state | meaning |
|---|---|
| ok | set, and correct |
| default | not set |
| placeholder, malformed | set to a wrong value |
| missing | not set, and another setting needs it |
| obsolete | set, but nothing reads it any more |
"""


def settings_page() -> str:
    """Return the page, in Markdown."""
    sections = {"": "The process.", **groups()}
    return "\n".join([OPENING, *(line for each in sections.items() for line in _section(*each))])


def _section(group: str, about: str) -> Iterator[str]:
    yield f"## {about.rstrip('.')}\n"
    yield "| variable | default | meaning | a right value |"
    yield "|---|---|---|---|"
    yield from (_row(each) for each in variables().values() if each.group == group)
    yield ""


def _row(variable: Variable) -> str:
    names = " or ".join(f"`{name}`" for name in variable.names)
    obsolete = f" **Obsolete.** {variable.obsolete}" if variable.obsolete else ""
    meaning = f"{variable.description}{obsolete}{' Secret.' if variable.secret else ''}"
    return f"| {names} | {_default(variable)} | {meaning} | {variable.example} |"


def _default(variable: Variable) -> str:
    if variable.default is None or variable.default == ():
        return ""
    value = variable.default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
