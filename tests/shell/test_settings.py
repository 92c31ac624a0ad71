"""The configuration: from a real file and a given environment to settings, or to every mistake at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reconciler.core.errors import InvalidInput, UsageError
from reconciler.core.manifests.expressions import ExpressionError
from reconciler.core.model import Source
from reconciler.shell.network.authentication import (
    Auth,
    BasicAuth,
    BearerAuth,
    HeaderAuth,
    JwtAuth,
    NoAuth,
    OAuth2Auth,
)
from reconciler.shell.settings.loading import (
    SYSTEM_KEYS,
    FileLedger,
    GitLedger,
    PolicySettings,
    Settings,
    environment_value,
    load_settings,
    schema_folders,
)

SMALLEST = "targets: {test: {systems: {shop: {url: 'https://shop.example.com'}}}}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is also the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(folder: Path, text: str, target: str | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    (folder / "reconciler.yaml").write_text(text)
    return load_settings(folder / "reconciler.yaml", target, environ or {})


def mistakes(folder: Path, text: str, target: str | None = None, environ: Mapping[str, str] | None = None) -> list[str]:
    """Every mistake as `line:column message | hint`."""
    with pytest.raises(InvalidInput) as caught:
        load(folder, text, target, environ)
    lines = []
    for found in caught.value.diagnostics:
        assert found.source is not None
        assert found.source.path == "reconciler.yaml"
        assert found.hint
        lines.append(f"{found.source.line}:{found.source.column} {found.message} | {found.hint}")
    return lines


def system(settings: str) -> str:
    """A configuration of one system, whose settings begin in line 4, column 7."""
    body = "\n".join("      " + line for line in settings.splitlines())
    return f"targets:\n  test:\n    systems: {{shop:\n{body}\n    }}\n    secrets: [TOKEN, OTHER_TOKEN]\n"


# --------------------------------------------------------------------------- values


STAGES = (
    "{url: 'https://shop.example.com',\nauth: {plan: {bearer: '${env:TOKEN}'}, apply: {bearer: '${env:OTHER_TOKEN}'}}}"
)


def test_each_stage_signs_in_with_its_own_credentials_and_needs_no_others(folder: Path) -> None:
    (folder / "reconciler.yaml").write_text(system(STAGES))
    reading = load_settings(folder / "reconciler.yaml", None, {"TOKEN": "read"}, stage="plan")
    assert reading.systems["shop"].auth == BearerAuth(token="read")
    writing = load_settings(folder / "reconciler.yaml", None, {"OTHER_TOKEN": "write"}, stage="apply")
    assert writing.systems["shop"].auth == BearerAuth(token="write")
    with pytest.raises(InvalidInput) as caught:
        load_settings(folder / "reconciler.yaml", None, {"TOKEN": "read"}, stage="apply")
    assert [one.message for one in caught.value.diagnostics] == ["the environment variable OTHER_TOKEN is not set"]
    assert "plan" not in {name for one in (reading, writing) for name in one.systems["shop"].parameters}


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ("{plan: {bearer: x}}", "`auth` has no `apply`"),
        ("{apply: {bearer: x}}", "`auth` has no `plan`"),
        ("{plan: {bearer: x}, apply: {bearer: y}, bearer: z}", "excludes other keys | remove bearer"),
        ("{plan: {bearer: x}, apply: {}}", "`apply` must name exactly one of bearer, basic, header, jwt, oauth2"),
        ("{plan: {beare: x}, apply: {bearer: y}}", "unknown key 'beare' | did you mean 'bearer'?"),
        ("{}", "`auth` must name exactly one of bearer, basic, header, jwt, oauth2"),
    ],
)
def test_stages_that_are_not_whole(folder: Path, auth: str, words: str) -> None:
    found = mistakes(folder, system(f"{{url: 'https://shop.example.com',\nauth: {auth}}}"))
    assert any(words in line for line in found), found


def test_a_literal_secret_of_a_stage_is_warned_about(folder: Path) -> None:
    settings = load(folder, system(STAGES.replace("${env:TOKEN}", "literal")), environ={"OTHER_TOKEN": "x"})
    assert [one.code for one in settings.warnings] == ["literal-secret"]


def test_the_smallest_configuration_gets_the_defaults(folder: Path) -> None:
    settings = load(folder, SMALLEST)
    assert settings.target == "test"
    assert settings.root == folder
    assert settings.manifest_paths == (folder / "manifests",)
    assert settings.schema_paths == ()
    assert settings.policy == PolicySettings(prune=False, max_deletes=5, max_change_share=None)
    assert settings.ledger is None
    assert settings.variables == {}
    assert settings.secret_values == frozenset()
    shop = settings.systems["shop"]
    assert shop.auth == NoAuth()
    assert (shop.connect_timeout_s, shop.read_timeout_s) == (10.0, 60.0)
    assert (shop.requests_per_second, shop.concurrency, shop.insecure_skip_verify) == (None, None, False)
    assert (shop.ca_file, shop.proxy, shop.headers, shop.parameters) == (None, None, (), {})


def test_a_full_configuration_becomes_settings(folder: Path) -> None:
    (folder / "ca.pem").write_text("")
    text = """\
