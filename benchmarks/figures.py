"""Figures: ratios of interleaved rounds, percentiles, and how both are printed.

Rules: the machine is shared and noisy, so an absolute figure is only an order of magnitude. What
counts is the ratio of two things measured one right after the other, its median over the rounds,
and how far the rounds lie apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Ratio", "Result", "Row", "percentile", "ratio_of", "table"]

Row = Sequence[str]


@dataclass(frozen=True)
class Ratio:
    """One ratio per round."""

    rounds: Sequence[float]

    @property
    def median(self) -> float:
        """The figure that counts."""
        return median(self.rounds)

    def __str__(self) -> str:
        low, high = min(self.rounds), max(self.rounds)
        return f"{self.median:.2f} ({low:.2f}-{high:.2f})"


@dataclass(frozen=True)
class Result:
    """The findings of one benchmark, ready to print."""

    title: str
    rows: Sequence[Row]
    """The first one is the head."""
    verdict: str
    """The ratio or percentile that has an aim, the aim, and whether it was met."""
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        notes = "".join(f"\n- {note}" for note in self.notes)
        return f"## {self.title}\n\n{table(self.rows)}\n\n**{self.verdict}**\n{notes}\n"


def ratio_of(over: Sequence[float], under: Sequence[float]) -> Ratio:
    """Divide round by round."""
    return Ratio([a / b for a, b in zip(over, under, strict=True)])


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def table(rows: Sequence[Row]) -> str:
    """Write rows as a Markdown table with aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join((lines[0], rule, *lines[1:]))


def _line(row: Row, widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "| " + " | ".join(cells) + " |"
