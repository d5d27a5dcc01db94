"""Which way things point: walked through the imports of every module, also those it only reaches through others."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "ret_kit": ROOT / "services/kit/ret_kit",
    "ret_auth": ROOT / "services/auth/ret_auth",
    "ret_ingest": ROOT / "services/ingest/ret_ingest",
    "ret_convert": ROOT / "services/convert/ret_convert",
    "ret_diff": ROOT / "services/diff/ret_diff",
    "ret_gateway": ROOT / "gateway/ret_gateway",
    "ret_run": ROOT / "scripts/ret_run",
}
SERVICES = ["ret_auth", "ret_ingest", "ret_convert", "ret_diff"]
# Where protobuf stops. auth has events to send and no jobs to work on: its `announce` is what `worker` is elsewhere.
# `messages` and `selection` are the part of ingest's server that turns rows into messages, one by one and streamed;
# `listing` is the part of convert's that turns them back. diff asks its neighbours in `sides`, for its `work`: in the
# `worker`, when something is compared `again`, and for `taking` differences over; `reporting` turns messages into the
# order of a report.
EDGES = {
    *("__main__", "server", "tables_server", "snapshot_server", "results_server", "messages", "selection", "listing"),
    *("worker", "announce", "sides", "work", "again", "taking", "reporting"),
}
TRANSPORT = {"grpc", "grpc_status", "nats", "fastapi", "starlette", "uvicorn", "google"}
DRIVERS = {"sqlite3", "aiosqlite", "psycopg"}
# Pure: what these say depends on nothing but their arguments.
PURE = [
    "ret_ingest.archive",
    "ret_ingest.sniff",
    "ret_ingest.grouping",
    "ret_convert.shape",
    "ret_convert.flatten",
    "ret_auth.passwords",
    "ret_auth.policy",
]


def modules(package: str) -> dict[str, Path]:
    """Dotted name → file of a package; generated migrations are data, not modules."""
    folder = PACKAGES[package]
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [package, *path.relative_to(folder).with_suffix("").parts]
        if "migrations" not in parts:
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def everything() -> dict[str, Path]:
    return {name: path for package in PACKAGES for name, path in modules(package).items()}


def imported(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[str]:
    """The dotted names that a module imports, except those only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: len(module.split(".")) - node.level + (1 if is_package else 0)]
                base = ".".join([*above, *([base] if base else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        else:
            yield from imported(node, module, is_package=is_package)


@cache
def direct(module: str) -> frozenset[str]:
    path = everything()[module]
    return frozenset(imported(ast.parse(path.read_text()), module, is_package=path.name == "__init__.py"))


def reached(module: str) -> dict[str, list[str]]:
    """Everything a module imports, through our own modules too, each with the way there."""
    ways: dict[str, list[str]] = {}
    waiting = [(module, [module])]
    while waiting:
        name, way = waiting.pop()
        for target in direct(name):
            if target in ways:
                continue
            ways[target] = [*way, target]
            # Importing a.b runs a's __init__ as well.
            parts = target.split(".")
            for end in range(1, len(parts) + 1):
                own = ".".join(parts[:end])
                if own in everything() and (own == target or own not in ways):
                    ways.setdefault(own, [*way, own])
                    waiting.append((own, [*way, own]))
    return ways


def top(name: str) -> str:
    return name.partition(".")[0]


def craft() -> list[str]:
    return [
        name
        for package in SERVICES
        for name in modules(package)
        if name.split(".")[1:2] and name.split(".")[1] not in EDGES
    ]


def is_stub(name: str) -> bool:
    """Whether a name is one of the generated contracts (package `ret`)."""
    return top(name) == "ret"


def test_there_is_something_to_walk() -> None:
    for package in PACKAGES:
        assert modules(package), package


@pytest.mark.parametrize("module", craft())
def test_the_craft_reaches_no_transport_and_no_contract(module: str) -> None:
    wrong = {name: way for name, way in reached(module).items() if top(name) in TRANSPORT or is_stub(name)}
    assert not wrong, "; ".join(" → ".join(way) for way in wrong.values())


@pytest.mark.parametrize("module", craft())
def test_the_craft_imports_no_database_driver(module: str) -> None:
    assert not {name for name in direct(module) if top(name) in DRIVERS}


@pytest.mark.parametrize("module", PURE)
def test_the_pure_craft_reaches_no_database_bus_or_blob(module: str) -> None:
    banned = {"sqlalchemy", "redis", "obstore", *DRIVERS}
    own = {"ret_kit.database", "ret_kit.bus", "ret_kit.blobs", "ret_kit.jobs", "ret_kit.rpc", "ret_kit.pools"}
    wrong = {name: way for name, way in reached(module).items() if top(name) in banned or name in own}
    assert not wrong, "; ".join(" → ".join(way) for way in wrong.values())


@pytest.mark.parametrize("package", SERVICES)
def test_services_never_import_each_other(package: str) -> None:
    others = set(PACKAGES) - {package, "ret_kit"}
    for module in modules(package):
        assert not {name for name in direct(module) if top(name) in others}, module


def test_the_kit_knows_no_service() -> None:
    others = set(PACKAGES) - {"ret_kit"}
    for module in modules("ret_kit"):
        assert not {name for name in direct(module) if top(name) in others}, module
        assert not {name for name in direct(module) if name.startswith(("ret.ingest", "ret.convert"))}, module


def test_the_gateway_has_no_business() -> None:
    banned = {"sqlalchemy", "pyarrow", "openpyxl", "obstore", *DRIVERS, *SERVICES}
    own = {"ret_kit.database", "ret_kit.blobs", "ret_kit.jobs", "ret_kit.pools", "ret_kit.ending"}
    for module in modules("ret_gateway"):
        assert not {name for name in direct(module) if top(name) in banned or name in own}, module


def test_only_the_composition_roots_and_edges_touch_contracts() -> None:
    for package in SERVICES:
        for module in modules(package):
            if any(is_stub(name) for name in direct(module)):
                assert module.split(".")[1] in EDGES, module


def declared(folder: Path) -> set[str]:
    """The names of the distributions that a pyproject.toml asks for."""
    with (folder / "pyproject.toml").open("rb") as file:
        wanted: list[str] = tomllib.load(file)["project"].get("dependencies", [])
    return {re.split(r"[\s\[<>=!~;]", word, maxsplit=1)[0].lower().replace("_", "-") for word in wanted}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_that_is_imported_is_declared(package: str) -> None:
    providers = importlib.metadata.packages_distributions()
    known = declared(PACKAGES[package].parent) | declared(PACKAGES["ret_kit"].parent)
    for module in modules(package):
        if "testing" in module.split("."):
            continue  # fixtures for tests bring pytest and need what tests need
        for name in {top(name) for name in direct(module)}:
            if name in sys.stdlib_module_names or name in {package, "ret", "google"}:
                continue
            names = {provider.lower().replace("_", "-") for provider in providers.get(name, [name])}
            assert names & known, f"{module} imports {name}, which {package}'s pyproject.toml does not ask for"
