"""Tests of the pipeline as data."""
