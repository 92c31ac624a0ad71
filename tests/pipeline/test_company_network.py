"""Targets and hosting API behind a company's proxy and private authority; without the proxy no host resolves."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from company_network import CREDENTIALS, ForwardProxy, forward_proxy

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
sys.path.insert(0, str(Path(__file__).parents[1] / "hosting"))

from console_script import Finished, Scene, open_scene, run
from fake_hosting import FakeHosting, environment_of, serve

SELECTED = ("--address", "galtea.Product/*")
PASSWORD = CREDENTIALS.partition(":")[2]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Galtea is at `galtea.corp.example`, which only the proxy can find."""
    with open_scene(tmp_path_factory.mktemp("corp")) as one:
        config = one.folder / "reconciler.yaml"
        config.write_text(config.read_text().replace(one.urls["galtea"], "http://galtea.corp.example"))
        yield one


@pytest.fixture
def proxy(scene: Scene) -> Iterator[ForwardProxy]:
    with forward_proxy({"galtea.corp.example:80": scene.urls["galtea"].removeprefix("http://")}) as one:
        yield one


def plan(scene: Scene, *arguments: str, **environ: str) -> Finished:
    finished = run(scene.folder, "plan", *SELECTED, *arguments, env={**scene.secrets, **environ})
    assert PASSWORD not in finished.everything
    assert "Traceback" not in finished.everything
    return finished


def test_a_target_behind_the_proxy_of_the_environment(scene: Scene, proxy: ForwardProxy) -> None:
    done = plan(scene, "-v", HTTP_PROXY=proxy.url)
    assert done.code == 0, done
    assert set(proxy.seen) == {"GET galtea.corp.example:80"}
    assert f"galtea.corp.example:80 through the proxy {proxy.address} (HTTP_PROXY)" in done.err


def test_no_proxy_and_the_configuration_switch_it_off(scene: Scene, proxy: ForwardProxy) -> None:
    config = scene.folder / "reconciler.yaml"
    before = config.read_text()
    config.write_text(before.replace("http://galtea.corp.example", "http://galtea.corp.example\n        proxy: none"))
    try:
        direct = plan(scene, HTTP_PROXY=proxy.url)
    finally:
        config.write_text(before)
    excepted = plan(scene, HTTP_PROXY=proxy.url, NO_PROXY=".corp.example")
    assert (direct.code, excepted.code) == (1, 1)
    assert "the host name cannot be resolved" in direct.err
    assert "the host name cannot be resolved" in excepted.err
    assert proxy.seen == []


def test_a_proxy_that_wants_other_credentials(scene: Scene, proxy: ForwardProxy) -> None:
    done = plan(scene, HTTP_PROXY=proxy.url.replace("robot:", "robot:not-"))
    assert done.code == 1
    assert proxy.refused >= 1
    assert "407" in done.err


def test_a_proxy_password_in_the_configuration_is_warned_about(scene: Scene, proxy: ForwardProxy) -> None:
    config = scene.folder / "reconciler.yaml"
    before = config.read_text()
    config.write_text(
        before.replace("http://galtea.corp.example", f"http://galtea.corp.example\n        proxy: {proxy.url}")
    )
    try:
        done = plan(scene)
    finally:
        config.write_text(before)
    assert done.code == 0, done
    assert "literal-secret: `proxy` of galtea holds a secret as plain text" in done.everything


@pytest.mark.parametrize("hosting", ["github", "gitlab"])
def test_a_hosting_api_behind_a_proxy_and_a_private_authority(tmp_path: Path, hosting: str) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("git.corp.example").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "body.md").write_text("<!-- reconciler:target=production -->\n\n### plan")
    with serve(FakeHosting(), tls) as fake:
        address = fake.url.removeprefix("https://")
        fake.url = "https://git.corp.example/api/v3"  # an API below a path, as GitHub Enterprise Server has it
        with forward_proxy({"git.corp.example:443": address}) as proxy:
            env = {**environment_of(fake, hosting), "HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": "ca.pem"}
            done = run(tmp_path, "comment", "--body", "body.md", "-v", env=env)
            bare = run(tmp_path, "comment", "--body", "body.md", "--proxy", "none", env=env)
    assert done.code == 0, done
    assert "(HTTPS_PROXY)" in done.err
    assert "trusts the authorities in ca.pem (SSL_CERT_FILE)" in done.err
    assert PASSWORD not in done.everything + bare.everything
    assert proxy.seen == ["CONNECT git.corp.example:443"]
    assert len(fake.comments[5]) == 1
    assert bare.code == 1
