"""Kinds of servers that nobody here wrote, on these servers. Needs their packages, so it runs only when asked:

RECONCILER_SERVERS=1 python -m pytest tests/servers
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))

from console_script import Finished, run
from server_software import Software, Unavailable, running

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    os.environ.get("RECONCILER_SERVERS", "") in ("", "0"),
    reason="installs and starts third-party servers; RECONCILER_SERVERS=1 asks for it",
)


def call(method: str, url: str, body: Any = None, auth: tuple[str, str] | None = None) -> Any:
    """Act as somebody else would, with the server's own API."""
    response = httpx.request(method, url, json=body, auth=auth)
    assert response.status_code < 300, response.text
    return response.json() if response.content.strip() else None


# --------------------------------------------------------------------------- the servers


ETCD = Software(
    name="etcd",
    debian=["etcd-server"],
    program="usr/bin/etcd",
    command=[
        "{program}",
        *("--data-dir", "{folder}/data"),
        *("--listen-client-urls", "http://127.0.0.1:{port}", "--advertise-client-urls", "http://127.0.0.1:{port}"),
        *("--listen-peer-urls", "http://127.0.0.1:{port2}"),
        *("--initial-advertise-peer-urls", "http://127.0.0.1:{port2}"),
        *("--initial-cluster", "default=http://127.0.0.1:{port2}"),
    ],
    ready="/health",
)
MOUNTEBANK = Software(
    name="mountebank",
    npm="mountebank@2.9.1",
    program="node_modules/.bin/mb",
    command=["{program}", "--port", "{port}", "--localOnly", "--nologfile", "--pidfile", "{folder}/mb.pid"],
    ready="/imposters",
)
NODE_RED = Software(
    name="node-red",
    npm="node-red@4.1.1",
    program="node_modules/.bin/node-red",
    command=["{program}", "-p", "{port}", "-u", "{folder}"],
    ready="/flows",
)
CADDY = Software(
    name="caddy",
    debian=["caddy"],
    program="usr/bin/caddy",
    command=["{program}", "run", "--config", "{folder}/caddy.json"],
    files={
        "caddy.json": '{"admin": {"listen": "127.0.0.1:{port}"}, "apps": {"http": {"servers": {"srv0": '
        '{"listen": ["127.0.0.1:{port2}"], "routes": []}}}}}'
    },
    environment={"XDG_CONFIG_HOME": "{folder}", "XDG_DATA_HOME": "{folder}"},
    ready="/config/",
)
# Debian's Erlang looks for itself below /usr; its program stands in for its script, and is told where it really is.
# The port mapper is started here, so that it ends together with the server.
RABBITMQ_START = """\
program={program}
root=${program%/usr/sbin/rabbitmq-server}
home=$(echo "$root"/usr/lib/rabbitmq/lib/rabbitmq_server-*)
export ROOTDIR="$root/usr/lib/erlang" EMU=beam PROGNAME=erl
export BINDIR=$(echo "$ROOTDIR"/erts-*/bin)
mkdir -p {folder}/bin
ln -sf "$BINDIR/erlexec" {folder}/bin/erl
export PATH="{folder}/bin:$BINDIR:$PATH" RABBITMQ_PLUGINS_DIR="$home/plugins"
epmd &
sleep 1
exec "$home/sbin/rabbitmq-server"
"""
RABBITMQ = Software(
    name="rabbitmq",
    debian=[
        "rabbitmq-server",
        *("erlang-asn1", "erlang-base", "erlang-crypto", "erlang-eldap", "erlang-ftp", "erlang-inets"),
        *("erlang-mnesia", "erlang-os-mon", "erlang-parsetools", "erlang-public-key", "erlang-runtime-tools"),
        *("erlang-snmp", "erlang-ssl", "erlang-syntax-tools", "erlang-tftp", "erlang-tools", "erlang-xmerl"),
    ],
    program="usr/sbin/rabbitmq-server",
    command=["sh", "{folder}/start.sh"],
    files={
        "start.sh": RABBITMQ_START,
        "rabbitmq.conf": "listeners.tcp = none\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port}\n",
        "enabled_plugins": "[rabbitmq_management].\n",
    },
    environment={
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": "{port2}",
        "RABBITMQ_NODENAME": "tests@localhost",
        "RABBITMQ_DIST_PORT": "{port3}",
        "RABBITMQ_CONF_ENV_FILE": "{folder}/no-such-file",
        "RABBITMQ_CONFIG_FILE": "{folder}/rabbitmq.conf",
        "RABBITMQ_ENABLED_PLUGINS_FILE": "{folder}/enabled_plugins",
        "RABBITMQ_MNESIA_BASE": "{folder}/mnesia",
        "RABBITMQ_LOG_BASE": "{folder}/log",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
    },
    ready="/api/overview",
)
MLFLOW = Software(
    name="mlflow",
    python="mlflow==3.17.2",
    program="bin/python",
    command=[
        *("{program}", "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1"),
        *("--backend-store-uri", "sqlite:///{folder}/mlflow.db"),
    ],
    environment={"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
    ready="/health",
)


# --------------------------------------------------------------------------- somebody else, by hand


def _etcd_by_hand(url: str) -> None:
    call("POST", url + "/kv/put", {"key": "L2FwcC9saW1pdA==", "value": "MTE="})
    call("POST", url + "/kv/put", {"key": "L290aGVy", "value": "MQ=="})  # of somebody else
    call("POST", url + "/auth/role/grant", {"name": "app", "perm": {"key": "L2FwcC9saW1pdA==", "permType": "WRITE"}})


def _etcd_kept(url: str) -> None:
    assert call("POST", url + "/kv/range", {"key": "L290aGVy"})["kvs"][0]["value"] == "MQ=="


def _mountebank_by_hand(url: str) -> None:
    stubs = call("GET", url + "/imposters/24101")["stubs"]
    stubs[0]["responses"][0]["is"]["statusCode"] = 503
    call("PUT", url + "/imposters/24101/stubs", {"stubs": stubs})


def _mountebank_kept(url: str) -> None:
    assert call("GET", url + "/imposters/24101")["stubs"][0]["responses"][0]["is"] == {"statusCode": 200, "body": "[]"}


def _node_red_flow(url: str) -> tuple[str, Any]:
    (found,) = [one["id"] for one in call("GET", url + "/flows") if one.get("label") == "heartbeat"]
    return found, call("GET", f"{url}/flow/{found}")


def _node_red_by_hand(url: str) -> None:
    found, flow = _node_red_flow(url)
    flow["nodes"][0]["repeat"] = "10"
    flow["env"] = [{"name": "A", "value": "1", "type": "str"}]  # nothing that the kind knows of
    call("PUT", f"{url}/flow/{found}", flow)


def _node_red_kept(url: str) -> None:
    _, flow = _node_red_flow(url)
    assert flow["env"] == [{"name": "A", "value": "1", "type": "str"}]
    assert flow["nodes"][0]["repeat"] == "60"


def _caddy_by_hand(url: str) -> None:
    route = call("GET", url + "/id/health")
    call("PATCH", url + "/id/health", {**route, "group": "g1", "match": [{"path": ["/healthz"]}]})
    call("POST", url + "/config/apps/http/servers/srv0/routes", {"handle": [{"handler": "static_response"}]})


def _caddy_kept(url: str) -> None:
    assert call("GET", url + "/id/health")["group"] == "g1"
    assert len(call("GET", url + "/config/apps/http/servers/srv0/routes")) == 3


GUEST = ("guest", "guest")  # as RabbitMQ ships, for loopback only


def _rabbitmq_by_hand(url: str) -> None:
    stored = call("GET", url + "/users/billing", auth=GUEST)["password_hash"]
    call("PUT", url + "/users/billing", {"tags": "management", "password_hash": stored}, GUEST)
    call("PUT", url + "/vhosts/shop%2Feu", {"description": "by hand", "tags": "eu,production"}, GUEST)
    call("PUT", url + "/permissions/shop%2Feu/billing", {"configure": "", "write": ".*", "read": ".*"}, GUEST)
    call("DELETE", url + "/bindings/shop%2Feu/e/orders/q/billing.orders/order.%252A%252Fpaid", auth=GUEST)
    call("PUT", url + "/queues/shop%2Feu/theirs", {}, GUEST)


def _rabbitmq_kept(url: str) -> None:
    assert call("GET", url + "/whoami", auth=("billing", "fake-password-not-real"))["name"] == "billing"
    assert call("GET", url + "/queues/shop%2Feu/theirs", auth=GUEST)["name"] == "theirs"


def _mlflow_by_hand(url: str) -> None:
    (alias,) = call("GET", url + "/registered-models/get?name=churn%20model")["registered_model"]["aliases"]
    other = {"1": "2", "2": "1"}[alias["version"]]
    call("POST", url + "/registered-models/alias", {"name": "churn model", "alias": "champion", "version": other})
    call("PATCH", url + "/registered-models/update", {"name": "churn model", "description": "by hand"})
    found = call("POST", url + "/experiments/search", {"max_results": 10})["experiments"]
    ids = {one["name"]: one["experiment_id"] for one in found}
    tag = {"experiment_id": ids["churn"], "key": "team", "value": "sales"}
    call("POST", url + "/experiments/set-experiment-tag", tag)
    call("POST", url + "/experiments/set-experiment-tag", {**tag, "key": "theirs"})
    call("POST", url + "/experiments/delete", {"experiment_id": ids["pricing"]})


def _mlflow_kept(url: str) -> None:
    found = call("POST", url + "/experiments/search", {"max_results": 10, "view_type": "ALL"})["experiments"]
    assert sorted(one["name"] for one in found) == ["Default", "churn", "forecast/2030", "pricing"]
    (churn,) = [one for one in found if one["name"] == "churn"]
    assert {"key": "theirs", "value": "sales"} in churn["tags"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One server with its kinds, and what somebody else does to it by hand."""

    software: Software
    base: str = ""  # path of the system's url
    auth: str = ""  # of the system, as reconciler.yaml states it
    by_hand: Callable[[str], None]
    shows: dict[str, set[str]]  # paths that a plan then shows, by address
    kept: Callable[[str], None]  # asserts what must have survived that the plan was applied
    change: tuple[str, str]  # in the manifests: old and new text
    changes: dict[str, set[str]]
    ends: bool = False  # whether all that the manifests state can be taken away, and made again


CASES = [
    Case(
        software=ETCD,
        base="/v3",
        by_hand=_etcd_by_hand,
        shows={"etcd.Key/limit": {"/value"}, "etcd.Permission/app-writes-its-limit": {"/permType"}},
        kept=_etcd_kept,
        change=("grüß dich", "servus"),
        changes={"etcd.Key/greeting": {"/value"}},
    ),
    Case(
        software=MOUNTEBANK,
        by_hand=_mountebank_by_hand,
        shows={"mountebank.Imposter/billing": {"/stubs/0/responses/0/is/statusCode"}},
        kept=_mountebank_kept,
        change=("220 ready", "220 at your service"),
        changes={"mountebank.Imposter/mail": {"/stubs/0/responses/0/is/data"}},
    ),
    Case(
        software=NODE_RED,
        by_hand=_node_red_by_hand,
        shows={"node-red.Flow/heartbeat": {"/nodes/beat/repeat"}},
        kept=_node_red_kept,
        change=("disabled: true", "disabled: false"),
        changes={"node-red.Flow/draft": {"/disabled"}},
    ),
    Case(
        software=CADDY,
        by_hand=_caddy_by_hand,
        shows={"caddy.Route/health": {"/match/0/path"}},
        kept=_caddy_kept,
        change=("status_code: 301", "status_code: 308"),
        changes={"caddy.Route/old-shop": {"/handle/0/status_code"}},
    ),
    Case(
        software=RABBITMQ,
        base="/api",
        auth="{basic: {username: guest, password: guest}}",
        by_hand=_rabbitmq_by_hand,
        shows={
            "rabbitmq.User/billing": {"/tags"},
            "rabbitmq.Vhost/shop": {"/description"},
            "rabbitmq.Permission/billing-in-shop": {"/configure"},
            "rabbitmq.Binding/orders-to-billing": {"/vhost", "/source", "/to", "/destination", "/routing_key"},
        },
        kept=_rabbitmq_kept,
        change=("max-length: 1000", "max-length: 500"),
        changes={"rabbitmq.Policy/short": {"/definition/max-length"}},
        ends=True,
    ),
    Case(
        software=MLFLOW,
        base="/api/2.0/mlflow",
        by_hand=_mlflow_by_hand,
        shows={
            "mlflow.ModelAlias/champion": {"/version"},
            "mlflow.RegisteredModel/churn": {"/description"},
            "mlflow.ExperimentTag/churn-team": {"/value"},
            "mlflow.Experiment/pricing": {"/lifecycle_stage"},
        },
        kept=_mlflow_kept,
        change=("ModelVersion/churn-a#", "ModelVersion/churn-b#"),
        changes={"mlflow.ModelAlias/champion": {"/version"}},
        ends=True,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder with configuration, kinds and manifests for a server that runs at `url`."""

    case: Case
    folder: Path
    url: str

    def reconciler(self, *arguments: str) -> Finished:
        return run(self.folder, *arguments)

    def pending(self) -> dict[str, set[str]]:
        """Return the paths that a plan shows, by address."""
        done = self.reconciler("plan", "--format", "json")
        assert done.code == 0, done
        changes = json.loads(done.out)["changes"]
        return {c["address"]: {f["path"] for f in c["fields"]} for c in changes if c["action"] != "unchanged"}

    def settle(self) -> None:
        """Apply, and see that nothing is left to do."""
        done = self.reconciler("apply", "--yes")
        assert done.code == 0, done
        assert self.pending() == {}


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.software.name)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    case: Case = request.param
    folder = tmp_path_factory.mktemp(case.software.name)
    (folder / "data").mkdir()
    try:
        with running(case.software, folder / "data") as address:
            for name in ("kinds.yaml", "manifests.yaml"):
                (folder / name).write_text((HERE / case.software.name / name).read_text())
            auth = f", auth: {case.auth}" if case.auth else ""
            (folder / "reconciler.yaml").write_text(
                "manifests: [manifests.yaml]\nschemas: [kinds.yaml]\ntargets:\n  here:\n"
                f'    systems: {{{case.software.name}: {{url: "{address}{case.base}"{auth}}}}}\n'
                "    vars: {password: fake-password-not-real}\n"
                "    policy: {maxDeletes: 50}\n"
            )
            yield Place(case=case, folder=folder, url=address + case.base)
    except Unavailable as error:
        pytest.skip(str(error))


def test_the_definitions_are_in_order(place: Place) -> None:
    done = place.reconciler("kinds", "check")
    assert done.code == 0, done
    assert "no mistake" in done.out or "all in order" in done.out, done


def test_the_whole_story(place: Place) -> None:
    made = place.pending()
    assert made
    place.settle()
    place.case.by_hand(place.url)
    assert place.pending() == place.case.shows
    place.settle()
    place.case.kept(place.url)
    manifests = place.folder / "manifests.yaml"
    old, new = place.case.change
    assert manifests.read_text().count(old) == 1
    manifests.write_text(manifests.read_text().replace(old, new))
    assert place.pending() == place.case.changes
    place.settle()
    place.case.kept(place.url)
    if place.case.ends:
        done = place.reconciler("destroy", "--yes", "*")
        assert done.code == 0, done
        assert place.pending().keys() >= made.keys() - {"rabbitmq.TopicPermission/billing-orders"}
        place.settle()
