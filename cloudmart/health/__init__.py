"""The process's health: why it waits, whether it is ready, the state of its dependencies."""
