"""The names that spans and their attributes have, as OpenTelemetry's conventions fix them.

HTTP, DynamoDB and errors: semantic-conventions 1.44.0. Assistants: semantic-conventions-genai
0.1.0, whose names may still change.
"""

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"

ERROR_TYPE = "error.type"

HTTP_METHOD = "http.request.method"
HTTP_ROUTE = "http.route"
HTTP_STATUS = "http.response.status_code"
URL_SCHEME = "url.scheme"
OTHER_METHOD = "_OTHER"

DB_SYSTEM = "db.system.name"
DB_OPERATION = "db.operation.name"
DB_COLLECTION = "db.collection.name"
DYNAMODB = "aws.dynamodb"
DYNAMODB_INDEX = "aws.dynamodb.index_name"

GENAI_OPERATION = "gen_ai.operation.name"
GENAI_PROVIDER = "gen_ai.provider.name"
GENAI_MODEL = "gen_ai.request.model"
GENAI_INPUT_TOKENS = "gen_ai.usage.input_tokens"
GENAI_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
GENAI_CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
GENAI_TOOL = "gen_ai.tool.name"
PROMPT_VERSION = "cloudmart.prompt.version"
"""Ours: there is no convention for the version of instructions."""

CHAT = "chat"
INVOKE_AGENT = "invoke_agent"
EXECUTE_TOOL = "execute_tool"
