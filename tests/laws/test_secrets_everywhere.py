"""Secrets of all shapes, a server that echoes them in all spellings, every kind of failure: nothing comes out anywhere.

What is searched: all formats, -vv, reports, saved plans, snapshots, the ledger with its journal and Git objects, the
cache, exported manifests, comments.
"""

from __future__ import annotations

import base64
import html
import itertools
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from repositories import git, git_environment, make_remote, shallow_detached

from reconciler.cli.main import main
from reconciler.core.spellings import LONG
from reconciler.sandbox.http import SandboxRequest, SandboxResponse, json_response, text_response
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.vices import ConnectionDropped

sys.path.insert(0, str(Path(__file__).parents[1] / "hosting"))

from fake_hosting import FakeHosting, environment_of, serve

SECRETS = (
    "kx7#q",  # short
    "zqv9xw7",
    "fake-prefix-secret",
    "fake-prefix-secret-and-more",
    "say \"fake\" to 'this' secret",
    "fake-\u00fcml\u00e4ut-Stra\u00dfe-\u0141\u00f3d\u017a",
    "fake-\U0001f511-of-the-house",
    "<fake>&amp;secret<&>",
    "fake/secret//with/slashes/",
    "correct horse battery fake-staple",
    "first-line-fake-0123456789\nsecond-line-fake-9876543210",
    "ZmFrZS1ub3QtcmVhbC1zZWNyZXQ=",
    "C:\\fake\\secret\\new",
    "100%25fake%2Fsecret",
    "fake+secret=a&b?c#d",
    "${fake}-$SECRET-{0}",
    "4711081547110815",
    "FakeSecretInMIXEDcase",
    "fake\ttabbed\tsecret",
    '{"token": "fake-in-json"}',
    "fake-long-" + "q7W" * 60,
)
LIVE = "live-only-fake-secret-0123456789"  # that no environment has, and no message repeats
LEDGER_KEY = "fake-ledger-key-not-real-but-long-enough"

Spelling = Callable[[str], str]
SPELLINGS: dict[str, Spelling] = {
    "plain": lambda s: s,
    "upper case": str.upper,
    "json": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "json in ascii": lambda s: json.dumps(s)[1:-1],
    "json in json": lambda s: json.dumps(json.dumps(s))[3:-3],
    "python": lambda s: repr(s)[1:-1],
    "go": lambda s: (
        json.dumps(s, ensure_ascii=False)[1:-1]
        .replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    ),
    "html": lambda s: html.escape(s),
    "html without quotes": lambda s: html.escape(s, quote=False),
    "html numbered": lambda s: re.sub(r"[^A-Za-z0-9 ]", lambda m: f"&#{ord(m[0])};", s),
    "percent": lambda s: quote(s, safe=""),
    "percent in lower case": lambda s: re.sub("%..", lambda m: m[0].lower(), quote(s, safe="")),
    "percent but slashes": lambda s: quote(s),
    "percent twice": lambda s: quote(quote(s, safe=""), safe=""),
    "form": lambda s: quote_plus(s),
    "base64": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "base64 for urls": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
    "basic": lambda s: base64.b64encode(f"me:{s}".encode()).decode().rstrip("="),
    "basic of somebody": lambda s: base64.b64encode(f"them:{s}".encode()).decode().rstrip("="),
    "hex": lambda s: s.encode().hex(),
}  # fmt: skip
OTHER_ENCODINGS = ("base64", "base64 for urls", "basic", "basic of somebody", "hex", "upper case")
FAULTS = ("works", "400", "400 as html", "500", "lost", "409", "not kept", "late")
FORMATS = ("text", "markdown", "html", "sarif", "github", "junit", "json")