manifests: [one, two/three.yaml]
schemas: [kinds]
targets:
  live:
    systems:
      shop:
        url: ${env:SHOP_URL}/v1
        auth: {bearer: "${env:SHOP_TOKEN}"}
        caFile: ca.pem
        proxy: http://user:p%40ss@proxy.example.com:3128
        insecureSkipVerify: true
        timeouts: {connect: 1, read: 2.5}
        requestsPerSecond: 0.5
        concurrency: 4
        headers: {X-Team: "a-${env:TEAM}"}
        edition: wrapped
        workspaceId: 7
    vars: {region: eu, size: 3, on: true, literal: "$${env:NOT_READ}", team: "${env:TEAM}"}
    secrets: [SHOP_URL, SHOP_TOKEN, TEAM, UNUSED, EMPTY]
    policy: {prune: true, maxDeletes: 0, maxChangeShare: 1}
    ledger: {file: state/ledger.json}
"""
    environ = {
        "SHOP_URL": "https://shop.example.com",
        "SHOP_TOKEN": "fake-token-not-real",
        "TEAM": "blue",
        "EMPTY": "",
        "HOME": "/home/somebody",
    }
    settings = load(folder, text, "live", environ)
    shop = settings.systems["shop"]
    assert settings.manifest_paths == (folder / "one", folder / "two" / "three.yaml")
    assert settings.schema_paths == (folder / "kinds",)
    assert shop.url == "https://shop.example.com/v1"
    assert shop.auth == BearerAuth(token="fake-token-not-real")
    assert shop.ca_file == folder / "ca.pem"
    assert shop.proxy == "http://user:p%40ss@proxy.example.com:3128"
    assert shop.insecure_skip_verify is True
    assert (shop.connect_timeout_s, shop.read_timeout_s) == (1.0, 2.5)
    assert (shop.requests_per_second, shop.concurrency) == (0.5, 4)
    assert shop.headers == (("X-Team", "a-blue"),)
    assert shop.source == Source("reconciler.yaml", 6, 7)
    assert shop.parameters == {"edition": "wrapped", "workspaceId": 7}
    assert shop.parameter_sources["workspaceId"] == Source("reconciler.yaml", 17, 9)
    assert settings.variables == {
        "region": "eu", "size": 3, "on": True, "literal": "${env:NOT_READ}", "team": "blue"
    }  # fmt: skip
    assert settings.policy == PolicySettings(prune=True, max_deletes=0, max_change_share=1.0)
    assert settings.ledger == FileLedger(path=folder / "state" / "ledger.json")
    assert settings.allowed_environment == {"SHOP_URL", "SHOP_TOKEN", "TEAM", "UNUSED", "EMPTY"}
    assert dict(settings.environment) == {k: v for k, v in environ.items() if k != "HOME"}
    assert settings.secret_values == {
        "https://shop.example.com", "fake-token-not-real", "blue", "p%40ss", "p@ss"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "auth"),
    [
        pytest.param("none", NoAuth(), id="none"),
        pytest.param("null", NoAuth(), id="null"),
        pytest.param("{basic: {username: u, password: ''}}", BasicAuth(username="u", password=""), id="basic"),
        pytest.param("{header: {name: X-Key, value: k}}", HeaderAuth(name="X-Key", value="k"), id="header"),
        pytest.param("{jwt: {secret: s}}", JwtAuth(secret="s"), id="jwt"),
        pytest.param(
            "{jwt: {secret: s, claims: {sub: me, roles: [a]}, ttlSeconds: 60}}",
            JwtAuth(secret="s", claims=(("sub", "me"), ("roles", ["a"])), ttl_s=60),
            id="jwt-full",
        ),
        pytest.param(
            "{oauth2: {tokenUrl: 'https://t.example.com', clientId: i, clientSecret: s}}",
            OAuth2Auth(token_url="https://t.example.com", client_id="i", client_secret="s", style="body"),
            id="oauth2",
        ),
        pytest.param(
            "{oauth2: {tokenUrl: 'https://t.example.com', clientId: i, clientSecret: s, "
            "scopes: [a, b], audience: x, style: basic}}",
            OAuth2Auth(
                token_url="https://t.example.com",
                client_id="i",
                client_secret="s",
                scopes=("a", "b"),
                audience="x",
                style="basic",
            ),
            id="oauth2-full",
        ),
    ],
)
def test_every_way_to_sign_in(folder: Path, text: str, auth: Auth) -> None:
    settings = load(folder, system(f"{{url: 'https://shop.example.com', auth: {text}}}"))
    assert settings.systems["shop"].auth == auth


def test_a_ledger_in_git(folder: Path) -> None:
    settings = load(folder, SMALLEST.replace("test: {", "test: {ledger: {git: refs/reconciler/test}, "))
    assert settings.ledger == GitLedger(ref="refs/reconciler/test", remote="origin")


def test_settings_know_which_keys_of_a_system_are_no_parameters() -> None:
    assert {"url", "auth", "caFile", "requestsPerSecond", "insecureSkipVerify"} <= set(SYSTEM_KEYS)


# --------------------------------------------------------------------------- targets


TWO = SMALLEST[:-1] + ", stage: {systems: {shop: {url: '${env:STAGE_URL}'}}, secrets: [STAGE_URL]}}"


def test_the_target_is_the_given_one_or_the_only_one(folder: Path) -> None:
    assert load(folder, TWO, "test").target == "test"
    assert load(folder, TWO, "stage", {"STAGE_URL": "https://stage.example.com"}).target == "stage"
    with pytest.raises(UsageError) as caught:
        load(folder, TWO)
    assert "test, stage" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        load(folder, TWO, "stag")
    assert "'stag'" in caught.value.message
    assert caught.value.hint == "did you mean 'stage'? the targets are test, stage"


def test_a_missing_configuration_says_how_to_begin(folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(Path("reconciler.yaml"), None, {})
    assert "reconciler.yaml" in caught.value.message
    assert "reconciler sandbox --dir DIR" in caught.value.hint
    example = caught.value.hint.split("looks like this:\n")[1]
    assert load(folder, example, None, {"EXAMPLE_TOKEN": "fake-token-not-real"}).target == "production"


def test_own_kinds_are_found_without_a_target_or_an_environment(folder: Path) -> None:
    config = folder / "reconciler.yaml"
    assert schema_folders(config) == []
    config.write_text("schemas: [kinds, /opt/kinds]\n" + TWO)
    assert schema_folders(Path("reconciler.yaml")) == [folder / "kinds", Path("/opt/kinds")]
    config.write_text("schemas: kinds\n" + TWO)
    with pytest.raises(InvalidInput):
        schema_folders(config)


# --------------------------------------------------------------------------- environment


class Watched(Mapping[str, str]):
    """An environment that remembers which values were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values_by_name = dict(values)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the environment is never listed")

    def __len__(self) -> int:
        return len(self.values_by_name)


