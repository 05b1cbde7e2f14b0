"""A folder has one owner, and others are told who it is."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from micromoments.ports import Corrupt
from micromoments.stores.embedded.artifacts import FileArtifacts
from micromoments.stores.embedded.folder import Folder, Locked, owner
from micromoments.stores.embedded.log import SqliteLog


def test_the_second_is_told_who_has_it(tmp_path: Path) -> None:
    """A second opening names the owner's process and address and what to do; after closing it succeeds."""
    with Folder.open(tmp_path / "shop") as folder:
        with pytest.raises(Locked, match=rf"process {os.getpid()}, which doesn't serve; stop it first"):
            Folder.open(tmp_path / "shop")
        folder.serving("http://127.0.0.1:8080")
        with pytest.raises(Locked, match=r"serves at http://127.0.0.1:8080; go through that address") as caught:
            Folder.open(tmp_path / "shop")
        assert caught.value.owner.address == "http://127.0.0.1:8080"
        found = owner(tmp_path / "shop")
        assert found is not None
        assert found.pid == os.getpid()
    assert owner(tmp_path / "shop") is None
    Folder.open(tmp_path / "shop").close()


def test_the_lock_goes_with_the_process(tmp_path: Path) -> None:
    """A killed owner leaves a folder that opens at once."""
    code = (
        "import sys, time; from micromoments.stores.embedded.folder import Folder\n"
        "folder = Folder.open(sys.argv[1]); print(1, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(Locked, match=f"process {process.pid}"):
            Folder.open(tmp_path)
        process.kill()
    Folder.open(tmp_path).close()


def test_everything_is_private(tmp_path: Path) -> None:
    """Folders are 0700 and files 0600, whatever the umask."""
    old = os.umask(0)
    try:
        with Folder.open(tmp_path / "shop") as folder:
            log = SqliteLog(folder.log)
            FileArtifacts(folder.artifacts).put(b"x")
            modes = {p: stat.S_IMODE(p.stat().st_mode) for p in [folder.path, *folder.path.rglob("*")]}
            log.close()
    finally:
        os.umask(old)
    assert {p.name: m for p, m in modes.items() if m != (0o700 if p.is_dir() else 0o600)} == {}


def test_a_folder_that_is_not_ours_has_no_owner(tmp_path: Path) -> None:
    """Asking for the owner of any folder is harmless."""
    assert owner(tmp_path) is None
    assert owner(tmp_path / "absent") is None
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_artifact_is_named(tmp_path: Path) -> None:
    """An artifact whose bytes changed is Corrupt, with its digest."""
    artifacts = FileArtifacts(tmp_path)
    digest = artifacts.put(b"hello")
    (tmp_path / digest.removeprefix("sha256:")).write_bytes(b"hullo")
    with pytest.raises(Corrupt, match=digest):
        artifacts.get(digest)


def test_a_folder_on_a_disk_that_became_read_only_is_given_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its note can't be taken back there; whoever comes next finds it unlocked all the same."""
    folder = Folder.open(tmp_path / "shop")

    def refused(_descriptor: int, _length: int) -> None:
        """As a file system says it."""
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", refused)
        folder.close()
    Folder.open(tmp_path / "shop").close()
