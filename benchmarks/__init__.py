"""Benchmarks: what Waystation costs beside the least that the same work could cost."""
