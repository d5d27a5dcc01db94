"""The manifests say what the services are: commands, ports, settings, rights. No cluster is needed to see that."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pydantic import BaseModel
from pydantic_settings import BaseSettings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
K8S = DEPLOY / "k8s"
BASE = K8S / "base"
SERVICES = ["auth", "ingest", "convert", "diff", "gateway"]
Document = dict[str, Any]


def documents(path: Path) -> list[Document]:
    return [cast("Document", document) for document in yaml.safe_load_all(path.read_text()) if document]


def base(kind: str) -> dict[str, Document]:
    found = (document for path in sorted(BASE.glob("*.yaml")) for document in documents(path))
    return {document["metadata"]["name"]: document for document in found if document["kind"] == kind}


def workloads() -> dict[str, Document]:
    return base("Deployment") | base("StatefulSet")


def pod(workload: Document) -> Document:
    return workload["spec"]["template"]["spec"]


def container(workload: Document) -> Document:
    (only,) = pod(workload)["containers"]
    return only


def kustomizations() -> list[Path]:
    return sorted(K8S.rglob("kustomization.yaml"))


def referenced(path: Path) -> Iterator[Path]:
    (settings,) = documents(path)
    for name in (*settings.get("resources", []), *settings.get("components", [])):
        yield path.parent / name
    for patch in settings.get("patches", []):
        yield path.parent / patch["path"]


@pytest.mark.parametrize("path", kustomizations(), ids=lambda path: str(path.parent.relative_to(K8S)))
def test_everything_a_kustomization_names_is_there_and_everything_there_is_named(path: Path) -> None:
    named = list(referenced(path))
    for target in named:
        assert (target / "kustomization.yaml").is_file() if target.is_dir() else target.is_file(), target
    files = {file for file in path.parent.glob("*.yaml") if file != path}
    assert files == {target for target in named if target.suffix == ".yaml"}


def test_every_overlay_builds_on_the_base() -> None:
    for overlay in (K8S / "overlays").iterdir():
        assert BASE.resolve() in [target.resolve() for target in referenced(overlay / "kustomization.yaml")], overlay


def test_every_process_of_the_product_is_deployed() -> None:
    assert set(base("Deployment")) == {*SERVICES, "ingest-work", "convert-work", "diff-work"}
    assert set(base("StatefulSet")) == {"nats", "redis"}
    assert set(base("Service")) == {*SERVICES, "nats", "redis"}


@pytest.mark.parametrize("name,workload", base("Deployment").items())
def test_every_command_is_one_that_its_image_has(name: str, workload: Document) -> None:
    service = name.removesuffix("-work")
    python, dash_m, module, *arguments = container(workload)["command"]
    assert (python, dash_m, module) == ("python", "-m", f"ret_{service}")
    assert container(workload)["image"] == f"ret-{service}"
    folder = ROOT / ("gateway" if service == "gateway" else f"services/{service}")
    main = (folder / module / "__main__.py").read_text()
    serving = ["serve"] if service in ("ingest", "convert", "diff") else []
    assert arguments == (["work"] if name.endswith("-work") else serving)
    assert all(f'"{argument}"' in main for argument in arguments)


@pytest.mark.parametrize("name,workload", workloads().items())
def test_no_pod_is_root_or_can_write_its_image_or_speak_to_the_cluster(name: str, workload: Document) -> None:
    assert pod(workload)["securityContext"]["runAsNonRoot"] is True, name
    assert pod(workload)["securityContext"]["runAsUser"] >= 10_000
    assert pod(workload)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(workload)["automountServiceAccountToken"] is False
    assert container(workload)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    resources = container(workload)["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert "memory" in resources["limits"]


@pytest.mark.parametrize("name,service", base("Service").items())
def test_whatever_is_reached_is_probed_where_it_is_reached(name: str, service: Document) -> None:
    workload = workloads()[name]
    assert service["spec"]["selector"] == workload["spec"]["template"]["metadata"]["labels"]
    (port,) = container(workload)["ports"]
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    assert {"livenessProbe", "readinessProbe"} <= set(container(workload))
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        for way in container(workload).get(probe, {}).values():
            if isinstance(way, dict):
                assert cast("Document", way)["port"] in (port["name"], port["containerPort"])


def known_settings() -> set[str]:
    """Every variable that some settings class reads."""
    found = {"RET_SECRETS_DIR"}
    for part in ("kit", *SERVICES):
        module = importlib.import_module(f"ret_{part}.settings")
        for value in vars(module).values():
            if inspect.isclass(value) and issubclass(value, BaseSettings):
                found |= names_of(value, "RET_")
    return found


def names_of(model: type[BaseModel], prefix: str) -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            found |= names_of(kind, f"{prefix}{name}_".upper())
        else:
            found.add(f"{prefix}{name}".upper())
    return found


def test_every_setting_in_the_manifests_exists() -> None:
    files = [*K8S.rglob("*.yaml"), *K8S.rglob("*.example"), DEPLOY / "Dockerfile"]
    used = {name for path in files for name in re.findall(r"\bRET_[A-Z_]+\b", path.read_text())}
    assert len(used) >= 8
    assert used <= known_settings()


def test_the_addresses_in_the_settings_are_those_of_the_services() -> None:
    settings = base("ConfigMap")["ret-settings"]["data"]
    for name in ("auth", "ingest", "convert", "diff"):
        host, port = settings[f"RET_{name.upper()}_ADDRESS"].split(":")
        assert host == name
        assert base("Service")[name]["spec"]["ports"][0]["port"] == int(port)


def test_no_secret_stands_in_a_manifest() -> None:
    for path in K8S.rglob("*.yaml"):
        assert [document for document in documents(path) if document["kind"] == "Secret"] == [], path
    for workload in workloads().values():
        for variable in container(workload).get("env", []):
            if "PASSWORD" in variable["name"] or "SECRET" in variable["name"]:
                assert "value" not in variable, variable["name"]


def test_the_operations_listener_is_not_published() -> None:
    assert all(port["port"] != 8081 for service in base("Service").values() for port in service["spec"]["ports"])


def test_the_image_of_each_service_holds_that_service() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    stages = dict(re.findall(r"FROM \S+ AS image-(\w+)\n(?:.*\n)*?CMD (\[.+\])", text))
    commands = {name: container(base("Deployment")[name])["command"] for name in SERVICES}
    assert {name: yaml.safe_load(command) for name, command in stages.items()} == commands
    assert "USER 10001:10001" in text
    assert text.rstrip().endswith("FROM image-${SERVICE}")
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for path in source.split():
            assert (ROOT / path).exists(), path