def _needles() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return what finds any spelling of any secret; a short one as a whole word, and in no other encoding."""
    found: dict[str, str] = {LIVE: "the live one", LEDGER_KEY: "the key of the ledger"}
    short: list[str] = []
    for secret in SECRETS:
        if len(secret) < LONG:
            short.append(secret)
            continue
        for name, spell in SPELLINGS.items():
            found.setdefault(spell(secret), f"{secret!r} in {name}")
    longest = sorted(found, key=len, reverse=True)
    words = [rf"(?<!\w){re.escape(one)}(?!\w)" for one in short]
    return re.compile("|".join([*map(re.escape, longest), *words])), found


PATTERN, NEEDLES = _needles()


def leaks(text: str) -> list[str]:
    return sorted({f"{NEEDLES.get(m[0], m[0])}: {text[max(0, m.start() - 60) : m.end() + 20]!r}"
                   for m in PATTERN.finditer(text)})  # fmt: skip


@dataclass
class Echoing:
    """Rows that answers show with their secrets; each write fails as `faults` say, in words that repeat its secret."""

    name: str = "odd"
    round: int = 0
    failing: bool = False
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    _spelled: Iterator[str] = field(default_factory=lambda: itertools.cycle(SPELLINGS))

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        one = request.path.removeprefix("/things").strip("/")
        if request.method == "GET":
            shown = [{n: v for n, v in row.items() if n != "blind"} for row in self.rows.values()]
            return json_response(200, shown)
        body = json.loads(request.body)
        row = self.rows.get(one, {"id": f"t{len(self.rows)}", "note": "fine"})
        number = int((body.get("name") or row["name"]).removeprefix("one-"))
        fault = FAULTS[(number + self.round) % len(FAULTS)] if self.failing else "works"
        secret = body.get("secret") or row.get("secret") or ""
        self.seen.add((fault, secret))
        said = f"the value {self._spell(secret)} of {number} is not right"
        match fault:
            case "400":
                return json_response(400, {"message": said, "errors": [{"field": "secret", "message": said}]})
            case "400 as html":
                return text_response(400, f"<html><body><h1>Bad</h1><p>{said}</p></body></html>", "text/html")
            case "500":
                return json_response(500, {"error": {"message": said, "trace": [said, f"Authorization: {said}"]}})
            case "409":
                return json_response(409, {"message": said})
            case "not kept":
                body |= {"secret": LIVE, **({"note": said} if number % 2 and len(secret) >= LONG else {})}
        self.rows[row["id"]] = {**row, **body}
        if fault == "lost":
            raise ConnectionDropped(reset=bool(number % 2))
        if fault == "late":
            time.sleep(0.4)
        return json_response(200, self.rows[row["id"]])

    def _spell(self, secret: str) -> str:
        name = next(self._spelled)
        return SPELLINGS["plain" if len(secret) < LONG and name in OTHER_ENCODINGS else name](secret)


KIND = """\
system: odd
---
apiVersion: odd/v1
kind: Thing
schema:
  type: object
  additionalProperties: false
  properties:
    name: {type: string}
    note: {type: string}
    size: {type: integer}
    secret: {type: string, x-sensitive: true}
    blind: {type: string, writeOnly: true, x-sensitive: true}
    id: {type: string, readOnly: true}
identity: {key: [name], name: name}
read: {list: {method: GET, path: /things}}
write:
  create: {method: POST, path: /things}
  update: {method: PATCH, path: "/things/{id}"}
