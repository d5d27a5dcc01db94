"""Every role, for what is its own, another's, another session's or absent, on every route of the description.

Against the whole product: what is somebody else's is refused by the service it belongs to, not by the gateway alone.
"""

from __future__ import annotations

import io
import json
import secrets
import time
import zipfile
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from product_bench import ADMIN_PASSWORD, PATIENCE_S, login, running_product

from ret_gateway.app import create_app
from ret_gateway.metrics import Metrics
from ret_gateway.openapi import describe
from ret_gateway.settings import GatewaySettings

OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, operations in describe(create_app(GatewaySettings(env="local"), Metrics()))["paths"].items()
    for method, operation in operations.items()
}
ONE, WAS, NOW = "AR_x/one.xml", "ZZ_y/was.xml", "ZZ_y/now.xml"
FILES = {
    ONE: "<Rows><Row><Id>1</Id></Row><Row><Id>2</Id></Row></Rows>",
    WAS: "<Rows><Row><Id>1</Id></Row><Row><Id>2</Id></Row></Rows>",
    NOW: "<Rows><Row><Id>1</Id></Row><Row><Id>7</Id></Row></Rows>",
}
BODIES: dict[str, dict[str, Any]] = {
    "change_collection": {"name": "renamed"},
    "rename_group": {"name": "OTHER"},
    "move_document": {"group": "MOVED"},
    "start_conversion": {"documents": ["{document_id}"]},
    "save_table": {"version": 1, "edits": [{"row": 1, "column": "Row.Id", "value": "edited"}]},
    "undo_table": {},
    "redo_table": {},
    "create_user": {"username": "nobody", "role": "user"},
    "start_comparison": {"a": {"document_id": "d"}, "b": {"document_id": "d"}},
    "apply_changes": {"pair": "{pair_id}", "changes": "all", "into": "a"},
    "pair_documents": {"a_path": WAS},
    "review_pair": {"reviewed": True},
    "recompare_pair": {"options": {"ignore_case": True}},
    "put_recipe": {"options": {}},
}
QUERIES = {"find_in_table": {"q": "2"}, "locate_row": {"a_row": 1, "view": "full"}}
ENDING = {"delete_collection", "end_own_session", "delete_comparison", "delete_recipe"}
CHANGING = {"rename_group", "pair_documents"}
ROLES = ["user", "guest", "admin"]
# Whoever keeps something under a name has it from then on: the name is nobody else's.
NAMING = [
    name for name, (_, path, _) in OPERATIONS.items() if "{" in path and "/admin/" not in path and name != "put_recipe"
]
ADMINISTERING = [name for name, (_, path, _) in OPERATIONS.items() if "/admin/" in path]
PROTECTED = [name for name, (_, _, operation) in OPERATIONS.items() if operation.get("security")]


@dataclass
class Belongings:
    """A session and what it has made."""

    headers: dict[str, str]
    ids: dict[str, str]


