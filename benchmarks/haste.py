"""Haste: waits of the benchmarks, divided for a short run whose figures say nothing."""

from __future__ import annotations

import os

__all__ = ["HASTE"]

HASTE = float(os.environ.get("BENCH_HASTE", 1.0))
"""Divisor; 1 for a run whose figures are told."""
