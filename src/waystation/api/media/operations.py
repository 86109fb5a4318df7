"""MEDIA_OPERATIONS: the rows of the paths under `/v2/media`; they are additions to v2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from waystation.api.fields.values import MAX_REFERENCE
from waystation.api.media.paths import DAYS, LONGEST_DAYS, ZIP_JOBS, MediaLinkForm
from waystation.api.operation import GUARDED, NO_BODY, Field, MediaTypes, Operation
from waystation.media.files import FORMATS, GIF, MP4, SIZES, TILES
from waystation.media.links import EXPIRES, KEPT, SIGNATURE

__all__ = ["MEDIA_OPERATIONS"]

_ANY: Final = MediaTypes(tuple(kind.content_type for kind in (*FORMATS, GIF, MP4)))

_TILE = Field(
    "tile",
    {"type": "integer", "enum": list(TILES)},
    "A quarter of a grid, in reading order",
)
_SIZE = Field(
    "size",
    {"type": "integer", "enum": list(SIZES)},
    "Longest side of the picture, in pixels; a smaller picture stays as it is",
)
_FORMAT = Field(
    "format",
    {"type": "string", "enum": [kind.name for kind in FORMATS]},
    "Format of the picture; default: that of the file",
)

MEDIA_OPERATIONS: Mapping[str, Operation] = {
    "GET /v2/media/{jobid}/{n}": Operation(
        "readMedia",
        "Read a file of a job, or a picture cut from it (an addition to v2).",
        {200: _ANY, 206: _ANY, 304: None},
        (*GUARDED, "names a job", "names a job in the path", "reads media"),
        query=(
            *(_TILE, _SIZE, _FORMAT),
            Field(
                "download",
                {"type": "string", "enum": ["1"]},
                "A file to keep: prompt, seed and jobid are written into a PNG, JPEG or WebP",
            ),
            Field(
                EXPIRES,
                {"type": "string", "pattern": f"^([0-9]{{1,12}}|{KEPT})$"},
                "Of a signed link: when it ends, in seconds since 1970",
            ),
            Field(
                SIGNATURE,
                {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
                "Of a signed link: stands for the token",
            ),
        ),
        headers=(
            Field(
                "Range",
                {"type": "string", "pattern": "^bytes=([0-9]{1,9}-[0-9]{0,9}|-[0-9]{1,9})$"},
                "A part of the file",
            ),
            Field("If-None-Match", {"type": "string"}, "The `ETag` of an earlier answer"),
            Field("If-Range", {"type": "string"}, "The `ETag` of the file that the range is of"),
        ),
        about=(
            "The path works as long as the job is kept: Discord's link is renewed where it has "
            "ended, and the bytes come through Waystation. Clips and GIFs are answered as they "
            "came. `download` has no effect on a signed link: what a link shows tells nothing "
            "of its job."
        ),
        by_link=True,
    ),
    "POST /v2/media/{jobid}/{n}/link": Operation(
        "shareMedia",
        "Make a link to a file that needs no token (an addition to v2).",
        {201: MediaLinkForm},
        (
            *(*GUARDED, "reads a body", "reads a number"),
            *("names a job", "names a job in the path", "shares media"),
        ),
        body=(
            Field(
                "days",
                {"type": "integer", "minimum": 1, "maximum": LONGEST_DAYS},
                f"Days until the link ends; default {DAYS}",
            ),
            *(_TILE, _SIZE, _FORMAT),
        ),
        about=(
            "The signature covers job, number, tile, size, format and end. The link ends earlier "
            "with the job, the user's token, or the media key."
        ),
    ),
    "POST /v2/media/zip": Operation(
        "zipMedia",
        "Download all files of some jobs as one ZIP file (an addition to v2).",
        {200: MediaTypes(("application/zip",))},
        (*GUARDED, "reads a body", "names a job", "zips media"),
        body=(
            Field(
                "jobs",
                {
                    "type": "array",
                    "items": {"type": "string", "maxLength": MAX_REFERENCE},
                    "minItems": 1,
                    "maxItems": ZIP_JOBS,
                },
                "The jobids",
                required=True,
            ),
        ),
        about=(
            "The answer comes while it is made. An unknown jobid is 404 for the whole request. A "
            "job without files is left out. Prompt, seed and jobid are written into "
            "pictures, as by `download=1`. A file that cannot be read is named in `missing.txt`. "
            "A user reads one ZIP file at a time."
        ),
    ),
    "POST /v2/media/key/rotate": Operation(
        "rotateMediaKey",
        "End each link that was signed for you (an addition to v2).",
        NO_BODY,
        GUARDED,
        about="Links that are made from then on are signed with a new media key.",
    ),
}
"""`METHOD template` → row."""
