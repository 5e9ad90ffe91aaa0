"""Tests of the assistants' evaluation."""
