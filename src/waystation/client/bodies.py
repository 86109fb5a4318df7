"""Bodies: the fields and files of a request, as they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from waystation.errors import PreconditionFailed

__all__ = ["form_data", "given"]


def given(**fields: object) -> dict[str, object]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


async def form_data(
    fields: Mapping[str, object], files: Mapping[str, Path | bytes]
) -> aiohttp.FormData:
    """Return a multipart body. Raises: PreconditionFailed: a file cannot be read."""
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, _written(value))
    for name, file in files.items():
        if isinstance(file, bytes):
            form.add_field(name, file, filename=name)
            continue
        try:
            data = await asyncio.to_thread(file.read_bytes)
        except OSError as error:
            raise PreconditionFailed(f"{file} cannot be read: {error.strerror}") from error
        form.add_field(name, data, filename=file.name)
    return form


def _written(value: object) -> str:
    """Return a field as a form has it, which knows texts only; a list is split at its spaces."""
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return " ".join(value)
        case _:
            return str(value)
