"""Tests of the form that findings have."""
