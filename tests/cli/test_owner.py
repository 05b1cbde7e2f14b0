"""Commands that need a folder ask the server that has it open, and make no folder of a mistyped name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import micromoments as mm
from tests.cli.commands import micromoments
from tests.server.asgi import SECRET_KEY, WRITE_KEY
from tests.server.test_real import address_of, server


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project in which Ana looked for something."""
    folder = tmp_path / "shop"
    with mm.open(folder) as engine:
        engine.track("ana", "Products Searched", {"query": "trail running shoes"})
    return folder


@pytest.mark.crash
def test_a_server_that_has_the_folder_open_is_asked(shop: Path) -> None:
    """What report, export and erase say while a server has the folder open is what they say of the folder at rest."""
    words = {"report": ("report", shop, "scorecards", "--format", "json"), "export": ("export", shop, "ana")}
    at_rest = {name: json.loads(micromoments(*those).out) for name, those in words.items()}
    keys = {"MICROMOMENTS_WRITE_KEY": WRITE_KEY, "MICROMOMENTS_SECRET_KEY": SECRET_KEY}
    with server(shop, "--port", "0", **keys) as process:
        address_of(process)
        asked = {name: json.loads(micromoments(*those).out) for name, those in words.items()}
        assert asked["export"] == at_rest["export"]
        assert asked["report"]["figures"] == at_rest["report"]["figures"]
        unknown = micromoments("export", shop, "anon:a/b ?")
        assert (unknown.status, "nobody is known as 'anon:a/b ?'" in unknown.words) == (1, True)
        no_such = micromoments("report", shop, "nonesuch")
        assert (no_such.status, "answered 404: got report 'nonesuch'; wanted one of" in no_such.words) == (1, True)
        assert json.loads(micromoments("erase", shop, "ana", "--yes").out)["people"] == 1
        assert micromoments("export", shop, "ana").status == 1


@pytest.mark.parametrize("words", [("export", ""), ("erase", "anon:", "--yes"), ("erase", "user:", "--yes")])
def test_nobody_is_nobody(shop: Path, words: tuple[str, ...]) -> None:
    """An empty id, as of a variable that isn't set, is a usage error, and not a person that nothing is known of."""
    done = micromoments(words[0], shop, *words[1:])
    assert (done.status, "names nobody" in done.words) == (2, True)


@pytest.mark.parametrize("words", [("report", "lift"), ("export", "ana"), ("erase", "ana", "--yes")])
def test_a_mistyped_folder_is_not_made(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A folder that is no project is told, and nothing is made of its name."""
    wrong = tmp_path / "shpo"
    done = micromoments(words[0], wrong, *words[1:])
    assert (done.status, "is no project's folder; wanted one" in done.words) == (1, True)
    assert not wrong.exists()


def test_an_assistant_makes_no_folder_of_an_address(tmp_path: Path) -> None:
    """An address without its scheme is told, and no project is made of it."""
    done = micromoments("mcp", tmp_path / "localhost:8000")
    assert (done.status, "with http:// before it" in done.words) == (1, True)
    assert not (tmp_path / "localhost:8000").exists()


def test_the_version_is_said() -> None:
    """``micromoments --version`` says which version this is."""
    assert micromoments("--version").out == f"micromoments {mm.__version__}\n"
