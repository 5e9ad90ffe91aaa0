"""Tests of the event source mapping."""