def test_only_names_on_the_list_of_the_chosen_target_are_read(folder: Path) -> None:
    environ = Watched({"STAGE_URL": "https://stage.example.com", "HOME": "/home/somebody"})
    load(folder, TWO, "test", environ)
    assert environ.asked == set()
    load(folder, TWO, "stage", environ)
    assert environ.asked == {"STAGE_URL"}
    mistakes(folder, system("{url: 'https://${env:HOME}', auth: {bearer: '${env:TOKEN}'}}"), None, environ)
    assert "HOME" not in environ.asked


def test_all_names_that_cannot_be_read_come_at_once(folder: Path) -> None:
    text = system(
        "{url: 'https://${env:EMPTY}',\n"
        " auth: {basic: {username: '${env:TOKEN}', password: '${env:OTHER_TOKN}'}},\n"
        " a: '${env:OTHER_TOKEN}', b: '${var:x}', c: '${env:', d: '${enw:TOKEN}'}"
    )
    suggestion = "did you mean 'OTHER_TOKEN'? Otherwise list"
    advice = "under `secrets` of target test in the configuration"
    assert mistakes(folder, text, None, {"OTHER_TOKEN": "", "EMPTY": "x"}) == [
        f"4:13 the environment variable EMPTY may not be read | list EMPTY {advice}",
        "5:33 the environment variable TOKEN is not set | set TOKEN before the run",
        f"5:59 the environment variable OTHER_TOKN may not be read | {suggestion} OTHER_TOKN {advice}",
        "6:11 the environment variable OTHER_TOKEN is empty | set OTHER_TOKEN before the run",
        "6:36 `${var:…}` is not filled in here | the configuration may hold ${env:NAME} only",
        "6:51 a `${` without its `}` | write `$${` to mean the characters themselves",
        "6:64 unknown expression `${enw:TOKEN}` | did you mean 'env'?",
    ]


