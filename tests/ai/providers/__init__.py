"""The providers, each against its own wire."""
