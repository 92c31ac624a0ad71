"""The lock files that the action and the workflows install from: complete, exact, and what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from source_tree import ROOT

FOLDER = ROOT / ".github" / "requirements"
EXTRAS = {"action": ("build",), "development": ("build", "dev", "lock")}
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = (("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64"))


def locked(name: str) -> list[Requirement]:
    """Return the pins of a lock file; checks that each is exact and has hashes."""
    text = re.sub(r"^\s*#.*\n", "", (FOLDER / f"{name}.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = []
    for entry in text.replace("\\\n", " ").splitlines():
        pin, *hashes = entry.split(" --hash=")
        assert hashes, entry
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one.strip()) for one in hashes), entry
        requirement = Requirement(pin.strip())
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), entry
        found.append(requirement)
    return found


def environments() -> Iterator[dict[str, str]]:
    """Yield the machines that a lock file is for."""
    for python in PYTHONS:
        for platform, system, machine in PLATFORMS:
            yield {
                **{name: str(value) for name, value in default_environment().items()},
                "python_version": python,
                "python_full_version": f"{python}.0",
                "sys_platform": platform,
                "platform_system": system,
                "platform_machine": machine,
            }


def applies(requirement: Requirement, environment: dict[str, str], extras: Iterable[str] = ()) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))


def asked(name: str) -> list[Requirement]:
    """Return what pyproject.toml asks for where this lock file is used."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [
        *project["dependencies"],
        *(one for extra in EXTRAS[name] for one in project["optional-dependencies"][extra]),
    ]
    return [Requirement(text) for text in texts]


def needed(requirement: Requirement, environment: dict[str, str]) -> Iterator[Requirement]:
    """Yield what a package that is installed here needs in turn."""
    try:
        texts = requires(requirement.name) or []
    except PackageNotFoundError:
        return
    found = (Requirement(text) for text in texts)
    yield from (one for one in found if applies(one, environment, requirement.extras))


@pytest.mark.parametrize("name", EXTRAS)
def test_each_package_is_pinned_in_a_version_that_is_asked_for(name: str) -> None:
    pins = locked(name)
    for environment in environments():
        here = {canonicalize_name(pin.name): pin for pin in pins if applies(pin, environment)}
        wanted = [one for one in asked(name) if applies(one, environment)]
        seen: set[tuple[str, str]] = set()
        while wanted:
            one = wanted.pop()
            if (one.name, str(one.extras)) in seen:
                continue
            seen.add((one.name, str(one.extras)))
            pin = here.get(canonicalize_name(one.name))
            assert pin is not None, f"{one} is in no line of {name}.txt: run .ci/lock"
            version = next(iter(pin.specifier)).version
            if one in asked(name):
                assert one.specifier.contains(version, prereleases=True), f"{pin} is not {one}: run .ci/lock"
            wanted += needed(one, environment)


def test_nothing_is_pinned_that_nobody_asks_for() -> None:
    named = {canonicalize_name(one.name) for one in locked("action")}
    assert named <= {canonicalize_name(one.name) for one in locked("development")}
    assert "pytest" not in named
    assert {(str(one)) for one in locked("action")} <= {str(one) for one in locked("development")}


def test_what_builds_the_package_is_locked() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert document["project"]["optional-dependencies"]["build"] == document["build-system"]["requires"]


def test_workflows_and_action_install_from_the_lock_files_only() -> None:
    files = [*(ROOT / ".github" / "workflows").glob("*.yml"), *(ROOT / ".github" / "actions").rglob("action.yml")]
    lines = [line.strip() for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    way = re.compile(r'pip install|"\$\{install\[@\]\}"|pipx|uv tool|npm |curl ')
    installs = [line for line in lines if way.search(line) and not line.startswith("install=(")]
    assert len(installs) >= 4
    assert [line for line in installs if "--require-hashes -r" not in line and "--no-deps" not in line] == []


def test_an_own_job_renews_them() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "lock.yml").read_text(encoding="utf-8"))["jobs"]
    assert ".ci/lock --upgrade" in str(jobs)
    for name in EXTRAS:
        assert f"lock {name} " in (ROOT / ".ci" / "lock").read_text(encoding="utf-8")
