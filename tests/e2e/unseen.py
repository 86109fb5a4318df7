"""Statuses and fields of the document that no run sees, and why."""

from __future__ import annotations

from collections.abc import Mapping

ANY = "*"


UNSEEN: Mapping[tuple[str, int], str] = {
    (ANY, 500): "a fault of Waystation; none is known that a test could bring about",
    (
        "GET /v2/media/{jobid}/{n}",
        504,
    ): "a Discord that is silent; a test of its own sees it",
}
"""Route and status → why it is documented and not seen here."""


UNSEEN_FIELDS: Mapping[str, str] = {}
"""Field of the job form → why it is not seen here."""


UNSENT_FIELDS: Mapping[tuple[str, str], str] = {
    ("GET /v2/jobs/search", "cursor"): "a test of its own reads page after page",
}
"""Route and field of a body → why it is not sent here."""