def test_values_from_the_environment_meet_the_rules_and_are_never_shown(folder: Path) -> None:
    text = system("{url: '${env:TOKEN}', auth: {bearer: '${env:OTHER_TOKEN}'}}")
    lines = mistakes(folder, text, None, {"TOKEN": "fake-token-not-real", "OTHER_TOKEN": "fake-other\n"})
    assert [line.split(" | ")[0] for line in lines] == [
        "4:13 `url` must be a URL",
        "4:44 `bearer` holds a line break, a control character or outer blanks, which no header can",
    ]
    assert lines[0].endswith("(it comes from TOKEN)")
    assert not any("fake" in line for line in lines)


def test_a_value_from_the_environment_is_never_searched_again(folder: Path) -> None:
    text = system("{url: 'https://shop.example.com', auth: {bearer: '${env:TOKEN}'}}")
    settings = load(folder, text, None, {"TOKEN": "${env:OTHER_TOKEN}", "OTHER_TOKEN": "fake"})
    assert settings.systems["shop"].auth == BearerAuth(token="${env:OTHER_TOKEN}")
    bad = system("{url: '${env:TOKEN}'}")
    assert mistakes(folder, bad, None, {"TOKEN": "${not a url}"})[0].startswith("4:13 `url` must be a URL")


def test_names_of_secrets_and_paths_are_not_filled_in(folder: Path) -> None:
    text = "manifests: ['${env:A}']\n" + SMALLEST.replace("test: {", "test: {secrets: ['${env:A}'], ")
    lines = mistakes(folder, text, None, {"A": "B"})
    assert [line.split(" | ")[0] for line in lines] == [
        "1:13 `${…}` is not filled in here",
        "2:28 item 1 of `secrets` must be the name of an environment variable",
    ]


def test_manifests_get_their_environment_from_the_settings(folder: Path) -> None:
    text = SMALLEST.replace("test: {", "test: {secrets: [TOKEN, EMPTY], ")
    settings = load(folder, text, None, {"TOKEN": "fake-token-not-real", "EMPTY": "", "HOME": "/"})
    assert environment_value(settings, "TOKEN") == "fake-token-not-real"
    for name, words in (("EMPTY", "is empty"), ("HOME", "may not be read"), ("TOKN", "may not be read")):
        with pytest.raises(ExpressionError, match=words) as caught:
            environment_value(settings, name)
        assert caught.value.hint
    assert settings.secret_values == {"fake-token-not-real"}


