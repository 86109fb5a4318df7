"""Vault: seals values at rest and hashes API tokens (R44, R45).

How it works: a key ring holds sealing keys, newest first, and one token key. A value is sealed by
AES-GCM under the newest key, and its table and row id are authenticated with it, so that a sealed
value copied into another row does not open. A sealed value names its key, so that older keys still
open what they sealed. API tokens are hashed under a key derived from the token key, which rotation
leaves alone: rotating does not invalidate anybody's token.

The ring is a file of mode 0600 in the data directory, or the same text in the setting `key`. A
sealed check value, kept with the rows, tells a wrong ring from the right one before any harm.

With several nodes a new key is prepared first: it opens, and seals nothing. Once each node has it,
a rotation lets it seal. Nodes publish the names of their keys; a name tells nothing of its key.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from waystation.errors import VaultError
from waystation.secret import Secret

__all__ = [
    "KEY_FILE",
    "KeyRing",
    "Vault",
    "confirm",
    "make_keys",
    "open_vault",
    "prepare_key",
    "rotate_keys",
]

KEY_FILE = "keys.json"
"""The ring's file name in the data directory. Back it up apart from the database."""

_KEY_BYTES = 32
"""AES-256, and as much for HMAC-SHA-256."""

_NONCE_BYTES = 12
"""AES-GCM's own size. Source: NIST SP 800-38D, 8.2."""

_KEY_NAME_BYTES = 8
"""How much of a key's digest names it in a sealed value; enough to tell a handful of keys apart."""

_FORMAT = b"\x01"
"""First byte of a sealed value, so that another layout can follow one day."""

_CHECK = ("meta", "vault_check", b"waystation")
"""Table, row and content of the check value."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys. Never shown in a repr."""

    tokens: bytes = field(repr=False)
    """The label from which the HMAC key of API tokens is derived; it stays for ever."""
    sealing: tuple[bytes, ...] = field(repr=False)
    """Newest first: the first seals, all open."""
    prepared: tuple[bytes, ...] = field(repr=False, default=())
    """Keys that open, and seal nothing before a rotation."""


