"""Benchmarks: what CloudMart costs, compared with the bare libraries that it is built on."""
