"""Changes to orders by chat: whose order, confirmation, allowance, audit."""
