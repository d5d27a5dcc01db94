"""Comparing through the whole product: what was found, looked at, reviewed, taken over and put on record."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import openpyxl
import pytest
from product_bench import ADMIN_PASSWORD, PATIENCE_S, login, running_product

Rows = list[dict[str, str]]
RESULT = ("rows_added", "rows_removed", "rows_changed", "cells_changed")


@dataclass
class Desk:
    """Somebody's session at the product."""

    client: httpx.Client
    headers: dict[str, str]

    def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """What an operation answers with, which must have this status."""
        headers = self.headers | options.pop("headers", {})
        answer = self.client.request(method, f"/api/v1{path}", headers=headers, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer.content

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", path, params=query)

    def ended(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """The job once it has ended."""
        found, deadline = dict(job), time.monotonic() + PATIENCE_S
        while found["state"] in {"queued", "running"}:
            assert time.monotonic() < deadline, found
            time.sleep(0.03)
            found = self.get(f"/jobs/{found['id']}")
        return found

    def done(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """The result of a job that is ordered and succeeds."""
        job = self.ended(self.ask(method, path, 202, json=body)["job"])
        assert job["state"] == "succeeded", job
        return job["result"]

    def upload(self, files: Mapping[str, Rows | str]) -> str:
        """A collection of flat documents and other files, by their paths."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for path, rows in files.items():
                archive.writestr(path, rows if isinstance(rows, str) else xml(rows))
        answer = self.ask("POST", "/collections", 202, files={"file": ("Upload.zip", packed.getvalue())})
        assert self.ended(answer["job"])["state"] == "succeeded"
        return answer["collection"]["id"]

    def compare(self, a: Mapping[str, str], b: Mapping[str, str], **options: Any) -> Compared:
        """A comparison that is finished."""
        answer = self.ask("POST", "/comparisons", 202, json={"a": a, "b": b, "options": options})
        assert self.ended(answer["job"])["state"] == "succeeded"
        return Compared(self, answer["comparison"]["id"])

    def compared(self, a: Rows, b: Rows, **options: Any) -> Compared:
        """A comparison of two collections with one document each."""
        sides = [{"collection_id": self.upload({"x/t.xml": rows})} for rows in (a, b)]
        return self.compare(*sides, **options)


@dataclass
class Compared:
    """A comparison."""

    desk: Desk
    id: str

    def get(self, path: str = "", **query: Any) -> Any:
        return self.desk.get(f"/comparisons/{self.id}{path}", **query)

    @property
    def pair(self) -> dict[str, Any]:
        """The one pair."""
        (pair,) = self.get("/pairs")["items"]
        return pair

    def of_pair(self, path: str, **query: Any) -> Any:
        return self.get(f"/pairs/{self.pair['id']}{path}", **query)

    def result(self) -> tuple[int, ...]:
        """Rows added, removed and changed, cells changed."""
        return tuple(self.get()["summary"][name] for name in RESULT)

    def apply(self, into: str, changes: Any = "all") -> dict[str, Any]:
        body = {"pair": self.pair["id"], "changes": changes, "into": into}
        return self.desk.done("POST", f"/comparisons/{self.id}/apply", body)

    def again(self) -> Compared:
        """The same sides as they are now."""
        told = self.get()
        sides = [{"collection_id": told[side]["collection_id"]} for side in ("a", "b")]
        return self.desk.compare(*sides)


def xml(rows: Rows) -> str:
    cells = ("".join(f"<{name}>{value}</{name}>" for name, value in row.items()) for row in rows)
    return f"<Rows>{''.join(f'<Row>{row}</Row>' for row in cells)}</Rows>"


def ledger(count: int = 60) -> Rows:
    return [{"Code": f"C{at:04d}", "Flag": "Y", "Name": f"Name {at}"} for at in range(count)]


def changed_ledger() -> Rows:
    """One row removed, two added, three cells changed to the same."""
    rows = ledger()
    for at in (10, 20, 30):
        rows[at]["Flag"] = "N"
    del rows[40]
    return [
        *rows[:5],
        {"Code": "NEW1", "Flag": "Y", "Name": "=new"},
        *rows[5:],
        {"Code": "NEW2", "Flag": "", "Name": "b"},
    ]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Generator[httpx.Client]:
    with running_product(tmp_path_factory.mktemp("comparing")) as client:
        yield client


@pytest.fixture(scope="module")
def desk(client: httpx.Client) -> Desk:
    return Desk(client, login(client, "admin", ADMIN_PASSWORD)[0])


@pytest.fixture(scope="module")
def planted(desk: Desk) -> Compared:
    """Two ledgers that differ, which no test changes."""
    return desk.compared(ledger(), changed_ledger())


def test_what_was_planted_is_found_and_told_everywhere_alike(planted: Compared) -> None:
    assert planted.result() == (2, 1, 3, 3)
    whole, pair = planted.get(), planted.pair
    assert (whole["status"], whole["summary"]["mismatch"], whole["summary"]["pending"]) == ("ready", 1, 0)
    assert len(whole["a"]["sha256"]) == 64
    assert pair["key_columns"] == ["Code"]
    assert [pair[name] for name in RESULT] == [2, 1, 3, 3]
    assert planted.get("/pairs", status="mismatch", q="T.XML", group=pair["group"])["total"] == 1
    assert planted.get("/pairs", status="identical")["items"] == []
    tree = planted.get("/tree")
    while "children" in tree:
        assert (tree["status"], tree["summary"]["rows_added"]) == ("mismatch", 2)
        (tree,) = tree["children"]
    assert (tree["pair_id"], tree["summary"]["cells_changed"]) == (pair["id"], 3)


def test_rows_are_the_same_by_pages_views_and_places(planted: Compared) -> None:
    changed = planted.of_pair("/rows", columns="all")
    full = planted.of_pair("/rows", view="full", columns="all", limit=1000)
    assert (changed["total"], full["total"]) == (6, 62)
    assert [row for row in full["rows"] if row["status"] != "same"] == changed["rows"]
    pages = [planted.of_pair("/rows", view="full", columns="all", offset=at, limit=7)["rows"] for at in range(0, 62, 7)]
    assert [row for page in pages for row in page] == full["rows"]
    assert [column["name"] for column in planted.of_pair("/rows")["columns"]] == ["Code", "Flag"]
    place = planted.of_pair("/locate", view="full", a_row=21)
    assert full["rows"][place["position"]]["a_row"] == 21
    found = planted.of_pair("/locate", view="full", text="=NEW")
    assert full["rows"][found["position"]]["status"] == "added"
    first = planted.of_pair("/locate", view="full", next_after=-1)["position"]
    assert full["rows"][first] == changed["rows"][0]
    strip = planted.of_pair("/strip", view="full", stretches=10)
    assert [sum(strip[name]) for name in ("added", "removed", "changed")] == [2, 1, 3]


def test_equal_changes_are_one_pattern(planted: Compared) -> None:
    for path in (f"/pairs/{planted.pair['id']}/patterns", "/patterns"):
        (pattern,) = planted.get(path)["items"]
        assert (pattern["old"], pattern["new"], pattern["count"]) == ("Y", "N", 3)
    assert planted.get("/findings") == {"items": [], "total": 0}


def test_a_view_or_place_that_is_not_there_is_a_problem(planted: Compared) -> None:
    pair = f"/comparisons/{planted.id}/pairs/{planted.pair['id']}"
    for path in (f"{pair}/rows?table=none", f"{pair}/strip?table=none", f"{pair}/locate?text=nowhere%20at%20all"):
        assert planted.desk.ask("GET", path, 404)["code"] == "NOT_FOUND"
    assert planted.desk.ask("GET", f"{pair}/locate?a_row=4000", 404)["code"] == "NOT_FOUND"
    beyond = planted.of_pair("/rows", offset=1000)
    assert (beyond["rows"], beyond["total"]) == ([], 6)


def test_the_evidence_has_the_changed_rows_and_no_formula(planted: Compared) -> None:
    book: Any = openpyxl.load_workbook(io.BytesIO(planted.get("/report")))
    cells = [cell for row in book["Changes"].iter_rows() for cell in row if cell.value is not None]
    assert {"C0010", "=new", "Y", "N", "C0040"} <= {cell.value for cell in cells}
    assert "C0011" not in {cell.value for cell in cells}
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    page = planted.get("/report", format="html").decode()
    assert "<del>Y</del><ins>N</ins>" in page
    assert "<script" not in page
    assert planted.get()["a"]["sha256"] in page


def test_the_same_key_gives_the_first_answer(desk: Desk, planted: Compared) -> None:
    told = planted.get()
    body = {side: {"collection_id": told[side]["collection_id"]} for side in ("a", "b")}
    headers = {"Idempotency-Key": "once"}
    first, second = (desk.ask("POST", "/comparisons", 202, json=body, headers=headers) for _ in range(2))
    assert (first["comparison"]["id"], first["job"]["id"]) == (second["comparison"]["id"], second["job"]["id"])
    other = desk.ask("POST", "/comparisons", 202, json=body)
    assert other["comparison"]["id"] != first["comparison"]["id"]
    for answer in (first, other):
        desk.ended(answer["job"])
        desk.ask("DELETE", f"/comparisons/{answer['comparison']['id']}", 204)
        desk.ask("GET", f"/comparisons/{answer['comparison']['id']}", 404)


@pytest.mark.parametrize("into", ["a", "b"])
def test_everything_taken_over_makes_both_sides_identical(desk: Desk, into: str) -> None:
    compared = desk.compared(ledger(), changed_ledger())
    result = compared.apply(into)
    assert (result["edits"], result["cells"]) == (6, 3)
    assert (result["inserted"], result["deleted"]) == ((2, 1) if into == "a" else (1, 2))
    again = compared.again()
    assert (again.result(), again.pair["status"]) == ((0, 0, 0, 0), "identical")


def orders(heads: Mapping[str, list[str]]) -> str:
    """Orders with their lines, in tables of their own."""
    below = {
        name: "".join(f"<Line><Text>{line}</Text><Unit>u</Unit></Line>" for line in lines)
        for name, lines in heads.items()
    }
    found = (f"<Order><Name>{name}</Name>{lines}</Order>" for name, lines in below.items())
    return f"<Orders>{''.join(found)}</Orders>"


@pytest.mark.parametrize("into", ["a", "b"])
def test_rows_of_child_tables_are_taken_over_with_what_they_belong_to(desk: Desk, into: str) -> None:
    was = {f"N{at}": [f"{at}-1", f"{at}-2"] for at in range(12)}
    now = {f"N{at}": lines for at, lines in enumerate(was.values()) if at != 3}
    now = {"NEW": ["new-1", "new-2"], **now, "N5": ["5-1", "more", "5-2"]}
    sides: dict[str, str] = {}
    for side, heads in (("a", was), ("b", now)):
        sides[side] = desk.upload({"x/t.xml": orders(heads)})
        desk.done("POST", f"/collections/{sides[side]}/conversions", {"layout": "related"})
    compared = desk.compare(*({"collection_id": one} for one in sides.values()))
    assert compared.result() == (4, 3, 0, 0)
    result = compared.apply(into)
    assert sum(table["unlinked"] for table in result["tables"]) == 0
    assert (compared.again().result(), compared.again().pair["status"]) == ((0, 0, 0, 0), "identical")
    written = desk.get(f"/collections/{sides[into]}/export", format="xml", others="drop")
    (name,) = (archive := zipfile.ZipFile(io.BytesIO(written))).namelist()
    elements = re.findall(r"<(?:Name|Text)>([^<]*)<", archive.read(name).decode())
    other = now if into == "a" else was
    assert sorted(elements) == sorted([*other, *(line for lines in other.values() for line in lines)])


def test_what_is_taken_over_can_be_chosen_and_undone(desk: Desk) -> None:
    compared = desk.compared(ledger(), changed_ledger())
    result = compared.apply("b", [{"a_row": 11, "columns": ["Flag"]}, {"a_row": 41}])
    assert (result["cells"], result["inserted"], result["deleted"]) == (1, 1, 0)
    assert compared.again().result() == (2, 0, 2, 2)
    table = compared.pair["tables"][0]["b_table_id"]
    desk.ask("POST", f"/tables/{table}/undo", json={})
    assert compared.again().result() == (2, 1, 3, 3)


def test_a_side_that_was_edited_meanwhile_is_not_overwritten(desk: Desk) -> None:
    compared = desk.compared(ledger(), changed_ledger())
    table = compared.pair["tables"][0]["a_table_id"]
    column = desk.get(f"/tables/{table}")["columns"][2]["name"]
    edit = {"version": 1, "edits": [{"row": 1, "column": column, "value": "mine"}]}
    assert desk.ask("PATCH", f"/tables/{table}", json=edit)["version"] == 2
    body = {"pair": compared.pair["id"], "changes": "all", "into": "a"}
    job = desk.ended(desk.ask("POST", f"/comparisons/{compared.id}/apply", 202, json=body)["job"])
    assert (job["state"], job["error"]["code"]) == ("failed", "SIDE_CHANGED"), job
    assert desk.get(f"/tables/{table}")["version"] == 2
    assert compared.again().result() == (2, 1, 4, 4)


def test_an_edited_collection_stands_against_its_original(desk: Desk) -> None:
    collection = desk.upload({"x/t.xml": ledger()})
    desk.done("POST", f"/collections/{collection}/conversions", {})
    (document,) = desk.get(f"/collections/{collection}/documents")["items"]
    table = document["tables"][0]["id"]
    names = [column["name"] for column in desk.get(f"/tables/{table}")["columns"]]
    desk.ask("PATCH", f"/tables/{table}", json={"version": 1, "edits": [{"row": 3, "column": names[1], "value": "N"}]})
    sides = ({"collection_id": collection, "version": "original"}, {"collection_id": collection})
    compared = desk.compare(*sides)
    assert compared.result() == (0, 0, 1, 1)
    assert [row["a_row"] for row in compared.of_pair("/rows")["rows"]] == [3]


def test_a_key_that_does_not_do_is_told_and_breaks_nothing(desk: Desk) -> None:
    compared = desk.compared(ledger(), changed_ledger(), keys=["Flag"])
    assert "KEY_NOT_UNIQUE" in {note["code"] for table in compared.pair["tables"] for note in table["notes"]}
    pair = compared.pair["id"]
    desk.done("POST", f"/comparisons/{compared.id}/pairs/{pair}/recompare", {"options": {"keys": ["Nothing"]}})
    assert "KEY_NOT_FOUND" in {note["code"] for table in compared.pair["tables"] for note in table["notes"]}
    desk.done("POST", f"/comparisons/{compared.id}/pairs/{pair}/recompare", {"options": {"keys": ["Code"]}})
    assert (compared.result(), compared.pair["options"]["keys"]) == ((2, 1, 3, 3), ["Code"])


def test_documents_are_paired_by_hand_and_apart(desk: Desk) -> None:
    sides = [desk.upload({"x/one.xml": ledger(), "x/two.xml": rows}) for rows in (ledger(30), changed_ledger())]
    compared = desk.compare(*({"collection_id": one} for one in sides))
    path = f"/comparisons/{compared.id}/pairs"
    desk.done("PUT", path, {"a_path": "x/one.xml", "b_path": "x/two.xml"})
    listed = compared.get("/pairs")["items"]
    assert ("x/one.xml", "x/two.xml", "manual") in {(one["a_path"], one["b_path"], one["match"]) for one in listed}
    desk.done("PUT", path, {"a_path": "x/one.xml"})
    assert {one["status"] for one in compared.get("/pairs")["items"] if one["a_path"] == "x/one.xml"} == {"only_in_a"}
    assert desk.ask("PUT", path, 404, json={"a_path": "x/none.xml", "b_path": "x/two.xml"})["code"] == "NOT_FOUND"


def test_a_review_is_kept_with_the_pair_and_in_the_evidence(desk: Desk) -> None:
    compared = desk.compared(ledger(), changed_ledger())
    path = f"/comparisons/{compared.id}/pairs/{compared.pair['id']}"
    desk.ask("PATCH", path, json={"reviewed": True, "note": "Asked <Anna>"})
    assert (compared.pair["reviewed"], compared.pair["note"]) == (True, "Asked <Anna>")
    desk.ask("PATCH", path, json={"reviewed": False})
    assert (compared.pair["reviewed"], compared.pair["note"]) == (False, "Asked <Anna>")
    assert "Asked &lt;Anna&gt;" in compared.get("/report", format="html").decode()


def test_without_its_sides_a_result_is_there_as_far_as_it_goes(desk: Desk) -> None:
    compared = desk.compared(ledger(), changed_ledger())
    before = compared.of_pair("/rows", columns="all")
    for side in ("a", "b"):
        desk.ask("DELETE", f"/collections/{compared.get()[side]['collection_id']}", 204)
    deadline = time.monotonic() + PATIENCE_S
    while not (compared.get()["a"]["gone"] and compared.get()["b"]["gone"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert compared.of_pair("/rows", columns="all") == before
    assert b"PK" in compared.get("/report")
    pair = f"/comparisons/{compared.id}/pairs/{compared.pair['id']}"
    assert desk.ask("GET", f"{pair}/rows?view=full", 409)["code"] == "SIDE_GONE"
    body = {"pair": compared.pair["id"], "changes": "all", "into": "a"}
    assert desk.ask("POST", f"/comparisons/{compared.id}/apply", 409, json=body)["code"] == "SIDE_GONE"


def test_sides_with_nothing_in_common_or_without_documents_have_a_clear_result(desk: Desk) -> None:
    some = desk.upload({"x/t.xml": ledger()})
    empty = desk.upload({"x/t.txt": "no document"})
    other = desk.upload({"y/u.xml": [{"Ident": f"{at}", "Amount": f"{at * 7}.5"} for at in range(50)]})
    nothing = desk.compare({"collection_id": some}, {"collection_id": empty}).get()["summary"]
    assert (nothing["only_in_a"], nothing["only_in_b"], nothing["mismatch"]) == (1, 0, 0)
    apart = desk.compare({"collection_id": some}, {"collection_id": other}).get()["summary"]
    assert (apart["only_in_a"], apart["only_in_b"], apart["mismatch"]) == (1, 1, 0)


def test_recipes_live_as_long_as_the_session(client: httpx.Client, desk: Desk) -> None:
    options = {"keys": ["Code"], "ignore_columns": ["Flag"], "numeric_tolerance": 0.01}
    kept = desk.ask("PUT", "/comparison-recipes/Ledger%2FÄ", json={"options": options})
    assert desk.get("/comparison-recipes")["items"] == [kept]
    stranger = Desk(client, login(client, "admin", ADMIN_PASSWORD)[0])
    assert stranger.get("/comparison-recipes") == {"items": [], "total": 0}
    desk.ask("DELETE", "/comparison-recipes/Ledger%2FÄ", 204)
    desk.ask("DELETE", "/comparison-recipes/Ledger%2FÄ", 404)
