"""A picture to try the service with, of our own making.

`lighthouse.webp` is what `draw.py` beside it drew; open it with `importlib.resources`.
"""
