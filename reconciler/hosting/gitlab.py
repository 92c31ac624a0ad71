"""GitLab's REST API: notes, issues, merge requests. Pure; sends through the door that it is given.

Sources: docs.gitlab.com/api: notes, issues, merge_requests, users (version 4).
"""

from __future__ import annotations

from dataclasses import field
from urllib.parse import quote

from reconciler.core.model import Json, Request
from reconciler.core.records import dataclass
from reconciler.hosting.forge import Branches, Door, Note, Post

NAME = "gitlab"


@dataclass(slots=True, kw_only=True)
class GitLab:
    """One project, named by its number or by `group/name`."""

    repository: str
    door: Door = field(repr=False)
    _user: int | None = field(default=None, repr=False)  # 0: the token does not say whose it is

    # ------------------------------------------------------------------ comments

    def comments(self, number: int) -> list[Note]:
        """Return all notes of a merge request, in order, without those that GitLab writes itself."""
        query = (("sort", "asc"), ("order_by", "created_at"))
        items = self._list(f"/merge_requests/{number}/notes", query)
        return [self._note(item) for item in items if not item.get("system")]

    def add_comment(self, number: int, body: str) -> Note:
        return self._write("POST", f"/merge_requests/{number}/notes", {"body": body})

    def change_comment(self, number: int, note: Note, body: str) -> Note:
        return self._write("PUT", f"/merge_requests/{number}/notes/{note.id}", {"body": body}, repeatable=True)

    # ------------------------------------------------------------------ issues

    def open_issues(self) -> list[Note]:
        return [self._note(item) for item in self._list("/issues", (("state", "opened"),))]

    def add_issue(self, post: Post) -> Note:
        return self._write("POST", "/issues", {"title": post.title, "description": post.body})

    def change_issue(self, note: Note, post: Post, *, close: bool) -> Note:
        state: Json = {"state_event": "close"} if close else {}
        body = {"title": post.title, "description": post.body, **state}
        return self._write("PUT", f"/issues/{note.id}", body, repeatable=True)

    # ------------------------------------------------------------------ merge requests

    def open_merges(self, branches: Branches) -> list[Note]:
        query = (("state", "opened"), ("source_branch", branches.head), ("target_branch", branches.base))
        return [self._note(item) for item in self._list("/merge_requests", query)]

    def add_merge(self, branches: Branches, post: Post) -> Note:
        body = {
            "title": post.title,
            "description": post.body,
            "source_branch": branches.head,
            "target_branch": branches.base,
            "remove_source_branch": True,
        }
        return self._write("POST", "/merge_requests", body)

    def change_merge(self, note: Note, post: Post) -> Note:
        body = {"title": post.title, "description": post.body}
        return self._write("PUT", f"/merge_requests/{note.id}", body, repeatable=True)

    # ------------------------------------------------------------------ requests

    @property
    def _root(self) -> str:
        return f"/projects/{quote(self.repository, safe='')}"

    def _list(self, path: str, query: tuple[tuple[str, str], ...] = ()) -> list[Json]:
        return self.door.ask_all(Request(system=NAME, method="GET", path=self._root + path, query=query))

    def _write(self, method: str, path: str, body: Json, *, repeatable: bool = False) -> Note:
        request = Request(
            system=NAME,
            method=method,
            path=self._root + path,
            body=body,
            has_body=True,
            writes=True,
            repeatable=repeatable,
        )
        return self._note(self.door.ask(request))

    def _note(self, item: Json) -> Note:
        numbered = item.get("iid") if "web_url" in item else None
        return Note(
            id=str(item["id"] if numbered is None else numbered),
            body=item.get("body") or item.get("description") or "",
            url=item.get("web_url") or "",
            title=item.get("title") or "",
            mine=self._is_mine(item.get("author") or {}),
        )

    def _is_mine(self, author: Json) -> bool:
        if self._user is None:
            answer = self.door.try_(Request(system=NAME, method="GET", path="/user"))
            self._user = 0 if answer is None else int(answer.get("id", 0))
        return bool(self._user) and author.get("id") == self._user
