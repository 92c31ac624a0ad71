"""Drafts are complete: with the decisions of a person made, plan and apply work, and the second plan is empty."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tiny_apis import Buckets, Catalog, Directory, Forge, Incidents, Mailer, Served, serve

from reconciler.cli.main import main
from reconciler.core.model import Plan
from reconciler.core.report import Status
from reconciler.workflow.commands import Connections, Options, apply, load, plan

DOCUMENTS = Path(__file__).parent / "documents"
SECRETS = {"SECRET": "fake-secret-not-real"}

CONFIG = """\
schemas: [schemas]
targets:
  test:
    systems:
      {system}: {{url: {url}, auth: none{more}}}
    secrets: [SECRET]
"""


@dataclass
class Bench:
    """A workspace with drafted kinds, in front of a small API."""

    folder: Path
    served: Served

    @classmethod
    def drafted(cls, folder: Path, served: Served, document: str) -> Bench:
        assert main(["kinds", "from-openapi", str(DOCUMENTS / document), "--output", str(folder / "schemas")]) == 0
        return cls(folder, served)

    def decide(self, file: str, before: str, after: str) -> None:
        """Change a draft as a person would."""
        path = self.folder / "schemas" / file
        text = path.read_text()
        assert text.count(before) == 1, text
        path.write_text(text.replace(before, after))

    def configure(self, system: str, path: str = "", more: str = "") -> None:
        text = CONFIG.format(system=system, url=self.served.url + path, more=more)
        (self.folder / "reconciler.yaml").write_text(text)
        (self.folder / "manifests").mkdir(exist_ok=True)

    def write(self, manifests: str) -> None:
        (self.folder / "manifests" / "all.yaml").write_text(manifests)

    def options(self) -> Options:
        # One at a time, so that objects are created in the order of their addresses.
        return Options(config=self.folder / "reconciler.yaml", environ=SECRETS, parallelism=1)

    def plan(self) -> Plan:
        options = self.options()
        loaded = load(options)
        with Connections(loaded.settings, options) as connections:
            return plan(loaded, connections, options).plan

    def apply(self) -> None:
        """Apply, and check that everything was done and that nothing is left to do."""
        options = self.options()
        loaded = load(options)
        with Connections(loaded.settings, options) as connections:
            planned = plan(loaded, connections, options)
            assert planned.plan.blockers == ()
            report = apply(planned, loaded, connections, options)
        assert [o for o in report.outcomes if o.status not in (Status.APPLIED, Status.UNCHANGED)] == []
        written = len(self.served.writes())
        assert [str(change.address) for change in self.plan().pending] == []
        assert len(self.served.writes()) == written, "a plan writes nothing"


def pending(made: Plan) -> dict[str, str]:
    return {change.address.name: change.action.value for change in made.pending}


def manifest(api: str, kind: str, name: str, spec: str) -> str:
    lines = "\n".join("  " + line for line in spec.strip().splitlines())
    return f"---\napiVersion: {api}/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{lines}\n"


def test_link_paging_nullable_and_put(tmp_path: Path) -> None:
    api = Catalog()
    for number, name in enumerate("abcdefg", 1):
        row = {"id": str(number), "name": name, "price": 1, "status": "draft", "createdAt": "2024-05-01T00:00:00Z"}
        api.rows[str(number)] = row
    with serve(api) as served:
        bench = Bench.drafted(tmp_path, served, "catalog-3.0.yaml")
        bench.configure("catalog", "/v2")
        new = "price: 2.5\nnote: null\nwebhookSecret: ${env:SECRET}\ndimensions: {width: 4}\n"
        new += "launch: '2024-06-01T10:00:00Z'"
        bench.write(manifest("catalog", "Product", "new", new) + manifest("catalog", "Product", "g", "price: 3"))
        assert pending(bench.plan()) == {"new": "create", "g": "update"}
        bench.apply()
        # What the manifest says nothing of is kept by a PUT.
        assert api.rows["7"]["status"] == "draft"
        assert api.rows["8"]["webhookSecret"] == SECRETS["SECRET"]
        put = next(one for one in served.requests if one.method == "PUT")
        assert put.body == {"name": "g", "price": 3, "status": "draft"}


def test_cursor_paging_and_merge_patch(tmp_path: Path) -> None:
    api = Incidents()
    with serve(api) as served:
        bench = Bench.drafted(tmp_path, served, "incidents-3.1.yaml")
        bench.decide("monitor.yaml", "key: [title]", "key: [title]\n  name: title")
        bench.configure("incidents", more=", api-version: 2024-06")
        spec = (
            "region: eu\ninterval_seconds: 60\nlabels: {team: a}\ncheck: {host: x, port: 1}\napi_key: ${env:SECRET}\n"
        )
        rule = "rule: {op: and, rules: [{op: is, value: 1}, {op: or, rules: []}]}"
        bench.write("".join(manifest("incidents", "Monitor", f"m{n}", spec + rule) for n in range(5)))
        assert set(pending(bench.plan()).values()) == {"create"}
        bench.apply()
        api.rows["mon-5"]["interval_seconds"] = 90
        bench.write("".join(manifest("incidents", "Monitor", f"m{n}", spec + "escalation: null") for n in range(5)))
        assert pending(bench.plan()) == {"m4": "update"}
        bench.apply()
        patch = next(one for one in served.requests if one.method == "PATCH")
        assert patch.body == {"interval_seconds": 60}


def test_nested_collections(tmp_path: Path) -> None:
    api = Forge()
    with serve(api) as served:
        bench = Bench.drafted(tmp_path, served, "forge.json")
        bench.configure("forge", "/api")
        text = "".join(manifest("forge", "Project", name, "owner: 5") for name in ("alpha", "beta", "gamma"))
        for project in ("alpha", "gamma"):
            spec = f"name: prod\nproject: ${{ref:Project/{project}#/id}}\nautoDeploy: true"
            text += manifest("forge", "Environment", f"{project}-prod", spec)
            spec = (
                f"project: ${{ref:Project/{project}#/id}}\nenv: ${{ref:Environment/{project}-prod#/environment_id}}\n"
            )
            text += manifest("forge", "Variable", f"{project}-url", spec + "key: URL\nvalue: x")
        bench.write(text)
        assert set(pending(bench.plan()).values()) == {"create"}
        bench.apply()
        owners = [api.projects[row["project_id"]]["name"] for row in api.environments.values()]
        assert sorted(owners) == ["alpha", "gamma"]
        next(iter(api.environments.values()))["auto_deploy"] = False
        next(row for row in api.projects.values() if row["name"] == "beta")["owner"] = 6
        next(iter(api.variables.values()))["value"] = "y"
        assert sorted(pending(bench.plan()).values()) == ["update"] * 3
        bench.apply()
        patches = [one.body for one in served.requests if one.method == "PATCH"]
        assert sorted(patches, key=str) == [{"autoDeploy": True}, {"owner": 5}, {"value": "x"}]


def test_put_at_a_chosen_name_with_etags(tmp_path: Path) -> None:
    api = Buckets()
    with serve(api) as served:
        bench = Bench.drafted(tmp_path, served, "buckets.yaml")
        bench.configure("buckets")
        full = "storage: hot\nretention: {days: 3}\naccessKey: ${env:SECRET}\npolicy: {a: {b: 1}}"
        bench.write("".join(manifest("buckets", "Bucket", f"b-{n}", full) for n in range(3)))
        assert set(pending(bench.plan()).values()) == {"create"}
        bench.apply()
        api.rows["b-1"]["retention"]["days"] = 9
        api.rows["b-1"]["retention"]["mode"] = "soft"
        assert pending(bench.plan()) == {"b-1": "update"}
        bench.apply()
        put = [one for one in served.requests if one.method == "PUT"][-1]
        assert put.headers["if-match"] == '"1"'
        assert put.body["retention"] == {"days": 3, "mode": "soft", "since": "today"}
        assert put.body["accessKey"] == SECRETS["SECRET"]


def test_envelopes_with_a_total(tmp_path: Path) -> None:
    api = Directory()
    with serve(api) as served:
        bench = Bench.drafted(tmp_path, served, "directory.yaml")
        bench.configure("directory-service", "/rest")
        text = "".join(
            manifest(
                "directory-service",
                "User",
                f"u{n}",
                f"email: u{n}@example.com\ndisplayName: U\npassword: ${{env:SECRET}}\ntags: [a, b]",
            )
            for n in range(5)
        )
        bench.write(text)
        assert set(pending(bench.plan()).values()) == {"create"}
        bench.apply()
        api.rows["u-4"]["displayName"] = "changed"
        assert pending(bench.plan()) == {"u4": "update"}
        bench.apply()
        assert api.rows["u-4"]["version"] == 2
        assert api.rows["u-4"]["password"] == SECRETS["SECRET"]


def test_settings_that_exist(tmp_path: Path) -> None:
    api = Mailer()
    with serve(api) as served:
        bench = Bench.drafted(tmp_path, served, "mailer.yaml")
        bench.configure("mailer")
        names = ("example.com", "example.org", "example.net")
        text = manifest("mailer", "Settings", "main", "retries: 5\nsmtpPassword: ${env:SECRET}")
        text += "".join(manifest("mailer", "Domain", name, "accountId: acme") for name in names)
        bench.write(text)
        assert pending(bench.plan()) == {"main": "update", **dict.fromkeys(names, "create")}
        bench.apply()
        for name in names:
            spec = f"accountId: acme\ndomain: ${{ref:Domain/{name}}}\nopens: true"
            text += manifest("mailer", "Tracking", name, spec)
        bench.write(text)
        assert pending(bench.plan()) == dict.fromkeys(names, "update")
        bench.apply()
        assert api.settings == {"sender": "nobody@example.com", "retries": 5, "smtpPassword": SECRETS["SECRET"]}
        assert [row["opens"] for row in api.tracking.values()] == [True, True, True]
