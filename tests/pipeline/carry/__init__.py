"""Tests of the Lambda that carries orders: batches, faults, end to end."""
