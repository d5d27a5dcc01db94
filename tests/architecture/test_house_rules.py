"""House rules as small linters, each tried on a piece of code that breaks it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Migrations, and the file that Alembic runs to apply them, are scripts by Alembic's own design.
PRODUCT = sorted(
    path
    for folder in ("services", "gateway", "scripts/ret_run")
    for path in (ROOT / folder).rglob("*.py")
    # setup.py is no module: pip runs it.
    if path.name != "setup.py" and not {"build", "migrations", "migrating", "tools"} & set(path.parts)
)
Rule = Callable[[ast.Module], Iterator[str]]

# What these read can make them run code (SECURITY 5). multiprocessing talks in pickles.
UNSAFE_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "multiprocessing"}
UNSAFE_NAMES = {"eval", "exec", "compile", "__import__", "execfile"}
UNSAFE_CALLS = {"yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen", "ProcessPoolExecutor"}


def unsafe(tree: ast.Module) -> Iterator[str]:
    """Anything that turns data into code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = []
        yield from (f"import of {name}" for name in names if name.partition(".")[0] in UNSAFE_MODULES)
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in UNSAFE_NAMES or called in UNSAFE_CALLS or called.rpartition(".")[2] in UNSAFE_CALLS:
                yield f"call of {called}"
            if any(word.arg == "shell" and ast.unparse(word.value) != "False" for word in node.keywords):
                yield f"{called} through a shell"
            if any(word.arg == "allow_pickle" and ast.unparse(word.value) != "False" for word in node.keywords):
                yield f"{called} with pickles"


def import_time_work(tree: ast.Module) -> Iterator[str]:
    """Statements at the top of a module that do something, or read the world into a constant."""
    reading = ("open", "read_text", "read_bytes", "connect", "getenv", "get_event_loop", "setup", "run", "now", "time")
    for node in tree.body:
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
            yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.For | ast.While | ast.With | ast.AsyncFor | ast.AsyncWith):
            yield f"line {node.lineno}: a {type(node).__name__.lower()} at the top of the module"
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for call in (part for part in ast.walk(node.value) if isinstance(part, ast.Call)):
                name = ast.unparse(call.func).rpartition(".")[2]
                if name in reading or name.endswith("Settings"):
                    yield f"line {node.lineno}: {ast.unparse(call)}"
            if "os.environ" in ast.unparse(node.value):
                yield f"line {node.lineno}: reads the environment"


def global_state(tree: ast.Module) -> Iterator[str]:
    """State that modules share behind the backs of their callers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield f"line {node.lineno}: global {', '.join(node.names)}"
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.List | ast.Dict | ast.Set):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                name = ast.unparse(target)
                if not name.isupper() and not name.startswith("__") and not name.lstrip("_").isupper():
                    yield f"line {node.lineno}: {name} can be changed by anybody"


def violations(rule: Rule, paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {found}" for path in paths for found in rule(ast.parse(path.read_text(), str(path)))
    ]


def test_nothing_that_is_read_back_becomes_code() -> None:
    assert violations(unsafe, PRODUCT) == []


def test_importing_a_module_does_nothing() -> None:
    assert violations(import_time_work, [path for path in PRODUCT if path.name != "__main__.py"]) == []


def test_modules_hold_no_state() -> None:
    assert violations(global_state, PRODUCT) == []


@pytest.mark.parametrize(
    "rule,code",
    [
        (unsafe, "import pickle"),
        (unsafe, "from marshal import loads"),
        (unsafe, "def f(x):\n    return eval(x)"),
        (unsafe, "import yaml\nyaml.load(text)"),
        (unsafe, "subprocess.run(command, shell=True)"),
        (unsafe, "numpy.load(path, allow_pickle=True)"),
        (unsafe, "from concurrent.futures import ProcessPoolExecutor\npool = ProcessPoolExecutor(2)"),
        (import_time_work, "logging.basicConfig()"),
        (import_time_work, "SETTINGS = AuthSettings()"),
        (import_time_work, "WORDS = Path('words').read_text()"),
        (import_time_work, "HOME = os.environ['HOME']"),
        (import_time_work, "for name in names:\n    print(name)"),
        (global_state, "def f():\n    global count\n    count = 1"),
        (global_state, "cache = {}"),
    ],
)
def test_each_rule_finds_what_breaks_it(rule: Rule, code: str) -> None:
    assert list(rule(ast.parse(code)))


@pytest.mark.parametrize("rule", [unsafe, import_time_work, global_state])
def test_no_rule_minds_ordinary_code(rule: Rule) -> None:
    code = (
        '"""Words."""\nimport re\nfrom pathlib import Path\n\nLIMIT = 3\nPATTERN = re.compile("a+")\nCODES = {"a": 1}\n'
        "log = logging.getLogger('ret.auth')\n\ndef f(path: Path) -> str:\n    return path.read_text()\n"
    )
    assert list(rule(ast.parse(code))) == []
