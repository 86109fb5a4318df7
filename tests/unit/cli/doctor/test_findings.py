"""How findings look."""

from __future__ import annotations

import io

from rich.console import Console

from waystation.cli.doctor.findings import error, findings_view, ok, warning


def test_each_finding_has_a_sign_and_its_mend() -> None:
    file = io.StringIO()
    found = [ok("fine [b]"), warning("odd", "look"), error("broken\x1b", "mend it")]
    Console(file=file, width=80).print(findings_view("mail", found))
    assert [line.rstrip() for line in file.getvalue().splitlines()] == [
        "mail",
        "  ✓ fine [b]",
        "  ! odd",
        "    → look",
        "  ✗ broken\\x1b",
        "    → mend it",
    ]


def test_only_what_is_not_fine_has_a_mend() -> None:
    assert ok("x").mend == ""
    assert (warning("x", "y").level, error("x", "y").level) == ("warning", "error")
