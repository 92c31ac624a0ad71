"""Runs the steps of a workflow as a runner would: contexts, `if`, matrices, composite actions, the files of commands.

What others publish is stood in for: checking out (a clone by Git itself, of one commit, on no branch), setting up
Python (the one that runs the tests, with the script installed), and artifacts (folders). All `run` steps run for real.
A job's permissions bind: it may push only with `contents: write`, and the hosting service knows what its token may.
"""

from __future__ import annotations

import fnmatch
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from expressions import evaluate, fill, shown

ROOT = Path(__file__).resolve().parents[2]
WRITES = {"pull-requests": ("comments", "pulls"), "issues": ("issues",)}


def read_yaml(path: Path) -> Any:
    """Return a workflow or action; `on` stays a text."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


@dataclass(kw_only=True)
class JobRun:
    """What one job of a run came to."""

    name: str
    failed: bool = False
    log: str = ""
    summary: str = ""
    steps: dict[str, Any] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Runner:
    """A place where workflows run. `base` is the environment that every step starts with, without any secret."""

    folder: Path
    remote: Path
    repository: str
    hosting: Any  # the fake hosting service
    base: Mapping[str, str]
    environments: dict[str, Mapping[str, str]] = field(default_factory=dict)  # of the host, with their secrets
    without_artifacts: bool = False  # a host that refuses to keep any
    artifacts: dict[int, dict[str, Path]] = field(default_factory=dict)  # by run and name
    _runs: Iterator[int] = field(default_factory=lambda: itertools.count(1000))

    def run(
        self,
        workflow: str,
        *,
        github: Mapping[str, Any],
        secrets: Mapping[str, str],
        inputs: Mapping[str, Any],
        checked_out: str = "",
    ) -> list[JobRun]:
        """Run all jobs of a reusable workflow one after the other, and return those that were not skipped."""
        document = read_yaml(ROOT / ".github" / "workflows" / f"{workflow}.yml")
        declared = document["on"]["workflow_call"]
        given = {name: inputs.get(name, one.get("default", "")) for name, one in declared["inputs"].items()}
        assert set(inputs) <= set(declared["inputs"]), "inputs that the workflow does not declare"
        lacking = [n for n, one in declared["inputs"].items() if one.get("required") == "true" and n not in inputs]
        assert lacking == []
        run_id = next(self._runs)
        everywhere = {
            "server_url": "https://github.test",
            "repository": self.repository,
            "run_id": run_id,
            "token": self.base["FAKE_TOKEN"],
            **github,
        }
        jobs: list[JobRun] = []
        needs: dict[str, Any] = {}
        for name, job in document["jobs"].items():
            context = {"github": everywhere, "inputs": given, "secrets": dict(secrets), "matrix": {}, "needs": needs}
            needs[name] = {"result": "skipped"}
            if not evaluate(_bare(job.get("if", "fromJSON('true')")), context, {"cancelled": lambda: False}):
                continue
            assert document["permissions"] == {}, "nothing is permitted but what a job says"
            needs[name] = {"result": "ran"}
            strategy = job.get("strategy", {"matrix": {"target": [""]}})
            for target in fill(strategy["matrix"]["target"], context):
                own = {**context, "matrix": {"target": target}}
                environment = fill(job.get("environment", ""), own)
                own["secrets"] = {**secrets, **(self.environments[environment] if environment else {})}
                work = _Job(
                    runner=self, run_id=run_id, job=job, name=f"{name} {target}".strip(), checked_out=checked_out
                )
                jobs.append(work.run(own))
                if jobs[-1].failed and "strategy" in job and strategy.get("fail-fast", "true") == "true":
                    assert strategy.get("max-parallel") == "1", "the others would have begun already"
                    break
        return jobs


@dataclass(kw_only=True)
class _Job:
    runner: Runner
    run_id: int
    job: Any
    name: str
    checked_out: str

    def run(self, context: dict[str, Any]) -> JobRun:
        self.result = JobRun(name=self.name)
        self.place = self.runner.folder / f"run-{self.run_id}-{self.name.replace(' ', '-')}"
        self.workspace, self.temp = self.place / "work", self.place / "temp"
        for folder in (self.workspace, self.temp / "reconciler-venv"):
            folder.mkdir(parents=True)
        (self.temp / "reconciler-venv" / "bin").symlink_to(Path(sys.executable).parent)  # installed already
        self.paths: list[str] = []
        permissions = self.job["permissions"]
        self.may_push = permissions.get("contents") == "write"
        self.runner.hosting.writes = {
            what for name, whats in WRITES.items() if permissions.get(name) == "write" for what in whats
        }
        context["github"] = {**context["github"], "workspace": str(self.workspace)}
        context["runner"] = {"temp": str(self.temp)}
        context["steps"] = self.result.steps
        self.result.failed = self._steps(self.job["steps"], context)
        return self.result

    def _steps(self, steps: list[Any], context: dict[str, Any]) -> bool:
        """Run steps in order, after a failure only those that ask for it, and tell whether any failed."""
        failed = False
        functions = {"success": lambda: not failed, "failure": lambda: failed, "always": lambda: True}
        for step in steps:
            condition = step.get("if", "success()")
            asks = any(word in condition for word in ("success()", "failure()", "always()"))
            name = step.get("name") or step.get("id") or step.get("uses", "?")
            if (failed and not asks) or not evaluate(_bare(condition), context, functions):
                self.result.skipped.append(name)
                continue
            self.result.log += f"##[step]{name}\n"
            ok, outputs = self._step(step, context)
            if "id" in step:
                outcome = "success" if ok else "failure"
                context["steps"][step["id"]] = {"outputs": outputs, "outcome": outcome}
            failed = failed or not (ok or step.get("continue-on-error") == "true")
        return failed

    def _step(self, step: Any, context: dict[str, Any]) -> tuple[bool, dict[str, str]]:
        if "run" in step:
            assert "${{" not in step["run"], "text from outside never becomes part of a script"
            return self._script(step, context)
        given = {name: shown(fill(value, context)) for name, value in step.get("with", {}).items()}
        action = step["uses"].partition("@")[0]
        if action.startswith("./"):
            return self._composite(action, given, context)
        match action:
            case "actions/checkout":
                return self._check_out(given, context), {}
            case "actions/setup-python":
                return True, {}
            case "actions/upload-artifact":
                return self._upload(given), {}
            case "actions/download-artifact":
                return self._download(given), {}
        raise AssertionError(f"unknown action {action}")

    # ------------------------------------------------------------------ our own

    def _composite(self, action: str, given: dict[str, str], context: dict[str, Any]) -> tuple[bool, dict[str, str]]:
        folder = self.workspace / action
        document = read_yaml(folder / "action.yml")
        assert set(given) <= set(document["inputs"]), "inputs that the action does not declare"
        inputs = {name: given.get(name, one.get("default", "")) for name, one in document["inputs"].items()}
        github = {**context["github"], "action_path": str(folder)}
        inner: dict[str, Any] = {
            "github": github,
            "inputs": inputs,
            "steps": {},
            "runner": context["runner"],
            "env": {},
        }
        failed = self._steps(document["runs"]["steps"], inner)
        outputs = {name: shown(fill(one["value"], inner)) for name, one in document["outputs"].items()}
        return not failed, outputs

    def _script(self, step: Any, context: dict[str, Any]) -> tuple[bool, dict[str, str]]:
        files = {
            name: self.place / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")
        }
        for path in files.values():
            path.write_text("")
        github = context["github"]
        env = {
            **{name: value for name, value in self.runner.base.items() if name != "FAKE_TOKEN"},
            "PATH": os.pathsep.join([*self.paths, os.environ.get("PATH", os.defpath)]),
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.runner.hosting.url,
            "GITHUB_REPOSITORY": self.runner.repository,
            "GITHUB_SHA": github["sha"],
            "GITHUB_REF": github["ref"],
            "GITHUB_ACTOR": "author",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            **{name: str(path) for name, path in files.items()},
            **{name: shown(fill(value, context)) for name, value in step.get("env", {}).items()},
        }
        assert step["shell"] == "bash"
        script = self.place / "script.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace / shown(fill(step.get("working-directory", "."), context)),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        self.result.log += done.stdout
        self.result.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        assert files["GITHUB_ENV"].read_text() == "", "what one step knows does not leak into the others"
        self.paths += files["GITHUB_PATH"].read_text().splitlines()
        lines = [line.partition("=") for line in files["GITHUB_OUTPUT"].read_text().splitlines()]
        return done.returncode == 0, {name: value for name, _, value in lines}

    # ------------------------------------------------------------------ stood in for

    def _check_out(self, given: dict[str, str], context: dict[str, Any]) -> bool:
        path = self.workspace / given["path"]
        if given.get("repository") not in (None, self.runner.repository):
            path.symlink_to(ROOT)
            return True
        self._git(self.workspace, "init", "--quiet", str(path))
        self._git(path, "remote", "add", "origin", self.runner.remote.as_uri())
        ref = given.get("ref") or self.checked_out or context["github"]["sha"]
        if not self._git(path, "fetch", "--quiet", "--depth=1", "origin", ref):
            return False
        self._git(path, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        nowhere = "file:///no-credentials"
        if given.get("persist-credentials") == "false":
            self._git(path, "remote", "set-url", "origin", nowhere)
        elif not self.may_push:
            self._git(path, "remote", "set-url", "--push", "origin", nowhere)
        return True

    def _git(self, folder: Path, *arguments: str) -> bool:
        env = {**self.runner.base, "PATH": os.environ.get("PATH", os.defpath)}
        return (
            subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, check=False).returncode == 0
        )

    def _upload(self, given: dict[str, str]) -> bool:
        if self.runner.without_artifacts:
            return False
        place = self.runner.folder / "artifacts" / str(self.run_id) / given["name"]
        shutil.copytree(given["path"], place)
        self.runner.artifacts.setdefault(self.run_id, {})[given["name"]] = place
        return True

    def _download(self, given: dict[str, str]) -> bool:
        if "run-id" in given:
            assert self.job["permissions"].get("actions") == "read"
        held = self.runner.artifacts.get(int(given.get("run-id", self.run_id)), {})
        if "name" in given:
            if given["name"] not in held:
                return False
            shutil.copytree(held[given["name"]], given["path"], dirs_exist_ok=True)
            return True
        for name in fnmatch.filter(held, given["pattern"]):
            shutil.copytree(held[name], Path(given["path"]) / name)
        return True


def _bare(condition: str) -> str:
    return condition.strip().removeprefix("${{").removesuffix("}}")
