"""Writes docs/settings.md from the settings classes, or (--check) says whether it is up to date."""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ByteSize, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from ret_kit.settings import REQUIRED_IN_PRODUCTION

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
HEAD = """\
# Settings

Every limit, weight, address and time-out of RET is an environment variable. The same value can stand in a file of the
folder named by `RET_SECRETS_DIR`, called like the variable in lower case (`ret_service_secret`): meant for secrets.
Sizes are bytes and may be written with a unit (`64MiB`); lists are separated by commas.

With `RET_ENV=production` the settings marked **P** have no default: a process names what is missing and does not start.

This file is generated from the settings classes by `make docs`.
"""
PARTS = [
    ("Every process", "ret_kit.settings"),
    ("auth", "ret_auth.settings"),
    ("ingest", "ret_ingest.settings"),
    ("convert", "ret_convert.settings"),
    ("diff", "ret_diff.settings"),
    ("gateway", "ret_gateway.settings"),
    ("`make run`", "ret_run.settings"),
]


def size(value: int) -> str:
    """A number of bytes with the largest unit that divides it."""
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if value and value % unit == 0:
            return f"{value // unit}{name}"
    return str(value)


def default(field: FieldInfo) -> str:
    """A field's default as it would be written in the environment."""
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", (), []):
        return ""
    if isinstance(value, tuple | list):
        return f"`{','.join(map(str, cast('Iterable[object]', value)))}`"
    if field.annotation is ByteSize:
        return f"`{size(int(value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def rows(model: type[BaseModel], prefix: str, known: set[str]) -> Iterator[str]:
    """The table rows of a class's fields that were not described before; nested groups are written out."""
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name}".upper()
        if variable in known:
            continue
        known.add(variable)
        kind = field.annotation
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            yield from rows(kind, f"{prefix}{name}_", known)
            continue
        mark = " **P**" if field.json_schema_extra == REQUIRED_IN_PRODUCTION else ""
        if not field.description:
            message = f"{variable} has no description"
            raise SystemExit(message)
        words = field.description.replace("|", "\\|").replace("\n", " ")
        yield f"| `{variable}`{mark} | {default(field)} | {words[0].upper()}{words[1:]} |"


def document() -> str:
    """The whole page."""
    text, known = HEAD, set[str]()
    for title, module_name in PARTS:
        module = importlib.import_module(module_name)
        classes = [
            value
            for value in vars(module).values()
            if inspect.isclass(value) and issubclass(value, BaseSettings) and value.__module__ == module_name
        ]
        lines = [row for settings in classes for row in rows(settings, "RET_", known)]
        text += f"\n## {title}\n\n| variable | default | what |\n|---|---|---|\n" + "\n".join(lines) + "\n"
    return text


def main() -> int:
    """Runs the command; gives its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether docs/settings.md is up to date")
    text = document()
    if parser.parse_args().check:
        if DOCUMENT.exists() and DOCUMENT.read_text() == text:
            return 0
        print("docs/settings.md is not what the settings classes give; run `make docs`")
        return 1
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(text)
    print(f"docs/settings.md: {text.count('| `RET_')} settings")
    return 0


if __name__ == "__main__":
    sys.exit(main())
