from __future__ import annotations

from waystation.api.media.operations import MEDIA_OPERATIONS
from waystation.api.openapi import document


def test_a_file_is_read_with_a_token_or_without_one() -> None:
    rows = {route: row.by_link for route, row in MEDIA_OPERATIONS.items()}
    assert [route for route, by_link in rows.items() if by_link] == ["GET /v2/media/{jobid}/{n}"]
    described = document()["paths"]["/v2/media/{jobid}/{n}"]["get"]
    assert {} in described["security"] and len(described["security"]) == 2


def test_the_types_of_a_file_are_a_closed_list() -> None:
    responses = document()["paths"]["/v2/media/{jobid}/{n}"]["get"]["responses"]
    types = ["image/png", "image/jpeg", "image/webp", "image/avif", "image/gif", "video/mp4"]
    for status in ("200", "206"):
        assert list(responses[status]["content"]) == types
    assert "content" not in responses["304"]


def test_a_link_has_a_form_of_its_own() -> None:
    form = document()["components"]["schemas"]["MediaLinkForm"]
    assert set(form["properties"]) == {"path", "expires", "url"}
