"""Tests of `cloudmart verify`."""
