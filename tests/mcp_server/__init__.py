"""Tests of the assistants' tools for other programs."""
