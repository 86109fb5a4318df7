from __future__ import annotations

import contextlib
import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation import secret
from waystation import vault as vault_module
from waystation.errors import VaultError
from waystation.ports import Sealer
from waystation.secret import Secret
from waystation.vault import (
    KEY_FILE,
    KeyRing,
    Vault,
    make_keys,
    open_vault,
    prepare_key,
    rotate_keys,
)

RING = KeyRing(b"t" * 32, (b"a" * 32,))


def new(folder: Path) -> Vault:
    return open_vault(folder, sealed_rows_exist=False, check=None, makes=True)


def again(folder: Path, check: bytes | None = None, *, sealed: bool = True) -> Vault:
    return open_vault(folder, sealed_rows_exist=sealed, check=check)


@given(st.text(max_size=20), st.text(max_size=20), st.binary(max_size=200))
def test_a_value_opens_in_its_own_place(table: str, row_id: str, value: bytes) -> None:
    vault: Sealer = Vault(RING)
    sealed = vault.seal(table, row_id, value)
    assert vault.unseal(table, row_id, sealed) == value
    assert len(value) < 8 or value not in sealed


@pytest.mark.parametrize("place", [("accounts", "2"), ("sessions", "1"), ("account", "s1")])
def test_a_value_copied_elsewhere_does_not_open(place: tuple[str, str]) -> None:
    """R45."""
    vault = Vault(RING)
    with pytest.raises(VaultError):
        vault.unseal(*place, vault.seal("accounts", "1", b"token"))


@pytest.mark.parametrize("position", [0, 1, 9, 21, -1])
def test_a_changed_value_does_not_open(position: int) -> None:
    vault = Vault(RING)
    sealed = bytearray(vault.seal("accounts", "1", b"token"))
    sealed[position] ^= 1
    with pytest.raises(VaultError):
        vault.unseal("accounts", "1", bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"token", b"\x01" + b"x" * 40])
def test_a_value_that_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(VaultError):
        Vault(RING).unseal("accounts", "1", sealed)


def test_a_cut_value_does_not_open() -> None:
    vault = Vault(RING)
    sealed = vault.seal("accounts", "1", b"token")
    for length in range(len(sealed)):
        with pytest.raises(VaultError):
            vault.unseal("accounts", "1", sealed[:length])


def test_sealing_twice_gives_two_values() -> None:
    vault = Vault(RING)
    assert vault.seal("accounts", "1", b"token") != vault.seal("accounts", "1", b"token")


def test_token_hashes_are_stable_and_keyed() -> None:
    assert Vault(RING).hash_token("secret") == Vault(RING).hash_token("secret")
    assert Vault(RING).hash_token("secret") != Vault(RING).hash_token("secret2")
    other = KeyRing(b"u" * 32, RING.sealing)
    assert Vault(other).hash_token("secret") != Vault(RING).hash_token("secret")
    assert len(Vault(RING).hash_token("secret")) == 32


def test_a_new_installation_gets_a_key_file_of_its_own(tmp_path: Path) -> None:
    vault = new(tmp_path / "data")
    path = tmp_path / "data" / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    sealed = vault.seal("accounts", "1", b"token")
    opened = again(tmp_path / "data", vault.new_check())
    assert opened.unseal("accounts", "1", sealed) == b"token"
    assert opened.hash_token("s") == vault.hash_token("s")


@pytest.mark.parametrize(("sealed", "check"), [(True, None), (False, b"check")])
def test_no_key_is_made_when_something_is_sealed_already(
    tmp_path: Path, sealed: bool, check: bytes | None
) -> None:
    """R45."""
    with pytest.raises(VaultError, match="missing"):
        again(tmp_path, check, sealed=sealed)
    assert list(tmp_path.iterdir()) == []


def test_another_installation_s_keys_are_refused(tmp_path: Path) -> None:
    check = new(tmp_path / "one").new_check()
    new(tmp_path / "two")
    with pytest.raises(VaultError, match="keys"):
        again(tmp_path / "two", check)


def test_a_ring_with_another_token_key_is_refused(tmp_path: Path) -> None:
    check = new(tmp_path).new_check()
    path = tmp_path / KEY_FILE
    ring = json.loads(path.read_text())
    ring["tokens"] = ring["sealing"][0]
    path.write_text(json.dumps(ring))
    with pytest.raises(VaultError, match="not the ones"):
        again(tmp_path, check)


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    new(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(VaultError, match="chmod 600"):
        again(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "{}",
        '{"tokens": "AA==", "sealing": []}',
        '{"tokens": "AA==", "sealing": ["AA=="]}',
        '{"tokens": "no base64!", "sealing": ["AA=="]}',
        '{"tokens": "ü", "sealing": ["AA=="]}',
    ],
)
def test_a_damaged_ring_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / KEY_FILE
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(VaultError) as caught:
        again(tmp_path)
    assert "AA==" not in str(caught.value)


