"""The assistants' tools for other programs, by the Model Context Protocol."""