def test_no_secret_shows_in_any_repr(folder: Path) -> None:
    secret = "fake-secret-not-real"
    quoted = '"${env:TOKEN}"'
    ways = (
        "{bearer: %}", "{basic: {username: %, password: %}}", "{header: {name: X, value: %}}",
        "{jwt: {secret: %, claims: {sub: %}}}",
        "{oauth2: {tokenUrl: 'https://t.example.com', clientId: %, clientSecret: %, scopes: [%]}}",
    )  # fmt: skip
    for way in ways:
        text = system(
            """{url: "https://h.example.com/${env:TOKEN}", proxy: "http://u:${env:TOKEN}@h","""
            f" headers: {{X: %}}, p: %, auth: {way}}}"
        )
        text = (text + "    vars: {v: %}\n    ledger: {file: %}\n").replace("%", quoted)
        settings = load(folder, text, None, {"TOKEN": secret})
        assert secret in settings.systems["shop"].url
        for value in (settings, *settings.systems.values(), settings.environment, settings.ledger):
            assert secret not in repr(value)
            assert secret not in str(value)
        assert secret in settings.secret_values


# --------------------------------------------------------------------------- mistakes


def test_every_mistake_comes_at_once_with_its_place(folder: Path) -> None:
    text = """\
manifest: [m]
manifests: m
schemas: [1, ""]
targets:
  test:
    systems:
      one: {auth: {bearer: a, jtw: {}}, requestPerSecond: 1, concurrency: 101}
      two: {url: ftp://x, timeouts: {conect: 1, read: 0}, insecureSkipVerify: yes, p: [1]}
      three: {url: "https://u:p@h", headers: {Authorization: x, "a b": c}, concurrency: true}
      "bad name": 3
    vars: {a: {b: 1}}
    polcy: {}
    policy: {prune: "no", maxDeletes: -1, maxChangeShare: 2}
    ledger: {file: a, git: refs/a}
"""
    messages = [line.split(" | ")[0] for line in mistakes(folder, text)]
    assert messages == [
        "1:1 unknown key 'manifest'",
        "2:12 `manifests` must be a list",
        "3:11 item 1 of `schemas` must be text",
        "3:14 item 2 of `schemas` must not be empty",
        "7:12 `url` is missing in `one`",
        "7:31 unknown key 'jtw'",
        "7:41 unknown key 'requestPerSecond'",
        "7:75 `concurrency` must be at most 100",
        "8:18 `url` must be a URL",
        "8:38 unknown key 'conect'",
        "8:55 `read` must be greater than 0.0",
        "8:79 `insecureSkipVerify` must be true or false",
        "8:87 `p` must be a single value, not a list or a mapping",
        "9:20 `url` may not hold a user name or password",
        "9:47 `Authorization` may not be a fixed header",
        "9:65 `a b` is no header name",
        "9:89 `concurrency` must be a whole number",
        "10:7 `bad name` is no valid name here",
        "10:19 `bad name` must be a mapping",
        "11:15 `a` must be a single value, not a list or a mapping",
        "12:5 unknown key 'polcy'",
        "13:21 `prune` must be true or false",
        "13:39 `maxDeletes` must be at least 0",
        "13:59 `maxChangeShare` must be at most 1.0",
        "14:13 `ledger` must name exactly one of file, git",
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param("{url: 'https://x', ca_file: a}", "did you mean 'caFile'?", id="snake-case"),
        pytest.param("{url: 'https://x', timeout: 1}", "did you mean 'timeouts'?", id="singular"),
        pytest.param("{url: 'https://x', concurency: 1}", "did you mean 'concurrency'?", id="spelling"),
        pytest.param("{url: 'https://x', timeouts: {total: 1}}", "are connect, read", id="nothing-near"),
        pytest.param("{url: 'https://x', auth: {}}", "found none of them", id="no-way-to-sign-in"),
        pytest.param("{url: 'https://x', auth: {bearer: a, jwt: {secret: b}}}", "bearer and jwt", id="two"),
        pytest.param("{url: 'https://x/?a=1'}", "end it after the path", id="query"),
        pytest.param("{url: 'https://x/#a'}", "end it after the path", id="fragment"),
        pytest.param("{url: 'https://x:port'}", "must be a URL", id="port"),
        pytest.param("{url: 'https://'}", "must be a URL", id="no-host"),
        pytest.param("{url: x.example.com}", "must be a URL", id="no-scheme"),
        pytest.param("{url: 'https://x y'}", "must be a URL", id="blank"),
        pytest.param("{url: 'https://x', proxy: 'socks5://x'}", "`proxy` must be a URL", id="proxy"),
        pytest.param("{url: 'https://x', caFile: no.pem}", "`caFile` names no file", id="ca-file"),
        pytest.param("{url: 'https://x', concurrency: '${env:TOKEN}'}", "values are text", id="number"),
        pytest.param(
            "{url: http://x, auth: {oauth2: {tokenUrl: http://t, clientId: i, clientSecret: s, style: c}}}",
            "`style` must be one of 'body' or 'basic'",
            id="style",
        ),
        pytest.param("{url: 'https://x', auth: {jwt: {secret: s, ttlSeconds: 0}}}", "than 0", id="ttl"),
        pytest.param("{url: 2020-01-01}", "put it in quotes", id="plain-json-only"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_system_says_what_to_do(folder: Path, settings: str, expected: str) -> None:
    lines = mistakes(folder, system(settings), None, {"TOKEN": "1"})
    assert len(lines) == 1
    assert expected in lines[0]
    assert lines[0].startswith("4:")


@pytest.mark.parametrize(
    "ref",
    [
        "main",
        "refs",
        "refs/",
        "refs/a..b",
        "refs/a b",
        "refs/.a",
        "refs/a.lock",
        "refs/a/",
        "refs/a~1",
        "refs/a.",
    ],
)
def test_a_ledger_needs_a_full_git_ref(folder: Path, ref: str) -> None:
    text = SMALLEST.replace("test: {", f"test: {{ledger: {{git: '{ref}'}}, ")
    assert [line.split(" | ")[0] for line in mistakes(folder, text)] == ["1:32 `git` must be a full Git ref"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "0:0 the configuration must be one document", id="empty"),
        pytest.param("a: 1\n---\nb: 1\n", "3:1 the configuration must be one document", id="two-documents"),
        pytest.param("- a", "1:1 the configuration must be a mapping", id="list"),
        pytest.param("${env:A}", "1:1 the configuration must be a mapping", id="text"),
        pytest.param("manifests: [a]", "1:1 `targets` is missing", id="no-targets"),
        pytest.param("targets: {}", "1:10 `targets` must not be empty", id="empty-targets"),
        pytest.param("targets: [a]", "1:10 `targets` must be a mapping", id="list-of-targets"),
        pytest.param("targets: {test: }", "1:11 `test` must be a mapping", id="empty-target"),
        pytest.param("targets: {test: {systems: {}}}", "1:27 `systems` must not be empty", id="no-systems"),
        pytest.param("targets: {policy: {x: 1, systems: {auth: 1}}}", "1:20 unknown key 'x'", id="odd-names"),
        pytest.param("targets: {t: {'[key]': 1, systems: 1}}", "1:15 unknown key '[key]'", id="odd-key"),
        pytest.param("a: 'x", "1:4 a quoted text is not closed", id="syntax"),
    ],
)
def test_a_configuration_of_the_wrong_shape(folder: Path, text: str, expected: str) -> None:
    assert mistakes(folder, text)[0].split(" | ")[0] == expected


def test_environment_lists_what_may_be_read_and_is_no_secret(folder: Path) -> None:
    text = "targets: {test: {systems: {shop: {url: '${env:URL}', auth: {bearer: '${env:TOKEN}'}}}, "
    text += "secrets: [TOKEN], environment: [URL, LOGIN]}}"
    environ = {"URL": "https://shop.example", "TOKEN": "fake-token-not-real", "LOGIN": "admin"}
    settings = load(folder, text, None, environ)
    assert settings.systems["shop"].url == "https://shop.example"
    assert settings.secret_values == {"fake-token-not-real"}
    assert settings.open_environment == {"URL", "LOGIN"}
    assert {name: environment_value(settings, name) for name in environ} == environ


def test_a_name_is_a_secret_or_none(folder: Path) -> None:
    text = SMALLEST.replace("test: {", "test: {secrets: [A, B], environment: [B, C], ")
    with pytest.raises(InvalidInput) as caught:
        load(folder, text)
    (found,) = caught.value.diagnostics
    assert "lists B under `secrets` and under `environment`" in found.message
