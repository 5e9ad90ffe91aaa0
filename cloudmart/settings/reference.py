"""The settings page of the documentation, written from the settings themselves."""

from collections.abc import Iterator

from cloudmart.settings.variables import Variable, groups, variables

OPENING = """# Configuration

<!-- Written by `make docs` from cloudmart/settings: change it there. -->

Everything the service is told comes from variables. `cloudmart config` shows what this process
would read, where each value comes from and what is wrong with it.

## Where a value comes from

The first of these that has a value decides; a blank value counts as none.

1. The environment.
2. A file of the directory `CLOUDMART_SECRETS_DIR`, named as the variable: how Kubernetes mounts a
   Secret. Line breaks and blanks at a file's beginning and end do not count.
3. The secret `CLOUDMART_SECRET_ID` of AWS Secrets Manager, a JSON object with the variables as
   keys. It is read before the application is built.
4. `.env` in the working directory, in local mode only.
5. The default.

`ENVIRONMENT`, `CLOUDMART_SECRETS_DIR` and `CLOUDMART_SECRET_ID` are read from the environment
alone. `NODE_ENV` is not read.

## What is refused

A start with a placeholder or a malformed value is refused: the process ends with exit code 78,
and one message names every fault, on stderr and in `/dev/termination-log`, which
`kubectl describe pod` shows. A roll-out then stalls and the old pods go on serving.
[Why, and the way out](decisions/placeholders.md).

A placeholder is, in any letter case and also in base64:

* a whole value in `<…>`, `${…}` or `{{…}}`
* a value, or a label of an address's host, that begins with `your-` or `your_`
* one of the whole values `changeme`, `change-me`, `change_me`, `todo`, `tbd`, `xxx…`,
  `placeholder`, `example`, `none`, `-`
* an ARN in the account 123456789012

Malformed is what does not have its setting's form, has quotes, blanks or a line break around it
or in it, or has only one half of what belongs together. Addresses are `https://`; plain `http://`
is for loopback and names inside the cluster (a single label, `.svc`, `.local`, `.internal`).

A name that is no setting but is near to one (`OPENAI_APIKEY`, a file or a key of that name too) is
a warning that says which was meant. What the SDKs read by themselves is left alone.

`SSL_CERT_FILE`, `SSL_CERT_DIR`, `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` are read by the HTTP
clients of OpenAI, Azure and the check of tokens, `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` by
BigQuery's. Where one is configured, a file that is not there and an address that is no proxy's
are refused like a wrong setting of it.

An optional provider that is not configured at all is disabled; `REQUIRED_PROVIDERS` makes it a
fault. Without OpenAI or Bedrock, health says why, and the assistant's routes answer 503 in words
(in local mode, rules answer). Without Azure, health says why, and a chat that has ended is read by
a packaged lexicon: 200, and the ticket names it. BigQuery is not in health: without it,
`/api/pipeline/status` says why it knows nothing, and `cloudmart pipeline` commands end in words.
`DEGRADED_START=true` lets the shop start although an optional provider is configured wrongly;
that provider is disabled until its settings are right. With `ENVIRONMENT=local` no fault stops
the start: each is a warning, and the value is left out.

Outside local mode `cloudmart serve` also refuses to start while `AUTH` is not set; `AUTH=off` is a
choice, and health then warns. [Access](access.md) tells who may do what.

## `cloudmart config`

A table of every setting, or with `--json` the same for programs. Secrets are shown as set or
unset, with a digest that is the same wherever the value is, so that pods can be compared. In a
pod: `kubectl exec deploy/cloudmart-backend -- cloudmart config`.

| exit code | meaning |
|---|---|
| 0 | the settings are in order; stderr says so if `cloudmart serve` still needs `AUTH` |
| 78 | they are not, and stderr has the message |
| 1 | the secret of AWS Secrets Manager could not be read |

| state | meaning |
|---|---|
| ok | told, and in order |
| default | not told |
| placeholder, malformed | told wrongly |
| missing | needed by another setting, and not told |
| obsolete | told, and not read any more |
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
