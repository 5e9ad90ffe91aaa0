"""Tests of the rate limits and of the limits on work at the same time."""
