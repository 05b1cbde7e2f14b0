"""What is shipped: a small typed wheel that is quick to import."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

HEAVY = {
    "aiohttp",
    "duckdb",
    "growthbook",
    "h3",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "tantivy",
    "uvicorn",
}

IMPORT_AND_WATCH = """
import json, sys
touched = []
def watch(event, args):
    if event.startswith(("socket.", "subprocess.", "sqlite3.", "os.mkdir", "os.remove", "os.rename")):
        touched.append(event)
    if event == "open":
        path, mode = str(args[0]), args[1] or ""
        if "w" in mode or "a" in mode or "+" in mode or not path.endswith((".py", ".pyc", ".so", ".pth")):
            touched.append(path)
sys.addaudithook(watch)
before = set(sys.modules)
import micromoments
print(json.dumps({"touched": touched, "modules": sorted(set(sys.modules) - before)}))
"""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's wheel, built from this tree without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("micromoments-*.whl")
    return built


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """The wheel says that it is typed, carries its licence, and has no test, benchmark or shared data in it."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "micromoments/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/NOTICE") for name in names)
    outside = [name for name in names if not name.startswith(("micromoments/", "micromoments-"))]
    assert outside == []
    alien = [name for name in names if {"tests", "benchmarks", "shared", "__pycache__"} & set(Path(name).parts)]
    assert alien == []


def test_the_wheel_is_small(wheel: Path) -> None:
    """Installing the package itself takes at most 8 MiB of download, its text model and city included."""
    assert wheel.stat().st_size <= 8 * 2**20


def test_the_version_is_said_once() -> None:
    """The package's version is the project's."""
    import micromoments

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert micromoments.__version__ == project["version"]


def test_importing_the_package_is_cheap_and_touches_nothing() -> None:
    """`import micromoments` reads no file but code, opens no socket, and loads none of the heavy libraries."""
    done = subprocess.run([sys.executable, "-c", IMPORT_AND_WATCH], check=True, capture_output=True, text=True)
    seen = json.loads(done.stdout)
    assert seen["touched"] == []
    assert {name.split(".")[0] for name in seen["modules"]} & HEAVY == set()


def test_the_public_names_are_there() -> None:
    """Every name in `__all__` can be had, is listed by `dir`, and an unknown one says what there is."""
    import micromoments

    assert [name for name in micromoments.__all__ if not hasattr(micromoments, name)] == []
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        micromoments.nothing  # noqa: B018 looking it up is the point
