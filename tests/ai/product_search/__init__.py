"""Tests of the search of the catalogue."""