"""


@dataclass
class Place:
    """A repository with its ledger in Git, and everything that commands print."""

    folder: Path
    system: Echoing
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    printed: list[tuple[str, str]] = field(default_factory=list)
    count: Iterator[int] = field(default_factory=itertools.count)

    def write(self, url: str) -> None:
        for name in ("schemas", "manifests"):
            (self.folder / name).mkdir()
        names = ", ".join(f"S{n}" for n in range(len(SECRETS)))
        (self.folder / "schemas" / "odd.yaml").write_text(KIND)
        (self.folder / "reconciler.yaml").write_text(
            f"schemas: [schemas]\ntargets:\n  test:\n    secrets: [{names}]\n"
            "    ledger: {git: refs/reconciler/test}\n    policy: {maxChangeShare: 1}\n"
            f"    systems: {{odd: {{url: '{url}', timeouts: {{read: 0.2}}}}}}\n"
        )
        self.turn(0)

    def turn(self, number: int) -> None:
        """Give each object another secret, and let something open change as well."""
        for n in range(len(SECRETS)):
            self.patch.setenv(f"S{n}", SECRETS[(n + number) % len(SECRETS)])
        (self.folder / "manifests" / "all.yaml").write_text(
            "---\n".join(
                f"apiVersion: odd/v1\nkind: Thing\nmetadata: {{name: one-{n}}}\n"
                f'spec:\n  note: fine\n  size: {number}\n  secret: "${{env:S{n}}}"\n  blind: "${{env:S{n}}}"\n'
                for n in range(len(SECRETS))
            )
        )
        self.system.round = number

    def run(self, *arguments: str, outputs: bool = True) -> int:
        if outputs:
            turn = next(self.count)
            more = (("--output", f"{name}=out/{turn}.{name}") for name in FORMATS[1:])
            arguments = (*arguments, "-vv", *itertools.chain.from_iterable(more))
        code = main(list(arguments))
        shown = self.capture.readouterr()
        self.printed.append((" ".join(arguments[:3]), shown.out + shown.err))
        assert code in (0, 1, 2, 4), shown.err[-2000:]
        return code


def test_no_secret_comes_out_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    remote = make_remote(tmp_path)
    folder = shallow_detached(remote, tmp_path / "ci")
    for name, value in {**git_environment(folder), "RECONCILER_LEDGER_KEY": LEDGER_KEY}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(folder)
    (folder / "out").mkdir()
    system = Echoing()
    with SandboxServer([system]) as server, serve(FakeHosting()) as hosting:
        place = Place(folder, system, monkeypatch, capsys)
        place.write(server.urls["odd"])
        place.run("apply", "--yes")
        system.failing = True
        for number in range(1, len(FAULTS) + 1):
            place.turn(number)
            if number % 2:
                place.run("apply", "--yes", "--show-requests", "--report", f"out/{number}.report.json")
            else:
                place.run("plan", "--show-requests", "--out", f"out/{number}.plan.json")
                system.rows["t3"]["note"] = f"Bearer {SECRETS[3 + number]}"  # somebody was faster
                system.rows["t4"]["secret"] = LIVE
                place.run("apply", "--plan", f"out/{number}.plan.json", "--only-approved")
        system.failing = False
        place.run("apply", "--yes")
        for number, secret in enumerate(SECRETS):
            # In fields that are no secret a short value may be anybody's word, and is shown.
            shown = secret if len(secret) >= LONG else "anything"
            note, name = f"Bearer {shown}", f"theirs {number} {shown}"
            system.rows[f"t{number}"] |= {"note": note, "secret": LIVE, "size": 99}
            theirs = {"id": f"u{number}", "name": name, "note": note, "size": 1}
            system.rows[f"u{number}"] = {**theirs, "secret": LIVE if number % 2 else secret}
        for command in ("plan", "drift", "inventory"):
            place.run(command)
            for form in FORMATS:
                place.run(command, "--format", form, outputs=False)
        place.run("snapshot", "--out", "out/snapshot.json", "-vv", outputs=False)
        place.run("plan", "--snapshot", "out/snapshot.json")
        place.run("drift", "--write")
        place.run("export", "--output", "manifests/new", "-vv", outputs=False)
        for name, value in environment_of(hosting, "github").items():
            monkeypatch.setenv(name, value)
        (body, *_) = sorted((folder / "out").glob("*.markdown"), reverse=True)
        place.run("comment", "--body", str(body), outputs=False)
        comments = [one["body"] for one in hosting.comments[5]]
    assert {fault for fault, _ in system.seen} == set(FAULTS)
    assert {secret for _, secret in system.seen} >= set(SECRETS)
    texts = [*place.printed, *(("comment", one) for one in comments)]
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_relative_to(folder / ".git"):
            texts.append((str(path.relative_to(tmp_path)), path.read_bytes().decode("utf-8", "replace")))
            texts.append((f"name of {path.parent}", path.name))
    for place_of_git in (remote, folder):
        for line in git(place_of_git, "cat-file", "--batch-all-objects", "--batch-check").splitlines():
            digest, sort, _ = line.split()
            if sort in ("blob", "commit"):
                texts.append((f"{sort} {digest}", git(place_of_git, "cat-file", "-p", digest)))
    assert len([name for name, _ in texts if name.startswith("blob")]) > 10
    found = [f"{name}: {leak}" for name, text in texts for leak in leaks(text)]
    assert not found, "\n".join(found[:40])
