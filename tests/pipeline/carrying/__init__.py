"""Tests of the Lambda that carries orders: its batches, its faults, its way end to end."""
