"""The distributions hold what users need and nothing else, and the wheel works far from any checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from source_tree import ROOT

from reconciler import __version__

WHEEL = f"reconciler_gitops-{__version__}-py3-none-any.whl"
SDIST = f"reconciler_gitops-{__version__}.tar.gz"
INFO = f"reconciler_gitops-{__version__}.dist-info"


def call(*command: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a clean environment and return what it did."""
    return subprocess.run(
        command,
        cwd=cwd,
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(cwd.parent), "LANG": "C.UTF-8", **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@dataclass(frozen=True, kw_only=True)
class Built:
    """Both distributions in a folder, and the wheel installed into another."""

    folder: Path
    installed: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the console script that the wheel brings, outside the checkout."""
        script = self.installed / "bin" / "reconciler"
        return call(str(script), *arguments, cwd=self.folder, PYTHONPATH=str(self.installed))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder, installed = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("installed")
    # The wheel is made from the source distribution, which shows that that is complete.
    made = call(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT), cwd=folder)
    assert made.returncode == 0, made.stdout + made.stderr
    pip = ("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile", "--target", str(installed))
    done = call(sys.executable, *pip, str(folder / WHEEL), cwd=folder, PIP_DISABLE_PIP_VERSION_CHECK="1")
    assert done.returncode == 0, done.stdout + done.stderr
    return Built(folder=folder, installed=installed)


TEMPLATES = "reconciler/render/html/templates"


def files_below(folder: str, suffix: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob(f"*{suffix}")}


def test_the_index_would_take_both_distributions(built: Built) -> None:
    done = call(sys.executable, "-m", "twine", "check", "--strict", WHEEL, SDIST, cwd=built.folder)
    assert done.returncode == 0, done.stdout + done.stderr


OTHER = re.compile(
    r"\b(?:pipx?|uvx?)[ \t][^\n#|&;]*?\b(?:install|add|run)[ \t][^\n#|&;]*?(?<![\w/.@+-])reconciler(?![\w/.-])"
)
"""An installation of the distribution `reconciler`, which is somebody else's. Ours has another name."""


def test_no_document_installs_the_distribution_of_somebody_else() -> None:
    assert OTHER.search("pip install --quiet 'reconciler[fast]>=1'")
    assert OTHER.search("uv tool install reconciler")
    assert not OTHER.search("pip install reconciler-gitops")
    rooms = (ROOT / name for name in (".github", "benchmarks", "manifests", "reconciler", "schemas", "tests"))
    endings = {".md", ".yml", ".yaml", ".toml", ".txt"}
    documents = [*ROOT.glob("*.*"), *(path for room in rooms for path in room.rglob("*.*"))]
    found = [path for path in documents if path.suffix in endings and OTHER.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_both_distributions_are_made(built: Built) -> None:
    assert sorted(path.name for path in built.folder.iterdir()) == sorted((WHEEL, SDIST))


def test_the_wheel_holds_the_package_its_data_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.folder / WHEEL) as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(f"{INFO}/METADATA").decode()
        scripts = wheel.read(f"{INFO}/entry_points.txt").decode()
        licence = wheel.read(f"{INFO}/licenses/LICENSE").decode()
    data = {f"reconciler/_data/{path}" for path in (*files_below("schemas", ""), *files_below("manifests", ""))}
    shipped = {name for name in data if Path(ROOT / name.removeprefix("reconciler/_data/")).is_file()}
    code = files_below("reconciler", ".py") | {"reconciler/py.typed"} | files_below(TEMPLATES, "")
    about = {f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    assert names == shipped | code | about
    assert "reconciler = reconciler.cli.main:entry_point" in scripts
    assert licence == (ROOT / "LICENSE").read_text()
    assert f"\nVersion: {__version__}\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata


def test_the_source_distribution_can_be_tested_and_built(built: Built) -> None:
    with tarfile.open(built.folder / SDIST) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    wanted = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "PKG-INFO"}
    wanted |= files_below("reconciler", ".py") | files_below("schemas", ".yaml") | files_below("manifests", ".yaml")
    wanted |= files_below("tests", ".py") | files_below(TEMPLATES, "")
    assert wanted - names == set()
    tops = {name.partition("/")[0] for name in names}
    assert tops <= {*(name.partition("/")[0] for name in wanted), ".gitignore"}
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc")] == []


def test_the_installed_wheel_tells_its_version(built: Built) -> None:
    done = built.run("version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"reconciler {__version__}\n", "")


def test_the_installed_wheel_finds_its_own_kinds(built: Built) -> None:
    done = built.run("kinds", "list", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    kinds = json.loads(done.stdout)["kinds"]
    assert len(kinds) >= 8
    home = built.installed / "reconciler" / "_data" / "schemas"
    assert [kind["path"] for kind in kinds if not Path(built.folder / kind["path"]).is_relative_to(home)] == []


def test_the_installed_wheel_tells_the_whole_story(built: Built) -> None:
    done = built.run("demo")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "All as told" in done.stdout
