"""Downloads: files of jobs as their owner keeps them, with what they are of written into them.

How it works: a file is read as a whole, as `serving` reads it, and gets its label. Of many jobs a
ZIP file is made while it is sent, one file after the other. A file of it that cannot be read is
named in its list of missing files, since an answer that has begun can tell no error.

Rules: whoever comes by a link gets no label (R47); of one user few bytes are held at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from waystation import sentences
from waystation.engine.media.archive import Archive
from waystation.engine.media.reading import gathered
from waystation.engine.media.serving import CUT_BYTES, Found, Media, take
from waystation.errors import MediaFailed, MediaGone, MediaLate, NotFound
from waystation.jobs import Job
from waystation.media.files import MediaKind, Wish, file_name
from waystation.media.labels import label_of, labelled
from waystation.midjourney.captions import drawn_prompt
from waystation.ports import User
from waystation.shares import Shares

__all__ = ["HELD_AT_ONCE", "MISSING", "Downloads"]

MISSING: Final = "missing.txt"
"""Name of the list of files that could not be read."""

HELD_AT_ONCE: Final = 2
"""Files of the largest size that are held, in all."""


class Downloads:
    """The use cases of a user who keeps files of their own jobs."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self._held = Shares(CUT_BYTES, HELD_AT_ONCE * CUT_BYTES)

    @asynccontextmanager
    async def labelled(self, found: Found) -> AsyncIterator[tuple[bytes, MediaKind]]:
        """Hold a file with its label in it.

        Raises: Throttled; InvalidRequest: a clip cannot be cut; MediaGone; MediaLate; MediaFailed
        """
        most = min(found.attachment.size or CUT_BYTES, CUT_BYTES)
        async with AsyncExitStack() as held:
            part = await take(held, self._held, found.user_id, most)
            async with self._media.opened(found, None, signed=False) as opened:
                bound = most if found.wish.is_original else CUT_BYTES
                data, kind = await gathered(opened.chunks, bound), opened.kind
            part.keep(len(data))
            label = label_of(found.job, _prompt_of(found.job))
            # in a thread: a large file takes a fraction of a second
            yield await asyncio.to_thread(labelled, data, kind, label), kind

    async def files_of(self, user: User, jobids: Sequence[str]) -> Sequence[Found]:
        """Return the files of jobs of the caller. Raises: NotFound: no such job, or no file."""
        found = []
        for jobid in dict.fromkeys(jobids):
            job = await self._media.job(user, jobid)
            found += [
                Found(user.user_id, Wish(jobid, number), job, attachment)
                for number, attachment in enumerate(job.attachments)
                if attachment.url
            ]
        if not found:
            raise NotFound(sentences.NO_FILES.text)
        return found

    async def zipped(self, files: Sequence[Found]) -> AsyncGenerator[bytes, None]:
        """Yield a ZIP file of files, and of a list of those that could not be read.

        Raises: Throttled: others hold all places; the answer ends there, and is no whole ZIP file
        """
        archive, missing = Archive(), []
        for found in files:
            try:
                async with self.labelled(found) as (data, kind):
                    name = file_name(found.wish, kind)
                    for piece in archive.add(name, data, found.job.created_at):
                        yield piece
            except (MediaGone, MediaLate, MediaFailed) as error:
                missing.append(f"{found.job.jobid} {found.wish.number}: {error.message}\n")
        if missing:
            told = "".join(missing).encode()
            for piece in archive.add(MISSING, told, files[0].job.created_at):
                yield piece
        yield archive.end()


def _prompt_of(job: Job) -> str:
    """Return what a job's picture was drawn from; empty where nothing tells it."""
    asked = job.params.get("prompt")
    return drawn_prompt(job.content, [asked] if isinstance(asked, str) else [])
