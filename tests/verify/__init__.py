"""Tests of the shop's trial from outside."""
