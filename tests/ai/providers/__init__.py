"""The providers, each with a fake of its wire protocol."""