def test_after_rotation_old_values_open_and_tokens_stay_valid(tmp_path: Path) -> None:
    """R45."""
    before = new(tmp_path)
    check, sealed = before.new_check(), before.seal("accounts", "1", b"token")
    rotated = rotate_keys(tmp_path)
    after = again(tmp_path, check)
    assert after.unseal("accounts", "1", sealed) == b"token"
    assert after.hash_token("s") == before.hash_token("s")
    fresh = rotated.seal("accounts", "1", b"new")
    assert after.unseal("accounts", "1", fresh) == b"new"
    with pytest.raises(VaultError):
        before.unseal("accounts", "1", fresh)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert len(list(tmp_path.iterdir())) == 1


def test_rotating_without_a_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VaultError):
        rotate_keys(tmp_path)


def test_a_prepared_key_opens_and_seals_only_after_the_rotation(tmp_path: Path) -> None:
    """R45."""
    before = new(tmp_path)
    check = before.new_check()
    prepared = prepare_key(tmp_path)
    assert prepared.names == (before.names[0], *prepared.prepared)
    assert before.unseal("accounts", "1", prepared.seal("accounts", "1", b"old")) == b"old"
    with pytest.raises(VaultError, match="prepared already"):
        prepare_key(tmp_path)
    known = again(tmp_path, check)
    rotated = rotate_keys(tmp_path)
    assert rotated.names == (*prepared.prepared, before.names[0])
    assert rotated.prepared == ()
    sealed = rotated.seal("accounts", "1", b"new")
    assert known.unseal("accounts", "1", sealed) == b"new"
    with pytest.raises(VaultError, match="not in the ring"):
        before.unseal("accounts", "1", sealed)
    assert again(tmp_path, check).names == rotated.names


def test_a_ring_without_a_prepared_key_is_written_as_before(tmp_path: Path) -> None:
    new(tmp_path)
    assert set(json.loads((tmp_path / KEY_FILE).read_text())) == {"tokens", "sealing"}


def test_a_ring_is_made_where_there_is_none(tmp_path: Path) -> None:
    made = make_keys(tmp_path / "new")
    assert again(tmp_path / "new").names == made.names
    with pytest.raises(VaultError, match="rotate-key"):
        make_keys(tmp_path / "new")


def test_a_node_makes_no_ring_of_its_own(tmp_path: Path) -> None:
    """R45."""
    with pytest.raises(VaultError, match="make-key"):
        open_vault(tmp_path, sealed_rows_exist=False, check=None)
    assert not list(tmp_path.iterdir())


def test_the_ring_may_come_from_a_setting(tmp_path: Path) -> None:
    vault = new(tmp_path / "file")
    text = Secret((tmp_path / "file" / KEY_FILE).read_text())
    opened = open_vault(
        tmp_path / "none", sealed_rows_exist=True, check=vault.new_check(), key=text
    )
    assert opened.hash_token("s") == vault.hash_token("s")
    assert not (tmp_path / "none").exists()
    with pytest.raises(VaultError, match="WAYSTATION_KEY"):
        open_vault(tmp_path, sealed_rows_exist=False, check=None, key=Secret("{"))


def test_keys_made_at_the_same_moment_do_not_overwrite_each_other(tmp_path: Path) -> None:
    from waystation import vault as module

    first = new(tmp_path)
    ring = module._create(tmp_path / KEY_FILE)
    assert Vault(ring).hash_token("s") == first.hash_token("s")


def test_keys_show_in_no_repr_and_are_redacted() -> None:
    vault = Vault(RING)
    assert "a" * 32 not in repr(RING)
    assert "redacted" in secret.redact("YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=")
    del vault


def test_rotations_at_the_same_time_lose_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new(tmp_path)
    load, both = vault_module._load, threading.Barrier(2)

    def load_side_by_side(path: Path) -> KeyRing:
        ring = load(path)
        # two who have read the same ring would each drop the other's key
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.2)
        return ring

    monkeypatch.setattr(vault_module, "_load", load_side_by_side)
    with ThreadPoolExecutor(2) as threads:
        sealed = [
            vault.seal("accounts", "1", b"value")
            for vault in threads.map(rotate_keys, (tmp_path, tmp_path))
        ]
    monkeypatch.undo()
    ring = load(tmp_path / KEY_FILE)
    assert [Vault(ring).unseal("accounts", "1", one) for one in sealed] == [b"value"] * 2
