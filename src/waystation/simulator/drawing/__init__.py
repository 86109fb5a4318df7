"""Draws the bot's pictures, so that each one proves where it came from.

A picture is first a `Canvas`: a small immutable recipe that names its parents, never their pixels.
Verbs and buttons make one canvas out of another (`canvas.py`); bytes come into being only when
somebody asks for a file (`render.py`). The same canvas gives the same bytes every time, and at any
size the same picture.

How it works: `paint.py` makes pictures from nothing but a palette and chance, `photo.py` reads what
callers send, `draw.py` follows a recipe down to these two, `film.py` moves a camera over the end.

Not imitated: what a prompt means. Its words only decide, with the seed, which colours and shapes
appear. Clips are mp4 as the bot's are, but coded so simply (`mp4.py`) that browsers do not show
them.
"""

from __future__ import annotations

from waystation.simulator.drawing.canvas import (
    DIMENSIONS,
    MAX_ZOOM,
    UPSCALES,
    Canvas,
    Motion,
    Ratio,
    Side,
    Strength,
)
from waystation.simulator.drawing.recipes import (
    animate,
    blend,
    edit,
    extend,
    imagine,
    make_square,
    pan,
    pick,
    region,
    reroll,
    upscale,
    variation,
    zoom_out,
)
from waystation.simulator.drawing.render import (
    CLIP_SIDE,
    MAX_SIDE,
    VIDEO_GRID_SIDE,
    Format,
    clip,
    finished,
    finished_size,
    grid,
    grid_size,
    preview,
    tile,
    tile_size,
    video_grid,
)

__all__ = [
    # recipes
    "DIMENSIONS",
    "MAX_ZOOM",
    "UPSCALES",
    "Canvas",
    "Motion",
    "Ratio",
    "Side",
    "Strength",
    "animate",
    "blend",
    "edit",
    "extend",
    "imagine",
    "make_square",
    "pan",
    "pick",
    "region",
    "reroll",
    "upscale",
    "variation",
    "zoom_out",
    # files
    "CLIP_SIDE",
    "MAX_SIDE",
    "VIDEO_GRID_SIDE",
    "Format",
    "clip",
    "finished",
    "finished_size",
    "grid",
    "grid_size",
    "preview",
    "tile",
    "tile_size",
    "video_grid",
]
