"""`inventory` and `export` of objects whose id or key is secret: printed nowhere, and part of no name."""

from __future__ import annotations

import itertools
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from odd_api import SandboxRequest, SandboxResponse, json_response

from reconciler.cli.main import main
from reconciler.sandbox.server import SandboxServer

TOKENS = ("live-token/0123456789", "live-token/9876543210")
KNOWN = "fake/known-secret-0123456789"
FORMATS = ("markdown", "html", "sarif", "github", "junit", "json")
KIND = """
apiVersion: odd/v1
kind: Thing
schema:
  type: object
  additionalProperties: false
  properties:
    name: {type: string}
    size: {type: integer}
    token: {type: string, x-sensitive: true%(token)s}
    id: {type: string, readOnly: true}
identity: %(identity)s
read: {list: {method: GET, path: /things}}
write: {create: {method: POST, path: /things}, update: {method: PATCH, path: "/things/{id}"}}
"""
SHAPES: dict[str, dict[str, Any]] = {
    "secret id": {"identity": "{id: /token, key: [name]}", "token": ", readOnly: true"},
    "secret key": {"identity": "{id: /id, key: [token]}", "token": ""},
    "secret id and key": {"identity": "{id: /token, key: [token]}", "token": ""},
    "key that is a known secret": {"identity": "{id: /id, key: [name]}", "token": "", "name": KNOWN},
    "id that is a known secret": {"identity": "{id: /id, key: [token]}", "token": "", "id": KNOWN},
}


class Things:
    name = "odd"

    def __init__(self, shape: dict[str, Any]) -> None:
        self.rows = [
            {"id": f"t{n}", "name": f"thing-{n}", "size": n, "token": token} for n, token in enumerate(TOKENS, 1)
        ]
        self.rows[0] |= {name: shape[name] for name in ("name", "id") if name in shape}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        return json_response(200, self.rows)


def place(folder: Path, shape: dict[str, Any], url: str) -> None:
    (folder / "schemas").mkdir()
    (folder / "manifests").mkdir()
    (folder / "schemas" / "odd.yaml").write_text("system: odd\n---" + KIND % shape)
    (folder / "reconciler.yaml").write_text(
        f"schemas: [schemas]\ntargets:\n  test:\n    secrets: [KNOWN]\n    systems: {{odd: {{url: '{url}'}}}}\n"
    )


def assert_clean(text: str) -> None:
    for secret in (*TOKENS, KNOWN):
        digest = sha256(secret.encode()).hexdigest()[:8]
        for spelling in (secret, secret.replace("/", "-"), secret.replace("/", "\\/"), digest):
            assert spelling.lower() not in text.lower(), (spelling, text)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_of_a_secret_identity_is_printed_or_in_a_name(
    tmp_path: Path, shape: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KNOWN", KNOWN)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with SandboxServer([Things(SHAPES[shape])]) as server:
        place(tmp_path, SHAPES[shape], server.urls["odd"])
        outputs = itertools.chain.from_iterable(("--output", f"{name}=out.{name}") for name in FORMATS)
        assert main(["inventory", "-vv", *outputs]) == 0
        assert main(["inventory", "-vv", "--format", "json"]) == 0
        assert main(["export", "--output", "manifests", "--dry-run"]) == 0
        assert main(["export", "--output", "manifests"]) in (0, 2)
    shown = capsys.readouterr()
    assert_clean(shown.out + shown.err)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len([path for path in written if path.is_relative_to(tmp_path / "manifests")]) == 2
    for path in written:
        assert_clean(str(path.relative_to(tmp_path)))
        assert_clean(path.read_text(errors="replace"))
