"""GitHub's REST API: comments, issues, pull requests. Pure; sends through the door that it is given.

Sources: docs.github.com/en/rest: issues/comments, issues/issues, pulls/pulls, users/users (version 2022-11-28).
"""

from __future__ import annotations

from dataclasses import field
from urllib.parse import quote

from reconciler.core.model import Json, Request
from reconciler.core.records import dataclass
from reconciler.hosting.forge import Branches, Door, Note, Post

NAME = "github"
HEADERS = (("Accept", "application/vnd.github+json"), ("X-GitHub-Api-Version", "2022-11-28"))


@dataclass(slots=True, kw_only=True)
class GitHub:
    """One repository, named `owner/name`."""

    repository: str
    door: Door = field(repr=False)
    _login: str | None = field(default=None, repr=False)  # "": the token of an app, which has no user

    # ------------------------------------------------------------------ comments

    def comments(self, number: int) -> list[Note]:
        """Return all comments of a pull request, in order."""
        return self._notes(self._list(f"/issues/{number}/comments"))

    def add_comment(self, number: int, body: str) -> Note:
        return self._write("POST", f"/issues/{number}/comments", {"body": body})

    def change_comment(self, number: int, note: Note, body: str) -> Note:
        del number
        return self._write("PATCH", f"/issues/comments/{note.id}", {"body": body}, repeatable=True)

    # ------------------------------------------------------------------ issues

    def open_issues(self) -> list[Note]:
        """Return all open issues, without the pull requests, which GitHub lists among them."""
        items = self._list("/issues", (("state", "open"),))
        return self._notes([one for one in items if "pull_request" not in one])

    def add_issue(self, post: Post) -> Note:
        return self._write("POST", "/issues", {"title": post.title, "body": post.body})

    def change_issue(self, note: Note, post: Post, *, close: bool) -> Note:
        state: Json = {"state": "closed", "state_reason": "completed"} if close else {}
        body = {"title": post.title, "body": post.body, **state}
        return self._write("PATCH", f"/issues/{note.id}", body, repeatable=True)

    # ------------------------------------------------------------------ pull requests

    def open_merges(self, branches: Branches) -> list[Note]:
        """Return the open pull requests from one branch of this repository into another."""
        owner = self.repository.partition("/")[0]
        query = (("state", "open"), ("head", f"{owner}:{branches.head}"), ("base", branches.base))
        return self._notes(self._list("/pulls", query))

    def add_merge(self, branches: Branches, post: Post) -> Note:
        body = {"title": post.title, "body": post.body, "head": branches.head, "base": branches.base}
        return self._write("POST", "/pulls", body)

    def change_merge(self, note: Note, post: Post) -> Note:
        return self._write("PATCH", f"/pulls/{note.id}", {"title": post.title, "body": post.body}, repeatable=True)

    # ------------------------------------------------------------------ requests

    def _request(self, method: str, path: str, body: Json = None, *, repeatable: bool = False) -> Request:
        return Request(
            system=NAME,
            method=method,
            path=f"/repos/{quote(self.repository, safe='/')}{path}",
            headers=HEADERS,
            body=body,
            has_body=body is not None,
            writes=method != "GET",
            repeatable=repeatable,
        )

    def _list(self, path: str, query: tuple[tuple[str, str], ...] = ()) -> list[Json]:
        request = self._request("GET", path)
        return self.door.ask_all(
            Request(system=NAME, method="GET", path=request.path, query=query, headers=request.headers)
        )

    def _write(self, method: str, path: str, body: Json, *, repeatable: bool = False) -> Note:
        return self._note(self.door.ask(self._request(method, path, body, repeatable=repeatable)))

    def _notes(self, items: list[Json]) -> list[Note]:
        return [self._note(item) for item in items]

    def _note(self, item: Json) -> Note:
        numbered = item.get("number")
        return Note(
            id=str(item["id"] if numbered is None else numbered),
            body=item.get("body") or "",
            url=item.get("html_url") or "",
            title=item.get("title") or "",
            mine=self._is_mine(item.get("user") or {}),
        )

    def _is_mine(self, user: Json) -> bool:
        """Tell whether the token's user wrote it; the token of an app, as of a workflow, has none, and is a bot."""
        if self._login is None:
            answer = self.door.try_(Request(system=NAME, method="GET", path="/user", headers=HEADERS))
            self._login = "" if answer is None else str(answer.get("login", ""))
        return bool(user.get("login") == self._login if self._login else user.get("type") == "Bot")
