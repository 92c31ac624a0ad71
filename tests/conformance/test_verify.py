"""`kinds verify` tells what holds, finds definitions that were made wrong on purpose, and touches nothing else."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from fake_time import FakeTime
from shop_api import KIND, Shop, Walked, Ways, walk

from reconciler.core.conformance.claims import ClaimVerdict
from reconciler.core.errors import Refused
from reconciler.sandbox.http import json_response


def without_mistakes(walked: Walked) -> None:
    assert walked.failed() == {}
    assert walked.found.left_behind == ""
    assert walked.shop.rows == {}


def test_everything_holds_where_the_definition_is_right(tmp_path: Path) -> None:
    walked = walk(tmp_path)
    without_mistakes(walked)
    assert {
        "create makes an object",
        "the answer to create holds the object",
        "an update changes price",
        "the order of tags is kept",
        "an empty list empties tags",
        "null clears price",
        "token is write-only",
        "hasToken tells whether token is stored",
        "a second object with the same natural key is refused as a conflict",
        "delete removes the object",
        "a missing object is read as missing",
    } <= walked.held()


GET = 'get: {method: GET, path: "/widgets/{id}"}'

WRONG = [
    pytest.param(
        Ways(replaces=True),
        {},
        "an update of color leaves everything else as it was",
        "send: full",
        "schemas/odd.yaml",
        id="a-patch-that-replaces",
    ),
    pytest.param(Ways(silent=True), {}, "the answer to create holds the object", "returns: nothing", "", id="silent"),
    pytest.param(
        Ways(wrapped=True), {}, "the answer to create holds the object", "object: /widget", "", id="a-wrapped-answer"
    ),
    pytest.param(Ways(sorts=True), {}, "create keeps what is stated", "x-list: set", "", id="a-set-not-said-to-be-one"),
    pytest.param(Ways(lowers=True), {}, "create keeps what is stated", "x-form: lower", "", id="text-in-lower-case"),
    pytest.param(
        Ways(lag_s=3), {}, "reads agree with writes within 0 s", "settleSeconds: 4", "", id="reads-that-lag-behind"
    ),
    pytest.param(Ways(shows_token="••••1234"), {}, "token is write-only", "x-mask", "", id="a-mask-not-said-to-be-one"),
    pytest.param(
        Ways(shows_token="other"),
        {"writeOnly: true, x-sensitive: true, x-present: hasToken": 'x-sensitive: true, x-mask: "•+"'},
        "token is shown masked",
        "another pattern",
        "",
        id="another-mask",
    ),
    pytest.param(
        Ways(poor_list=True), {}, "the list shows whole objects", "itemsAre: summaries", "", id="a-list-of-summaries"
    ),
    pytest.param(Ways(no_null=True), {}, "null clears price", 'a type without "null"', "", id="null-refused"),
    pytest.param(
        Ways(ignores="note"), {}, "create keeps what is stated", "writeOnly: true", "", id="a-field-that-is-ignored"
    ),
    pytest.param(
        Ways(refuses="color"), {}, "an update changes color", "x-immutable: true", "", id="an-immutable-field"
    ),
    pytest.param(
        Ways(etag="checked"),
        {},
        "nothing beside reading again protects writes",
        "ifMatch: true",
        "",
        id="a-guard-not-made-use-of",
    ),
    pytest.param(
        Ways(etag="unchecked"),
        {"write:\n": "guard: {ifMatch: true}\nwrite:\n"},
        "a stale ETag is refused (If-Match)",
        "remove it",
        "",
        id="a-guard-that-protects-nothing",
    ),
    pytest.param(
        Ways(),
        {"write:\n": "guard: {ifMatch: true}\nwrite:\n"},
        "a stale ETag is refused (If-Match)",
        "remove ifMatch",
        "",
        id="a-guard-without-an-etag",
    ),
    pytest.param(
        Ways(doubles="badly refused"),
        {},
        "a second object with the same natural key is refused as a conflict",
        "class: conflict",
        "",
        id="a-conflict-that-looks-like-invalid-input",
    ),
    pytest.param(
        Ways(keeps_deleted=True), {}, "delete removes the object", "gone", "", id="a-delete-that-does-not-delete"
    ),
    pytest.param(
        Ways(bare_404=True), {}, "a missing object is read as missing", "class: notFound", "", id="a-bare-404"
    ),
    pytest.param(
        Ways(),
        {
            "create: {method: POST, path: /widgets}": "create: {method: POST, path: /widgets, fieldsAt: /widget}",
        },
        "create keeps what is stated",
        "",
        "",
        id="a-create-that-is-refused",
    ),
]


@pytest.mark.parametrize(("ways", "wrong", "title", "cure", "place"), WRONG)
def test_a_claim_that_does_not_hold_is_found(
    tmp_path: Path, ways: Ways, wrong: dict[str, str], title: str, cure: str, place: str
) -> None:
    kind = KIND
    for old, new in wrong.items():
        assert kind.count(old) == 1
        kind = kind.replace(old, new)
    walked = walk(tmp_path, ways, kind)
    failed = walked.failed()
    assert title in failed, failed
    assert cure in failed[title].cure
    if not ways.keeps_deleted:
        assert walked.shop.rows == {}, "the scratch object is left behind"


def test_a_race_that_the_guard_refuses_holds(tmp_path: Path) -> None:
    kind = KIND.replace("write:\n", "guard: {ifMatch: true}\nwrite:\n")
    walked = walk(tmp_path, Ways(etag="checked"), kind)
    without_mistakes(walked)
    assert "a stale ETag is refused (If-Match)" in walked.held()


def test_a_second_object_is_taken_away_too(tmp_path: Path) -> None:
    walked = walk(tmp_path, Ways(doubles="taken"))
    assert walked.shop.rows == {}
    assert "a second object with the same natural key can be made" in walked.held()


def test_a_second_object_whose_id_is_made_of_its_answer_is_taken_away_too(tmp_path: Path) -> None:
    kind = KIND.replace("id: /id", 'id: "{live.id}/{spec.name}"').replace("{id}", "{live.id}")
    kind = kind.replace('  get: {method: GET, path: "/widgets/{live.id}"}\n', "")
    walked = walk(tmp_path, Ways(doubles="taken"), kind)
    assert walked.shop.rows == {}
    assert "a second object with the same natural key can be made" in walked.held()


def test_what_this_command_did_not_make_is_never_written_to(tmp_path: Path) -> None:
    shop = Shop(ways=Ways(), time=FakeTime())
    mine = {"name": "scratch", "id": "w0", "version": 1, "price": 1}
    shop.rows["w0"] = dict(mine)
    with pytest.raises(Refused, match="there already"):
        walk(tmp_path, shop=shop)
    assert shop.rows == {"w0": mine}
    assert {request.method for request in shop.seen} == {"GET"}


def test_neighbours_are_left_alone(tmp_path: Path) -> None:
    shop = Shop(ways=Ways(), time=FakeTime())
    neighbour = {"name": "other", "id": "w0", "version": 1, "price": 1, "tags": ["a"]}
    shop.rows["w0"] = dict(neighbour)
    walked = walk(tmp_path, shop=shop)
    assert walked.failed() == {}
    assert shop.rows == {"w0": neighbour}


def test_values_that_a_person_gives_are_tried(tmp_path: Path) -> None:
    walked = walk(tmp_path, given={"price": 77})
    without_mistakes(walked)
    assert any(b'"price":77' in r.body.replace(b" ", b"") for r in walked.shop.seen if r.method == "PATCH")


def test_a_system_that_fails_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    for stop in itertools.count(3, 5):
        folder = tmp_path / str(stop)
        folder.mkdir()
        shop = Failing(ways=Ways(), time=FakeTime(), fail_at=stop)
        walked = walk(folder, shop=shop)
        assert shop.rows == {}, f"failed at request {stop}"
        if len(shop.seen) < stop:
            assert walked.found.count(ClaimVerdict.HOLDS)
            return


class Failing(Shop):
    """A shop that answers one request with 400, whatever it is."""

    def __init__(self, *, ways: Ways, time: FakeTime, fail_at: int) -> None:
        super().__init__(ways=ways, time=time)
        self.fail_at = fail_at

    def handle(self, request):  # type: ignore[no-untyped-def]
        if len(self.seen) + 1 == self.fail_at and request.method != "GET":
            self.seen.append(request)
            return json_response(400, {"message": "not today"})
        return super().handle(request)


def test_no_secret_is_in_what_is_told(tmp_path: Path) -> None:
    walked = walk(tmp_path, Ways(shows_token="other", ignores="note", sorts=True))
    assert "fake-token-not-real" not in repr(walked.found)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        pytest.param(
            '  delete: {call: {method: DELETE, path: "/widgets/{id}"}}\n', "", "no call that deletes", id="stays"
        ),
        pytest.param("  create: {method: POST, path: /widgets}\n", "", "never created", id="adopt-only"),
    ],
)
def test_kinds_of_which_no_scratch_object_can_be_made(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in KIND
    shop = Shop(ways=Ways(), time=FakeTime())
    with pytest.raises(Refused, match=why):
        walk(tmp_path, kind=KIND.replace(old, new), shop=shop)
    assert shop.seen == []


PARTED = (
    KIND.replace("note: {type: string}", "note: {type: string, x-updateOnly: true}")
    .replace(
        """read:
  list: {method: GET, path: /widgets, items: /items}
  get: {method: GET, path: "/widgets/{id}"}
