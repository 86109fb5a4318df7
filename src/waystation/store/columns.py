"""Columns: the fields of a class as values of a database, by the types of the fields.

How it works: each field is one column of the same name, and each type has one codec. Times are
whole microseconds since 1970 UTC. Whatever a database has no type for is JSON, and null when
empty, so that the common row costs no decoding.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType, NoneType
from typing import Any, Generic, NamedTuple, NewType, TypeVar, get_args, get_origin, get_type_hints

import msgspec

__all__ = ["Columns", "Row", "Value", "Values", "instant", "instant_or_none", "micros", "minute_of"]

Row = tuple[Any, ...]
"""One row as the driver gives it."""

Value = int | float | str | bytes | None
"""A value that a database takes and gives back."""

Values = dict[str, Value]
"""Named values to bind."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1)
_encode_json = msgspec.json.Encoder().encode

T = TypeVar("T")


def micros(moment: datetime) -> int:
    """Return whole microseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def minute_of(moment: datetime) -> int:
    """Return whole minutes since 1970 UTC."""
    return (moment - _EPOCH) // _MINUTE


def instant(value: int) -> datetime:
    """Return the aware UTC instant, exact to the microsecond."""
    return _EPOCH + timedelta(microseconds=value)


def instant_or_none(value: int | None) -> datetime | None:
    """Return the aware UTC instant, None for None."""
    return None if value is None else instant(value)


class _Codec(NamedTuple):
    """Writer and reader of a field; None where the database's own value will do."""

    write: Callable[[Any], Value] | None = None
    read: Callable[[Any], Any] | None = None


_PLAIN: Mapping[type, _Codec] = {
    str: _Codec(),
    int: _Codec(),
    float: _Codec(),
    bytes: _Codec(),
    bool: _Codec(int, bool),
    datetime: _Codec(micros, instant),
    timedelta: _Codec(
        lambda span: span // _MICROSECOND, lambda value: timedelta(microseconds=value)
    ),
}


class Columns(Generic[T]):
    """The columns of a class: its fields in their order, then values computed from it."""

    def __init__(
        self,
        kind: type[T],
        computed: Mapping[str, Callable[[T], Value]] = MappingProxyType({}),
    ) -> None:
        """Derive the columns of a class with typed fields.

        Args:
            kind: a dataclass or a `msgspec.Struct`, made from its fields by position
            computed: more columns by name; they are written and not read back
        """
        types = get_type_hints(kind)
        fields: tuple[str, ...] = kind.__match_args__  # type: ignore[attr-defined]
        codecs = {name: _codec_of(types[name]) for name in fields}
        self.names: tuple[str, ...] = (*fields, *computed)
        self._kind = kind
        self._width = len(fields)
        self._writers = {name: codec.write for name, codec in codecs.items()}
        self._readers = [
            (place, codec.read) for place, codec in enumerate(codecs.values()) if codec.read
        ]
        self._readers_of = {name: codec.read for name, codec in codecs.items() if codec.read}
        self._computed = tuple(computed.items())

    def values(self, one: T) -> Values:
        """Return the values of all columns, by name."""
        values: Values = {
            name: getattr(one, name) if write is None else write(getattr(one, name))
            for name, write in self._writers.items()
        }
        for name, compute in self._computed:
            values[name] = compute(one)
        return values

    def value(self, name: str, field: object) -> Value:
        """Return the value of one column. Args: field: what the class has under that name"""
        write = self._writers[name]
        return field if write is None else write(field)  # type: ignore[return-value]

    def field(self, name: str, value: Value) -> Any:
        """Return what the class has under a name. Args: value: that of its column"""
        read = self._readers_of.get(name)
        return value if read is None else read(value)

    def read(self, row: Row) -> T:
        """Return what a row of all columns holds."""
        fields = list(row[: self._width])
        for place, read in self._readers:
            fields[place] = read(fields[place])
        return self._kind(*fields)


def _codec_of(hint: Any) -> _Codec:
    """Return the codec of a field's type; of `X | None` that of X, with null for None."""
    options = get_args(hint)
    if NoneType in options:
        (wanted,) = (option for option in options if option is not NoneType)
        write, read = _codec_of(wanted)
        return _Codec(write and _or_none(write), read and _or_none(read))
    if isinstance(hint, NewType):
        return _codec_of(hint.__supertype__)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _Codec(str, hint)
    return _PLAIN.get(hint) or _json(hint)


def _or_none(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def _json(hint: Any) -> _Codec:
    decode = msgspec.json.Decoder(hint).decode
    empty: object = () if get_origin(hint) is tuple else {}
    return _Codec(
        lambda value: _encode_json(value).decode() if value else None,
        lambda text: decode(text) if text else empty,
    )