class _RingText(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The ring as JSON: base64 of 32 bytes each."""

    tokens: str
    sealing: list[str]
    prepared: list[str] = []


class Vault:
    """`ports.Sealer` over one key ring."""

    def __init__(self, ring: KeyRing) -> None:
        keys = (*ring.sealing, *ring.prepared)
        self._ciphers = {_key_name(key): AESGCM(key) for key in keys}
        self.names: Final = tuple(name.hex() for name in self._ciphers)
        """Names of the keys; the first one seals."""
        self.prepared: Final = tuple(_key_name(key).hex() for key in ring.prepared)
        """Names of the keys that seal nothing yet."""
        self._newest = _key_name(ring.sealing[0])
        token_key = HKDF(
            algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"waystation api tokens"
        ).derive(ring.tokens)
        # Keyed once and copied for each request: keying costs more than hashing a token.
        self._token_hash = hmac.new(token_key, digestmod="sha256")
        # Held only so that the keys' texts are redacted wherever they might turn up (R46).
        self._redacted = [Secret(_text(key)) for key in (ring.tokens, *keys)]

    def seal(self, table: str, row_id: str, value: bytes) -> bytes:
        """Return the sealed value, bound to table and row."""
        # Not from IdSource: a nonce that a fake repeats would give the key away.
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, value, _place(table, row_id))
        return _FORMAT + self._newest + nonce + sealed

    def unseal(self, table: str, row_id: str, sealed: bytes) -> bytes:
        """Return the value.

        Raises: VaultError: sealed by an unknown key, for another row, or damaged
        """
        name, rest = sealed[1 : 1 + _KEY_NAME_BYTES], sealed[1 + _KEY_NAME_BYTES :]
        cipher = self._ciphers.get(name)
        if sealed[:1] != _FORMAT or cipher is None:
            raise VaultError(f"A value in {table} was sealed by a key that is not in the ring.")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _place(table, row_id))
        except (InvalidTag, ValueError):
            raise VaultError(f"A sealed value in {table} is damaged or in the wrong row.") from None

    def hash_token(self, secret: str) -> bytes:
        """Return the HMAC-SHA-256 of an API token's secret part."""
        token_hash = self._token_hash.copy()
        token_hash.update(secret.encode())
        return token_hash.digest()

    def new_check(self) -> bytes:
        """Return a check value to be kept beside the sealed rows."""
        table, row_id, content = _CHECK
        # The token key is part of the proof: a ring with another one would refuse every API token.
        return self.seal(table, row_id, content + self.hash_token("check"))

    def verify(self, check: bytes) -> None:
        """Raises: VaultError: the ring did not make this check value."""
        table, row_id, content = _CHECK
        expected = content + self.hash_token("check")
        if not hmac.compare_digest(self.unseal(table, row_id, check), expected):
            raise VaultError("The ring's token key is not the one in use.")


def open_vault(
    data_dir: Path,
    *,
    sealed_rows_exist: bool,
    check: bytes | None,
    key: Secret | None = None,
    makes: bool = False,
) -> Vault:
    """Open the ring of the setting or of the data directory.

    Args: check: the stored check value, None before the first start; key: a ring's text; makes:
    make a ring for a new installation. Nodes need the same one, so none of several makes it
    Raises: VaultError: wrong, missing, damaged or readable by others; the message names the mend
    """
    path = data_dir / KEY_FILE
    if key is not None:
        ring, source = _parse(key.reveal(), "WAYSTATION_KEY"), "WAYSTATION_KEY"
    elif path.exists():
        ring, source = _load(path), str(path)
    elif sealed_rows_exist or check is not None:
        raise VaultError(
            f"The key file {path} is missing, and the database holds values that only its keys "
            "open. Put the file back, or set WAYSTATION_KEY to its content."
        )
    elif makes:
        ring, source = _create(path), str(path)
    else:
        raise VaultError(
            f"There is no key file {path}, and WAYSTATION_KEY is not set. `waystation make-key` "
            "makes one for a new installation; each node needs a copy of it."
        )
    vault = Vault(ring)
    if check is not None:
        confirm(vault, check, source)
    return vault


def make_keys(data_dir: Path) -> Vault:
    """Write a new ring. Raises: VaultError: there is one."""
    path = data_dir / KEY_FILE
    if path.exists():
        raise VaultError(f"There is a key file already: {path}. `waystation rotate-key` renews it.")
    return Vault(_create(path))


def prepare_key(data_dir: Path) -> Vault:
    """Put a new key into the ring file that opens, and seals nothing before the next rotation.

    Raises: VaultError: there is no usable key file, or a key is prepared already
    """

    def prepared(ring: KeyRing) -> KeyRing:
        if ring.prepared:
            raise VaultError(
                f"A key is prepared already in {data_dir / KEY_FILE}. Once each node has that "
                "file, `waystation rotate-key` lets it seal."
            )
        return KeyRing(ring.tokens, ring.sealing, (os.urandom(_KEY_BYTES),))

    return _changed(data_dir, prepared)


def rotate_keys(data_dir: Path) -> Vault:
    """Put a new sealing key first in the ring file; the old keys still open what they sealed.

    A prepared key is the new one. A running server goes on with the ring it read, so stop it first
    or start it again afterwards.

    Raises: VaultError: there is no usable key file
    """

    def rotated(ring: KeyRing) -> KeyRing:
        newest = ring.prepared or (os.urandom(_KEY_BYTES),)
        return KeyRing(ring.tokens, (*newest, *ring.sealing))

    return _changed(data_dir, rotated)


def _changed(data_dir: Path, change: Callable[[KeyRing], KeyRing]) -> Vault:
    path = data_dir / KEY_FILE
    if not path.exists():
        raise VaultError(
            f"There is no key file {path}. WAYSTATION_DATA_DIR says where to look for it; a ring "
            "in WAYSTATION_KEY is yours to edit."
        )
    with _alone_in(data_dir):
        ring = change(_load(path))
        # A rename, so that a crash leaves the old ring or the new one, never half of one.
        _write_beside(path, ring).replace(path)
        _sync_directory(path.parent)
    return Vault(ring)


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Keep others out who rotate at the same time: the last one would drop the keys of the first.

    The lock is on the directory, because the file itself is replaced.
    """
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def confirm(vault: Vault, check: bytes, source: str) -> None:
    """Make sure that a ring, which is at `source`, fits a check value. Raises: VaultError."""
    try:
        vault.verify(check)
    except VaultError as error:
        raise VaultError(
            f"The keys in {source} are not the ones this database was sealed with. "
            "Put back the key file that belongs to it; with several nodes, the newest one."
        ) from error


def _create(path: Path) -> KeyRing:
    """Write a new ring, or read the one that another process wrote in the same moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ring = KeyRing(os.urandom(_KEY_BYTES), (os.urandom(_KEY_BYTES),))
    written = _write_beside(path, ring)
    try:
        path.hardlink_to(written)
    except FileExistsError:
        return _load(path)
    finally:
        written.unlink()
    _sync_directory(path.parent)
    return ring


def _write_beside(path: Path, ring: KeyRing) -> Path:
    target = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    sealing, prepared = ([_text(key) for key in keys] for keys in (ring.sealing, ring.prepared))
    text = _RingText(_text(ring.tokens), sealing, prepared)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(text), indent=2))
        file.flush()
        os.fsync(file.fileno())
    return target


def _load(path: Path) -> KeyRing:
    if path.stat().st_mode & 0o077:
        raise VaultError(f"Others may read the key file {path}. Mend it: chmod 600 {path}")
    return _parse(path.read_text("utf-8"), str(path))


def _parse(text: str, source: str) -> KeyRing:
    """Read a ring. The message never quotes the text."""
    try:
        found = msgspec.json.decode(text, type=_RingText)
        texts = (found.tokens, *found.sealing, *found.prepared)
        keys = [base64.b64decode(each, validate=True) for each in texts]
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise VaultError(f"The key ring in {source} cannot be read. Put back a copy.") from None
    if not found.sealing or any(len(each) != _KEY_BYTES for each in keys):
        raise VaultError(f"The key ring in {source} is not complete. Put back a copy.")
    sealing, prepared = keys[1 : 1 + len(found.sealing)], keys[1 + len(found.sealing) :]
    return KeyRing(keys[0], tuple(sealing), tuple(prepared))


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _key_name(key: bytes) -> bytes:
    return hashlib.sha256(b"waystation key name" + key).digest()[:_KEY_NAME_BYTES]


def _place(table: str, row_id: str) -> bytes:
    """Associated data. Length first, so that no other table and row give the same bytes."""
    return f"{len(table)}:{table}{row_id}".encode()


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
