"""Buttons: the rows of what each leads to, and how it is reached."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.desk import Desk
from tests.e2e.relations import (
    Relation,
    Seen,
    animates,
    describes_again,
    extends,
    goes_on,
    holds,
    imagines,
    imagines_all,
    mask_of,
    rates,
    repaints,
    rerolls,
    shows_clip,
    shows_tile,
    squares,
    upscales,
    varies,
    varies_tile,
    weighs,
)
from waystation.midjourney.buttons import BUTTONS, Needs

FOX = "a red fox in the snow --ar 3:2"


LONG = "please draw me a very small red fox that plays in the deep snow"


SUBTLE, STRONG = (3, 48), (48, 200)
"""Cells of 256 that each variation changes on average, fewest and most."""


@dataclass(frozen=True)
class Row:
    """One label, and what its result must have to do with its parent."""

    label: str
    relation: Relation
    body: Callable[[Seen], Mapping[str, str]] = lambda parent: {}
    """Further fields of the press."""


@dataclass(frozen=True)
class Parent:
    """A job whose buttons are pressed, and the way there."""

    verb: str
    body: Mapping[str, Any]
    chain: Sequence[str]
    rows: Sequence[Row]


def imagined(flags: str, *chain: str) -> tuple[str, Mapping[str, Any], Sequence[str]]:
    return "imagine", {"prompt": f"{FOX} {flags}"}, chain


def png_mask(parent: Seen) -> Mapping[str, str]:
    return {"mask": "data:image/png;base64," + base64.b64encode(mask_of(parent)).decode()}


def webp_mask(parent: Seen) -> Mapping[str, str]:
    return {"mask": base64.b64encode(mask_of(parent, "WEBP")).decode()}


PARENTS: Mapping[str, Parent] = {
    "grid": Parent(
        *imagined("--v 7"),
        rows=(
            *(Row(f"U{n}", shows_tile(n)) for n in (1, 2, 3, 4)),
            *(Row(f"V{n}", varies_tile(n)) for n in (1, 2, 3, 4)),
            Row("🔄", rerolls),
        ),
    ),
    "single": Parent(
        *imagined("--v 7", "U2"),
        rows=(
            Row("Upscale (Subtle)", upscales(2)),
            Row("Upscale (Creative)", upscales(2, invents=True)),
            Row("Vary (Subtle)", varies(*SUBTLE)),
            Row("Vary (Strong)", varies(*STRONG)),
            Row("Vary (Region)", repaints, png_mask),
            Row("Vary (Region)", repaints, webp_mask),
            Row("Zoom Out 2x", holds(2.0)),
            Row("Zoom Out 1.5x", holds(1.5)),
            Row("Custom Zoom", holds(1.7), lambda _: {"prompt": f"{FOX} --zoom 1.7"}),
            Row("Custom Zoom", holds(1.2, (1, 1)), lambda _: {"prompt": "owl --ar 1:1 --zoom 1.2"}),
            Row("Make Square", squares),
            Row("⬅️", extends("left")),
            Row("➡️", extends("right")),
            Row("⬆️", extends("up")),
            Row("⬇️", extends("down")),
            Row("❤️", rates),
            Row("Animate (High motion)", animates(far=True)),
            Row("Animate (Low motion)", animates(far=False)),
        ),
    ),
    "upscaled": Parent(
        *imagined("--v 6.1", "U3", "Upscale (Subtle)"),
        rows=(
            Row("Redo Upscale (Subtle)", upscales(1)),
            Row("Redo Upscale (Creative)", upscales(1, invents=True)),
            Row("Vary (Subtle)", varies(*SUBTLE)),
            Row("Vary (Strong)", varies(*STRONG)),
        ),
    ),
    "single of V5.2": Parent(
        *imagined("--v 5.2", "U4"),
        rows=(Row("Upscale (2x)", upscales(2)), Row("Upscale (4x)", upscales(4))),
    ),
    "upscaled of V5.2": Parent(
        *imagined("--v 5.2", "U1", "Upscale (2x)"),
        rows=(Row("Redo Upscale (2x)", upscales(1)), Row("Redo Upscale (4x)", upscales(2))),
    ),
    "single of V3": Parent(
        *imagined("--v 3", "U2"),
        rows=(Row("Make Variations", varies(*STRONG)), Row("Remaster", varies(*SUBTLE))),
    ),
    "film": Parent(
        *imagined("--v 7", "U1", "Animate (High motion)"),
        rows=(*(Row(f"U{n}", shows_clip(n)) for n in (1, 2, 3, 4)), Row("🔄", rerolls)),
    ),
    "clip": Parent(
        *imagined("--v 7", "U1", "Animate (Low motion)", "U3"),
        rows=(
            Row("Extend (High motion)", goes_on(far=True)),
            Row("Extend (Low motion)", goes_on(far=False)),
        ),
    ),
    "described": Parent(
        "describe",
        {},
        (),
        rows=(
            *(Row(f"{n}️⃣", imagines(n)) for n in (1, 2, 3, 4)),
            Row("Imagine all 🎉", imagines_all),
            Row("🔄", describes_again),
        ),
    ),
    "shortened": Parent(
        "shorten",
        {"prompt": LONG},
        (),
        rows=(
            *(Row(f"{n}️⃣", imagines(n)) for n in (1, 2, 3, 4, 5)),
            Row("Show Details", weighs),
        ),
    ),
}


WORDS = ("described", "shortened")
"""Parents without a picture; their forms open whether remix mode is on or not."""


REMIXED: Mapping[str, Sequence[Row]] = {
    name: rows
    for name, parent in PARENTS.items()
    if name not in WORDS
    and (rows := [row for row in parent.rows if BUTTONS[row.label].prompt is Needs.MAY])
}
"""The rows that take a prompt in remix mode, by parent."""


async def reach(desk: Desk, parent: Parent) -> Seen:
    """Go the way to a parent."""
    urls = {"describeUrl": desk.here.photo("tall.png")} if parent.verb == "describe" else {}
    seen = await desk.run(parent.verb, **parent.body, **urls)
    for label in parent.chain:
        seen = await desk.press(seen, label)
    return seen


COMMON = {
    *("Vary (Subtle)", "Vary (Strong)", "Zoom Out 2x", "Zoom Out 1.5x", "Custom Zoom"),
    *("Make Square", "⬅️", "➡️", "⬆️", "⬇️", "❤️"),
}


DETAILED = COMMON | {"Vary (Region)", "Upscale (Subtle)", "Upscale (Creative)"}


ANIMATES = {"Animate (High motion)", "Animate (Low motion)"}


MODELS: Mapping[str, set[str]] = {
    "3": {"Make Variations", "Remaster", "❤️"},
    "4": {"Make Variations", "❤️"},
    "5.2": COMMON | {"Vary (Region)", "Upscale (2x)", "Upscale (4x)"},
    "6": DETAILED,
    "6.1": DETAILED,
    "7": DETAILED | ANIMATES,
    "8.1": COMMON | ANIMATES,
    "8.2": COMMON | ANIMATES | {"Upscale (Subtle)", "Upscale (Creative)"},
    "niji 6": DETAILED,
    "niji 7": DETAILED | ANIMATES,
}
"""Buttons under a single picture of each model. Source: wire notes 3.4; v2 notes 12."""