@dataclass
class Product:
    """The whole product, running."""

    client: httpx.Client
    admin: dict[str, str]
    credentials: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    belongings: dict[tuple[str, str], Belongings] = field(default_factory=dict[tuple[str, str], Belongings])

    def of(self, role: str, whose: str) -> Belongings:
        """What somebody of a role has; `whose` is own, elsewhere (another session of the same user), or other."""
        if (role, whose) not in self.belongings:
            self.belongings[role, whose] = self.fresh(role, "other" if whose == "other" else "own")
        return self.belongings[role, whose]

    def fresh(self, role: str, person: str) -> Belongings:
        """A new session with an upload that was converted."""
        headers, session_id = self.login(self._credentials(role, person))
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            for name, text in FILES.items():
                file.writestr(name, text)
        answer = self._sent("POST", "/collections", headers, files={"file": ("Upload.zip", archive.getvalue())})
        self.ended(answer["job"]["id"], headers)
        collection_id = answer["collection"]["id"]
        job_id = self._sent("POST", f"/collections/{collection_id}/conversions", headers, json={})["job"]["id"]
        self.ended(job_id, headers)
        documents = self._documents(collection_id, headers)
        ids = {"collection_id": collection_id, "document_id": documents[ONE]["id"], "job_id": job_id}
        ids["table_id"] = documents[ONE]["tables"][0]["id"]
        ids |= {"session_id": session_id, "name": documents[ONE]["group"], "recipe": secrets.token_hex(4)}
        self._sent("PUT", f"/comparison-recipes/{ids['recipe']}", headers, json={"options": {}})
        sides = {side: {"document_id": documents[path]["id"]} for side, path in (("a", WAS), ("b", NOW))}
        started = self._sent("POST", "/comparisons", headers, json=sides)
        self.ended(started["job"]["id"], headers)
        ids["comparison_id"] = started["comparison"]["id"]
        return Belongings(headers, ids | {"pair_id": self.pair_of(ids["comparison_id"], headers)})

    def _documents(self, collection_id: str, headers: dict[str, str]) -> dict[str, Any]:
        listed = self._sent("GET", f"/collections/{collection_id}/documents", headers)["items"]
        return {document["path"]: document for document in listed}

    def pair_of(self, comparison_id: str, headers: dict[str, str]) -> str:
        """The one pair; of documents that are paired by hand it is another."""
        (pair,) = self._sent("GET", f"/comparisons/{comparison_id}/pairs", headers)["items"]
        return pair["id"]

    def table_of(self, collection_id: str, headers: dict[str, str]) -> str:
        """The table of the first document; converted again, it has another."""
        return self._documents(collection_id, headers)[ONE]["tables"][0]["id"]

    def _credentials(self, role: str, person: str) -> dict[str, str]:
        key = f"{role}-{person}"
        if key not in self.credentials:
            made = {"username": f"{key}-{secrets.token_hex(3)}", "password": "First-" + secrets.token_urlsafe(12)}
            self._sent("POST", "/admin/users", self.admin, json=made | {"role": role})
            headers, _ = self.login(made)
            if self._sent("GET", "/auth/me", headers)["must_change_password"]:
                second = "Second-" + secrets.token_urlsafe(12)
                change = {"current_password": made["password"], "new_password": second}
                self._sent("POST", "/auth/password", headers, json=change)
                made["password"] = second
            self.credentials[key] = made
        return self.credentials[key]

    def login(self, credentials: dict[str, str]) -> tuple[dict[str, str], str]:
        return login(self.client, **credentials)

    def _sent(self, method: str, path: str, headers: dict[str, str], **body: Any) -> Any:
        answer = self.client.request(method, f"/api/v1{path}", headers=headers, **body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def ended(self, job_id: str, headers: dict[str, str]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while (job := self._sent("GET", f"/jobs/{job_id}", headers))["state"] in {"queued", "running"}:
            assert time.monotonic() < deadline, job
            time.sleep(0.05)
        assert job["state"] == "succeeded", job

    def ask(self, name: str, headers: dict[str, str], ids: dict[str, str]) -> httpx.Response:
        """Calls an operation about these things."""
        method, path, _ = OPERATIONS[name]
        body = json.dumps(BODIES.get(name))
        for known, value in ids.items():
            body = body.replace(f"{{{known}}}", value)
        return self.client.request(
            method, path.format(**ids), headers=headers, json=json.loads(body), params=QUERIES.get(name)
        )


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    with running_product(tmp_path_factory.mktemp("matrix")) as client:
        headers, _ = login(client, "admin", ADMIN_PASSWORD)
        yield Product(client, headers)


def absent() -> dict[str, str]:
    names = ("collection_id", "document_id", "table_id", "job_id", "session_id", "name")
    names += ("comparison_id", "pair_id", "recipe")
    return {name: secrets.token_hex(16) for name in names}


def refused(answer: httpx.Response, status: int) -> None:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("name", NAMING)
@pytest.mark.parametrize("role", ROLES)
def test_what_is_absent_is_404(product: Product, role: str, name: str) -> None:
    own = product.of(role, "own")
    refused(product.ask(name, own.headers, absent()), 404)
    if "job_id" in OPERATIONS[name][1]:
        for service in ("ingest", "convert", "diff"):
            refused(product.ask(name, own.headers, {"job_id": f"{service}-{secrets.token_hex(16)}"}), 404)


@pytest.mark.parametrize("name", NAMING)
@pytest.mark.parametrize("owner", ROLES)
@pytest.mark.parametrize("role", ROLES)
def test_what_is_somebody_elses_is_404_also_for_administrators(
    product: Product, role: str, owner: str, name: str
) -> None:
    refused(product.ask(name, product.of(role, "own").headers, product.of(owner, "other").ids), 404)


@pytest.mark.parametrize("name", [name for name in NAMING if name != "end_own_session"])
@pytest.mark.parametrize("role", ROLES)
def test_what_another_session_of_the_same_user_has_is_404(product: Product, role: str, name: str) -> None:
    refused(product.ask(name, product.of(role, "own").headers, product.of(role, "elsewhere").ids), 404)


@pytest.mark.parametrize("name", [name for name in NAMING if name not in ENDING | CHANGING])
@pytest.mark.parametrize("role", ROLES)
def test_what_is_ones_own_is_answered(product: Product, role: str, name: str) -> None:
    own = product.of(role, "own")
    answer = product.ask(name, own.headers, own.ids)
    success = [status for status in OPERATIONS[name][2]["responses"] if status < "300"]
    assert [str(answer.status_code)] == success, answer.text
    if answer.status_code == 202 and name != "cancel_job":  # what it began would change what the next one finds
        product.ended(answer.json()["job"]["id"], own.headers)
        own.ids["table_id"] = product.table_of(own.ids["collection_id"], own.headers)
        own.ids["pair_id"] = product.pair_of(own.ids["comparison_id"], own.headers)


@pytest.mark.parametrize("role", ROLES)
def test_what_is_ones_own_can_be_changed_and_ended(product: Product, role: str) -> None:
    own = product.fresh(role, "own")
    for name, status in (("rename_group", 200), ("pair_documents", 202)):
        assert product.ask(name, own.headers, own.ids).status_code == status
    for name in ("put_recipe", "delete_recipe", "delete_comparison", "delete_collection", "end_own_session"):
        assert product.ask(name, own.headers, own.ids).status_code == (200 if name == "put_recipe" else 204)
    refused(product.ask("me", own.headers, own.ids), 401)


@pytest.mark.parametrize("role", ROLES)
def test_another_session_of_ones_own_can_be_ended(product: Product, role: str) -> None:
    own, elsewhere = product.of(role, "own"), product.fresh(role, "own")
    assert product.ask("end_own_session", own.headers, elsewhere.ids).status_code == 204
    refused(product.ask("me", elsewhere.headers, {}), 401)


@pytest.mark.parametrize("name", PROTECTED)
@pytest.mark.parametrize("token", [None, "a.b.c"])
def test_nobody_gets_anything(product: Product, token: str | None, name: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    refused(product.ask(name, headers, product.of("user", "own").ids), 401)


@pytest.mark.parametrize("name", ADMINISTERING)
@pytest.mark.parametrize("role", ["user", "guest"])
def test_administration_is_403_to_everybody_else(product: Product, role: str, name: str) -> None:
    own = product.of(role, "own")
    refused(product.ask(name, own.headers, own.ids), 403)
    refused(product.ask(name, own.headers, absent()), 403)


def test_administrators_end_sessions_that_are_there(product: Product) -> None:
    somebody = product.fresh("user", "own")
    refused(product.ask("end_session", product.admin, absent()), 404)
    assert product.ask("end_session", product.admin, somebody.ids).status_code == 204
    refused(product.ask("get_collection", somebody.headers, somebody.ids), 401)


@pytest.mark.parametrize("name", ["list_collections", "list_jobs", "list_own_sessions", "list_comparisons"])
@pytest.mark.parametrize("role", ROLES)
def test_no_list_names_anothers(product: Product, role: str, name: str) -> None:
    listed = product.ask(name, product.of(role, "own").headers, {}).json()
    foreign = {value for owner in ROLES for value in product.of(owner, "other").ids.values()}
    assert listed["total"] >= 1
    assert not foreign & {item["id"] for item in listed["items"]}
