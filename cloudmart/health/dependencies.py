"""What the service depends on, under the names the public sees, and what fails without each."""

from cloudmart.health.board import Dependency

CREDENTIALS = Dependency(
    "credentials",
    "validity",
    "system",
    ("/api/products", "/api/orders", "/api/tickets"),
    local=True,
    words="AWS credentials",
)
IDENTITY = Dependency("identity", "role", "system", words="AWS identity")
CONFIGURATION = Dependency("configuration", "freshness", "system")
CLOCK = Dependency("clock", "skew", "system", lapses=True)
CLIENTS = Dependency("clients", "addresses", "system", lapses=True)
RATE_LIMITS = Dependency("rate-limits", "storage")
ACCESS = Dependency(
    "access", "authentication", "system", ("/api/products", "/api/orders", "/api/tickets")
)
ISSUER = Dependency(
    "issuer",
    "keys",
    routes=("/api/products", "/api/orders", "/api/tickets"),
    words="the issuer of tokens",
    lapses=True,
)
PRODUCTS = Dependency("products", kind="datastore", routes=("/api/products", "/api/orders"))
ORDERS = Dependency("orders", kind="datastore", routes=("/api/orders",))
TICKETS = Dependency("tickets", kind="datastore", routes=("/api/tickets",))

CONVERSATIONS = Dependency("conversations", kind="datastore", routes=("/api/ai/{+path}",))
ORDER_TOOLS = Dependency("assistants", "order-tools", "system", ("/api/ai/{+path}",))
OPENAI = Dependency(
    "openai",
    "availability",
    routes=("/api/ai/start", "/api/ai/message"),
    words="OpenAI",
    lapses=True,
)
BEDROCK = Dependency(
    "bedrock",
    "availability",
    routes=("/api/ai/bedrock/start", "/api/ai/bedrock/message"),
    words="Amazon Bedrock",
    lapses=True,
)
AZURE = Dependency("azure", "availability", words="Azure AI Language", lapses=True)