""",
        """read:
  list: {method: GET, path: /widgets, items: /items, itemsAre: summaries}
  get: {method: GET, path: "/widgets/{id}"}
  parts: {method: GET, path: "/notes/{id}", object: /text, into: /note}
""",
    )
    .replace(
        """  update: {method: PATCH, path: "/widgets/{id}"}
""",
        """  update:
    - {method: PATCH, path: "/widgets/{id}"}
    - {method: PUT, path: "/notes/{id}", fields: [note], when: {at: /note, present: true}, returns: nothing}
""",
    )
)


class Parted(Shop):
    """A shop in which notes have calls of their own; widgets do not show them."""

    def handle(self, request):  # type: ignore[no-untyped-def]
        if not request.path.startswith("/notes/"):
            return super().handle(request)
        self.seen.append(request)
        row = self.rows.get(request.path.rpartition("/")[2], {})
        if request.method == "PUT":
            row["text"] = json.loads(request.body)["note"]
        return json_response(200, {"text": row["text"]}) if "text" in row else json_response(404, {"message": "none"})


def test_an_object_of_several_parts_is_walked_as_one(tmp_path: Path) -> None:
    assert PARTED.count("notes") == 2
    walked = walk(tmp_path, kind=PARTED, shop=Parted(ways=Ways(), time=FakeTime()))
    without_mistakes(walked)
    assert {"create makes an object", "an update changes note", "an update changes price"} <= walked.held()
