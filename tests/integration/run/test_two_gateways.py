"""Two gateways, each before a convert of its own, over one store: whoever edits through either sees one table."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from run_bench import beside, end, facts_of, start, until

from ret_kit.testing.process import accepts, free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "correct horse battery staple"
WORDS = [f"old {number:02}" for number in range(1, 13)]
DOCUMENTS = 16
ROUNDS = 20


@dataclass(frozen=True)
class Table:
    """A converted document with a row a word, which nobody has changed yet."""

    id: str
    collection: str
    document: str

    @property
    def path(self) -> str:
        return f"tables/{self.id}"


@dataclass(frozen=True)
class Side:
    """The session that both sides share, at one of the gateways."""

    client: httpx.AsyncClient

    async def asked(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        """The body of an answer that must be a good one."""
        answer = await self.client.request(method, path, **given)
        assert answer.is_success, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def ended(self, job: dict[str, Any]) -> None:
        async with asyncio.timeout(60):
            while job["state"] in ("queued", "running"):
                await asyncio.sleep(0.05)
                job = await self.asked("GET", f"jobs/{job['id']}")
        assert job["state"] == "succeeded", job

    async def save(self, table: Table, version: int, key: str = "", **change: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.client.patch(table.path, json={"version": version, **change}, headers=headers)

    async def saved(self, table: Table, version: int, **change: Any) -> dict[str, Any]:
        answer = await self.save(table, version, **change)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def rows(self, table: Table, **query: str) -> tuple[int, list[tuple[int, str]]]:
        """(version, the rows' numbers and words)."""
        page = await self.asked("GET", table.path, params={"columns": "Word", "limit": "100", **query})
        return page["version"], [(row["row"], row["values"][0]) for row in page["rows"]]


@dataclass(frozen=True)
class Sides:
    """Both sides, and tables for the tests to take."""

    here: Side
    there: Side
    tables: Iterator[Table]


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A product's gateway, and a second one with a second convert beside them."""
    folder = tmp_path_factory.mktemp("two")
    convert, gateway = free_port(), free_port()
    with ExitStack() as stack:
        manager = start(folder / "data", RET_ADMIN_PASSWORD=PASSWORD)
        stack.callback(end, manager)
        facts = facts_of(manager)
        variables = facts["env"] | {
            "RET_CONVERT_ADDRESS": f"127.0.0.1:{convert}",
            "RET_GATEWAY_PORT": str(gateway),
            "RET_GATEWAY_OPERATIONS_PORT": "0",
        }
        second = f"http://127.0.0.1:{gateway}"
        stack.enter_context(beside(folder / "convert.log", variables, "ret_convert", "serve"))
        stack.enter_context(beside(folder / "gateway.log", variables, "ret_gateway"))
        until(lambda: accepts(gateway) and httpx.get(f"{second}/readyz").is_success)
        yield facts["url"], second


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sides(urls: tuple[str, str]) -> AsyncIterator[Sides]:
    """One session at both gateways, with converted documents."""
    login = {"username": "admin", "password": PASSWORD}
    async with (
        httpx.AsyncClient(base_url=f"{urls[0]}/api/v1/", timeout=60) as first,
        httpx.AsyncClient(base_url=f"{urls[1]}/api/v1/", timeout=60) as second,
    ):
        here, there = Side(first), Side(second)
        token = (await here.asked("POST", "auth/login", json=login))["access_token"]
        for client in (first, second):
            client.headers["Authorization"] = f"Bearer {token}"
        yield Sides(here, there, iter(await converted(here, there)))


async def converted(here: Side, there: Side) -> list[Table]:
    """Documents uploaded through one gateway and converted through the other."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(DOCUMENTS):
            body = "".join(f"<Row><Id>{at}</Id><Word>{word}</Word></Row>" for at, word in enumerate(WORDS, 1))
            archive.writestr(f"AR_x/{number}.xml", f"<Rows>{body}</Rows>")
    upload = await here.asked("POST", "collections", files={"file": ("Upload.zip", packed.getvalue())})
    await here.ended(upload["job"])
    collection = upload["collection"]["id"]
    await there.ended((await there.asked("POST", f"collections/{collection}/conversions", json={}))["job"])
    documents = (await here.asked("GET", f"collections/{collection}/documents"))["items"]
    return [Table(one["tables"][0]["id"], collection, one["id"]) for one in documents]


@pytest.fixture
def here(sides: Sides) -> Side:
    return sides.here


@pytest.fixture
def there(sides: Sides) -> Side:
    return sides.there


@pytest.fixture
def table(sides: Sides) -> Table:
    return next(sides.tables)


def word(row: int, value: str) -> list[dict[str, Any]]:
    return [{"row": row, "column": "Word", "value": value}]


# --- what is seen of a table, and what it ought to be for the words by row number -----------------------------------


async def on_a_page(side: Side, table: Table) -> Any:
    return (await side.rows(table))[1]


async def sorted_by_word(side: Side, table: Table) -> Any:
    return (await side.rows(table, sort="-Word"))[1]


async def filtered_by_word(side: Side, table: Table) -> Any:
    return (await side.rows(table, filter=json.dumps([{"column": "Word", "op": "starts", "value": "new"}])))[1]


async def found(side: Side, table: Table) -> Any:
    """The row of each new word; None where it is not found."""
    answers = [await side.client.get(f"{table.path}/find", params={"q": f"new {row:02}"}) for row in (1, 2, 3, 4)]
    return [answer.json()["row"] if answer.is_success else None for answer in answers]


async def profiled(side: Side, table: Table) -> Any:
    [column] = (await side.asked("GET", f"{table.path}/profile", params={"columns": "Word"}))["columns"]
    return column["min"], column["distinct"]


async def in_the_history(side: Side, table: Table) -> Any:
    listed = await side.asked("GET", f"{table.path}/history")
    return listed["version"], [(one["version"], one["edits"]) for one in listed["items"]]


async def exported(side: Side, table: Table) -> Any:
    answer = await side.client.get(
        f"collections/{table.collection}/export", params={"document": table.document, "format": "csv"}
    )
    assert answer.is_success, answer.text
    return [line["Word"] for line in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]


def saves(words: dict[int, str]) -> int:
    return sum(word.startswith("new") for word in words.values())


LOOKS: dict[str, tuple[Callable[[Side, Table], Awaitable[Any]], Callable[[dict[int, str]], Any]]] = {
    "on a page": (on_a_page, lambda words: list(words.items())),
    "in a sorted view": (sorted_by_word, lambda words: sorted(words.items(), key=lambda one: one[1], reverse=True)),
    "in a filtered view": (filtered_by_word, lambda words: list(words.items())[: saves(words)]),
    "in find": (found, lambda words: [row if row <= saves(words) else None for row in (1, 2, 3, 4)]),
    "in the profile": (profiled, lambda words: (min(words.values()), len(set(words.values())))),
    "in the history": (
        in_the_history,
        lambda words: (saves(words) + 1, [(version, 1) for version in range(saves(words) + 1, 1, -1)]),
    ),
    "in an export": (exported, lambda words: list(words.values())),
}


@pytest.mark.parametrize("where", LOOKS)
async def test_a_save_through_one_gateway_is_at_once_seen_through_the_other(
    here: Side, there: Side, table: Table, where: str
) -> None:
    look, expected = LOOKS[where]
    words = dict(enumerate(WORDS, 1))
    # Both have looked before every save, so that what either keeps of the version before is there to be wrong.
    assert await look(here, table) == await look(there, table) == expected(words)
    for row in range(1, 5):
        saving, looking = (here, there) if row % 2 else (there, here)
        await saving.saved(table, row, edits=word(row, f"new {row:02}"))
        words[row] = f"new {row:02}"
        assert await look(looking, table) == expected(words)
        assert await look(saving, table) == expected(words)


async def test_of_two_saves_at_once_one_succeeds_and_the_other_is_told_base_theirs_and_mine(
    here: Side, there: Side, table: Table
) -> None:
    base = WORDS[0]
    for version in range(1, ROUNDS + 1):
        mine = (f"here {version}", f"there {version}")
        answers = await asyncio.gather(
            here.save(table, version, edits=word(1, mine[0])), there.save(table, version, edits=word(1, mine[1]))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        lost = 0 if answers[0].status_code == 409 else 1
        won, told = 1 - lost, answers[lost].json()
        assert answers[won].json() == {"version": version + 1, "inserted": []}
        assert (told["code"], told["current_version"]) == ("STALE_VERSION", version + 1)
        assert told["conflicts"] == [
            {"row": 1, "column": "Word", "base": base, "theirs": mine[won], "mine": mine[lost]}
        ]
        base = mine[won]
        shown = (version + 1, [(1, base), *enumerate(WORDS[1:], 2)])
        assert [await here.rows(table), await there.rows(table)] == [shown, shown]
    assert await in_the_history(here, table) == await in_the_history(there, table)


async def test_more_saves_in_turn_than_are_kept_one_by_one_are_all_shown_through_both(
    here: Side, there: Side, table: Table
) -> None:
    # After 64 versions, a snapshot of them is made by whichever convert comes upon it.
    for version in range(1, 101):
        saving = here if version % 2 else there
        await saving.saved(table, version, edits=word(version % 12 + 1, f"{version}"))
    last = {version % 12 + 1: f"{version}" for version in range(1, 101)}
    shown = (101, [(row, last[row]) for row in range(1, 13)])
    assert [await here.rows(table), await there.rows(table)] == [shown, shown]


async def test_what_is_undone_through_one_is_brought_back_through_the_other(
    here: Side, there: Side, table: Table
) -> None:
    old = list(enumerate(WORDS, 1))
    new = [(1, "new"), *old[1:]]
    await here.saved(table, 1, edits=word(1, "new"))
    for version, (undoing, redoing) in ((2, (there, here)), (4, (here, there))):
        assert await undoing.asked("POST", f"{table.path}/undo") == {"version": version + 1, "inserted": []}
        assert await redoing.rows(table) == (version + 1, old)
        assert await redoing.asked("POST", f"{table.path}/redo") == {"version": version + 2, "inserted": []}
        assert await undoing.rows(table) == (version + 2, new)


async def test_of_two_undos_of_one_version_at_once_one_succeeds(here: Side, there: Side, table: Table) -> None:
    for version in range(1, 6):
        await here.saved(table, version, edits=word(version, "new"))
    for version in range(6, 11):
        answers = await asyncio.gather(
            *(side.client.post(f"{table.path}/undo", json={"version": version}) for side in (here, there))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert {answer.json().get("code") for answer in answers} == {None, "STALE_VERSION"}
    shown = (11, list(enumerate(WORDS, 1)))
    assert [await here.rows(table), await there.rows(table)] == [shown, shown]


async def test_a_row_inserted_through_one_is_deleted_through_the_other(here: Side, there: Side, table: Table) -> None:
    old = list(enumerate(WORDS, 1))
    for at, (inserting, deleting) in enumerate(((here, there), (there, here))):
        version, number = 1 + 2 * at, len(WORDS) + 1 + at  # a number that has gone is not given again
        insert = [{"after": 1, "values": ["7", "between"]}]
        answer = await inserting.saved(table, version, insert_rows=insert)
        assert answer == {"version": version + 1, "inserted": [number]}
        assert await deleting.rows(table) == (version + 1, [old[0], (number, "between"), *old[1:]])
        assert (await deleting.saved(table, version + 1, delete_rows=[number]))["version"] == version + 2
        assert await inserting.rows(table) == (version + 2, old)
        gone = await inserting.save(table, version + 2, edits=word(number, "x"))
        assert (gone.status_code, gone.json()["field"]) == (422, "edits")


async def test_one_key_through_both_saves_once_and_gives_the_same_answer(here: Side, there: Side, table: Table) -> None:
    for version in range(1, 2 * ROUNDS + 1):
        change = {"edits": word(1, f"new {version}"), "insert_rows": [{"after": 1, "values": ["7", "x"]}]}
        asked = [side.save(table, version, key=f"key {version}", **change) for side in (here, there)]
        # At once, and one after the other.
        answers = await asyncio.gather(*asked) if version % 2 else [await one for one in asked]
        assert [answer.json() for answer in answers] == [{"version": version + 1, "inserted": [12 + version]}] * 2
    listed = await in_the_history(there, table)
    assert listed == (2 * ROUNDS + 1, [(version, 2) for version in range(2 * ROUNDS + 1, 1, -1)])
    assert await here.rows(table) == await there.rows(table)
