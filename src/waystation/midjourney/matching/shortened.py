"""Shortened: prompts of which the bot may have left words out (ADR 18).

The bot of V8 shortens prompts as it likes. A picture with the very prompt of one ask may so be that
of a longer one, if the longer prompt has its words in that order. That tells nobody whose picture
it is; it tells that a second ask could own it.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from waystation.jobs import JobId

__all__ = ["Wordbook", "may_shorten"]

_POINTS = ".,;:!?\u2026\u2014-\"'`*()[]{}"
"""Signs around a word that count for nothing."""

_WORDS = 64
"""Different words by which a prompt is filed; a longer one is looked at each time."""


def _words(key: str) -> Sequence[str]:
    bare = (word.strip(_POINTS) for word in key.split())
    return [word for word in bare if word]


def may_shorten(shown: str, asked: str) -> bool:
    """Tell whether a prompt's key is another's with words left out."""
    left, rest = _words(shown), _words(asked)
    if not left or len(left) >= len(rest):
        return False
    following = iter(rest)
    return all(word in following for word in left)


class Wordbook:
    """The prompts of jobs by their words, so that few are looked at for a picture."""

    def __init__(self) -> None:
        self._keys: dict[JobId, str] = {}
        self._filed: dict[str, set[JobId]] = {}
        self._long: set[JobId] = set()

    def put(self, jobid: JobId, keys: Iterable[str]) -> None:
        """File a job under its prompt's key, if it has one; what was filed stays."""
        key = next(iter(keys), "")
        if jobid in self._keys or not key:
            return
        self._keys[jobid] = key
        words = set(_words(key))
        if len(words) > _WORDS:
            self._long.add(jobid)
        else:
            for word in words:
                self._filed.setdefault(word, set()).add(jobid)

    def drop(self, jobid: JobId) -> None:
        """Forget a job."""
        for word in set(_words(self._keys.pop(jobid, ""))):
            if jobid in self._filed.get(word, ()):
                self._filed[word].discard(jobid)
                if not self._filed[word]:
                    del self._filed[word]
        self._long.discard(jobid)

    def longer(self, shown: str) -> frozenset[JobId]:
        """Return the jobs whose prompt a shown one may have been shortened from."""
        words = _words(shown)
        if not words:
            return frozenset()
        fewest = min((self._filed.get(word, set()) for word in words), key=len)
        return frozenset(one for one in fewest | self._long if may_shorten(shown, self._keys[one]))
