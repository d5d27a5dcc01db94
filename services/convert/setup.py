"""Builds the native core; everything else of the distribution is said in pyproject.toml."""

from __future__ import annotations

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError

NEEDED = (
    "ret-convert is built with a C compiler against the headers of Python, libexpat and xxHash, and one of them is "
    "missing. On Debian: apt-get install gcc libc6-dev python3-dev libexpat1-dev libxxhash-dev"
)
HERE = Path(__file__).parent


class Build(build_ext):
    """Says what is missing where a compiler would say which line of which header it could not find."""

    def build_extension(self, ext: Extension) -> None:
        try:
            super().build_extension(ext)  # pyright: ignore[reportUnknownMemberType] - setuptools leaves it untyped
        except (BaseError, OSError) as error:
            raise SystemExit(f"{NEEDED}\n({error})") from error


setup(
    cmdclass={"build_ext": Build},
    ext_modules=[
        Extension(
            "ret_convert._core",
            sources=sorted(str(path.relative_to(HERE)) for path in (HERE / "native").glob("*.c")),
            depends=sorted(str(path.relative_to(HERE)) for path in (HERE / "native").glob("*.h")),
            libraries=["expat"],
            define_macros=[("_GNU_SOURCE", None)],
            extra_compile_args=["-std=c11", "-O3", "-Wall", "-Wextra", "-Wno-missing-field-initializers"],
        )
    ],
)
