"""Works: pictures and progress without a known ask, and the asks that could own each.

They are the pictures that wait to be told apart, and each progress that nobody could claim. Counted
against the asks (elimination.py), they tell that somebody else has asked as well: a progress that
is younger than a picture, or shows another uuid, is a work beside it.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping

from waystation.midjourney.matching.candidates import Candidates
from waystation.midjourney.matching.elimination import Owners, Works, groups, with_picture
from waystation.midjourney.matching.strangers import Begun
from waystation.midjourney.reading import Reading

__all__ = ["works"]


def works(candidates: Candidates, readings: Mapping[str, Reading], owners: Owners) -> Works:
    """Return all works with who could own them.

    Args: readings: pictures that wait, by message id; owners: who could own each of them
    """
    strangers = candidates.others.strangers
    begun_as = {
        picture: {one.message_id for one in strangers.begun_as(reading)}
        for picture, reading in readings.items()
    }
    begun: dict[str, frozenset[str]] = {}
    unknown: dict[str, tuple[Begun, frozenset[str]]] = {}
    for one in strangers.begun():
        own = frozenset(picture for picture, ids in begun_as.items() if one.message_id in ids)
        asks = candidates.began(one)
        if not own and asks:
            may_be = (
                picture
                for picture, reading in readings.items()
                if not begun_as[picture] and asks & owners[picture] and one.may_become(reading)
            )
            own = frozenset(may_be)
            begun[one.message_id] = asks | {with_picture(picture) for picture in own}
        if one.interaction_id is not None:
            unknown[one.stranger] = one, own
    return _with_strangers(Works(owners, begun), unknown)


def _with_strangers(all_: Works, strangers: Mapping[str, tuple[Begun, frozenset[str]]]) -> Works:
    """Add those whose asks nobody told of, and whose progress names an interaction.

    It is a job's where nothing else could be the job's (R20), and else it may be anybody's.
    """
    pictures, begun = dict(all_.pictures), dict(all_.begun)
    for group, _ in groups(all_):
        for name, (one, own) in strangers.items():
            mine = {one.message_id, *own} & group.keys()
            # of pictures that may be of its work one is
            is_contested = len(group) > (2 if one.message_id in group and own else 1)
            if mine and is_contested:
                begun |= {work: begun[work] | {name} for work in mine & begun.keys()}
                pictures |= {work: pictures[work] | {name} for work in mine & pictures.keys()}
    return Works(pictures, begun, frozenset(strangers))
