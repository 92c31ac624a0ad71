"""Some of Grafana's HTTP API, after its documentation (Folder, Dashboard and Data source API, version 11), in memory.

Folders are listed by id and title only and need their version to be changed; a dashboard is saved whole, inside of an
envelope that is not the one in which it is read, and moves to the root when a save does not name its folder; a data
source is replaced whole, and its secrets are kept and never shown.
"""

from __future__ import annotations

import itertools
from typing import Any

from odd_api import SandboxRequest, SandboxResponse, body_of, json_response

Row = dict[str, Any]


def told(code: int, message: str, /, **more: Any) -> SandboxResponse:
    return json_response(code, {"message": message, **more})


class Grafana:
    """One organization."""

    def __init__(self) -> None:
        self.folders: dict[str, Row] = {}
        self.dashboards: dict[str, Row] = {}  # by uid: the model, and `folder` beside it
        self.sources: dict[str, Row] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.numbers = itertools.count(1)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.headers.get("authorization") != "Bearer fake-token":
            return told(401, "Invalid API key", messageId="api-key.invalid")
        parts = request.path.strip("/").split("/")
        match request.method, parts:
            case "GET", ["api", "folders"]:
                query = dict(request.query)
                size, page = int(query.get("limit", 1000)), int(query.get("page", 1))
                rows = [{name: f[name] for name in ("id", "uid", "title")} for f in self.folders.values()]
                return json_response(200, rows[(page - 1) * size : page * size])
            case "POST", ["api", "folders"]:
                return self.make_folder(body_of(request))
            case method, ["api", "folders", uid]:
                return self.folder(method, uid, request)
            case "GET", ["api", "search"]:
                return self.search(dict(request.query))
            case "POST", ["api", "dashboards", "db"]:
                return self.save_dashboard(body_of(request))
            case method, ["api", "dashboards", "uid", uid]:
                return self.dashboard(method, uid)
            case "GET", ["api", "datasources"]:
                return json_response(200, [self.shown(one, whole=False) for one in self.sources.values()])
            case "POST", ["api", "datasources"]:
                return self.make_source(body_of(request))
            case method, ["api", "datasources", "uid", uid]:
                return self.source(method, uid, request)
        return told(404, "Not found")

    # ------------------------------------------------------------------ folders

    def make_folder(self, body: Row) -> SandboxResponse:
        if any(f["title"] == body["title"] for f in self.folders.values()):
            return told(409, "a folder with the same name already exists in the current location")
        number = next(self.numbers)
        uid = body.get("uid") or f"u{number}"
        self.folders[uid] = {
            "id": number, "uid": uid, "title": body["title"], "url": f"/dashboards/f/{uid}/x", "hasAcl": False,
            "createdBy": "admin", "version": 1,
        }  # fmt: skip
        return json_response(200, self.folders[uid])

    def folder(self, method: str, uid: str, request: SandboxRequest) -> SandboxResponse:
        if uid not in self.folders:
            return told(404, "folder not found", status="not-found")
        if method == "DELETE":
            self.folders.pop(uid)
            self.dashboards = {u: d for u, d in self.dashboards.items() if d["folder"] != uid}
            return told(200, "Folder deleted", id=0)
        if method == "PUT":
            body, folder = body_of(request), self.folders[uid]
            if not body.get("overwrite") and body.get("version") != folder["version"]:
                return told(412, "the folder has been changed by someone else", status="version-mismatch")
            folder.update(title=body["title"], version=folder["version"] + 1)
        return json_response(200, self.folders[uid])

    # ------------------------------------------------------------------ dashboards

    def search(self, query: dict[str, str]) -> SandboxResponse:
        size, page = int(query.get("limit", 1000)), int(query.get("page", 1))
        hits = [
            {"id": d["model"]["id"], "uid": uid, "title": d["model"]["title"], "type": "dash-db", "tags": [],
             "url": f"/d/{uid}/x", "isStarred": False, **({"folderUid": d["folder"]} if d["folder"] else {})}
            for uid, d in self.dashboards.items()
            if query.get("type") in (None, "dash-db")
        ]  # fmt: skip
        return json_response(200, hits[(page - 1) * size : page * size])

    def save_dashboard(self, body: Row) -> SandboxResponse:
        model = body["dashboard"]
        folder = body.get("folderUid", "")
        if not model.get("title"):
            return told(400, "Dashboard title cannot be empty", status="empty-name")
        if folder and folder not in self.folders:
            return told(400, "folder not found", status="not-found")
        uid = model.get("uid") or f"d{next(self.numbers)}"
        old = self.dashboards.get(uid)
        if old is not None and not body.get("overwrite") and model.get("version") != old["model"]["version"]:
            return told(412, "The dashboard has been changed by someone else", status="version-mismatch")
        if any(
            d["folder"] == folder and d["model"]["title"] == model["title"] and u != uid
            for u, d in self.dashboards.items()
        ):
            return told(412, "A dashboard with the same name in the folder already exists", status="name-exists")
        version = 1 if old is None else old["model"]["version"] + 1
        number = next(self.numbers) if old is None else old["model"]["id"]
        self.dashboards[uid] = {"folder": folder, "model": {**model, "id": number, "uid": uid, "version": version}}
        return json_response(
            200,
            {"id": number, "uid": uid, "url": f"/d/{uid}/x", "status": "success", "version": version, "slug": "x"},
        )

    def dashboard(self, method: str, uid: str) -> SandboxResponse:
        found = self.dashboards.get(uid)
        if found is None:
            return told(404, "Dashboard not found")
        if method == "DELETE":
            self.dashboards.pop(uid)
            return told(200, "Dashboard deleted", title=found["model"]["title"])
        meta = {"type": "db", "canSave": True, "slug": "x", "folderUid": found["folder"], "provisioned": False}
        return json_response(200, {"meta": {**meta, "version": found["model"]["version"]}, "dashboard": found["model"]})

    # ------------------------------------------------------------------ data sources

    def shown(self, one: Row, *, whole: bool = True) -> Row:
        if not whole:
            return one
        return {**one, "secureJsonFields": dict.fromkeys(self.secrets[one["uid"]], True)}

    def keep(self, row: Row, body: Row) -> Row:
        self.secrets[row["uid"]] = {**self.secrets.get(row["uid"], {}), **body.pop("secureJsonData", {})}
        body.pop("secureJsonFields", None)
        usual = {"access": "proxy", "url": "", "user": "", "database": "", "basicAuth": False, "isDefault": False}
        self.sources[row["uid"]] = {**usual, "jsonData": {}, "readOnly": False, **body, **row}
        return self.sources[row["uid"]]

    def make_source(self, body: Row) -> SandboxResponse:
        if any(one["name"] == body["name"] for one in self.sources.values()):
            return told(409, "data source with the same name already exists")
        number = next(self.numbers)
        made = self.keep({"id": number, "uid": body.get("uid") or f"s{number}", "orgId": 1, "version": 1}, body)
        answer = {"id": number, "message": "Datasource added", "name": made["name"], "datasource": self.shown(made)}
        return json_response(200, answer)

    def source(self, method: str, uid: str, request: SandboxRequest) -> SandboxResponse:
        old = self.sources.get(uid)
        if old is None:
            return told(404, "Data source not found")
        if method == "DELETE":
            self.sources.pop(uid)
            return told(200, "Data source deleted", id=old["id"])
        if method == "GET":
            return json_response(200, self.shown(old))
        body = body_of(request)
        if "version" in body and body["version"] != old["version"]:
            return told(409, "Datasource has already been updated by someone else. Please reload and try again")
        row = {"id": old["id"], "uid": uid, "orgId": 1, "version": old["version"] + 1}
        made = self.keep(row, body)
        answer = {
            "id": made["id"],
            "message": "Datasource updated",
            "name": made["name"],
            "datasource": self.shown(made),
        }
        return json_response(200, answer)
