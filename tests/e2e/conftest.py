"""A product, a browser and watched pages for the tests in a browser."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))  # the tests' own modules beside this file

import product as products  # noqa: E402 - found by the line above
from watch import Watch  # noqa: E402 - as above

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# How long something may take to appear on a machine that is busy with other tests; nothing waits this long otherwise.
PATIENCE_MS = 15_000
SIZE = {"width": 1440, "height": 900}


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Generator[products.Product]:
    """The whole product, once for all tests in a browser: every test has a session of its own."""
    assert (ROOT / "frontend" / "dist" / "index.html").exists(), "the page is not built; run `make test` or `make run`"
    data = tmp_path_factory.mktemp("product") / "data"
    with products.running(data, RET_ADMIN_PASSWORD=products.PASSWORD) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    """Debian's Chromium."""
    executable = shutil.which("chromium")
    assert executable, "chromium is not installed; `make test` installs it"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def watch() -> Generator[Watch]:
    """Fails the test when one of its pages has done what no page may do."""
    watching = Watch()
    yield watching
    assert watching.faults == []


@pytest.fixture
def context(browser: Browser) -> Generator[BrowserContext]:
    """A browser of the test's own: cookies, storage and tabs."""
    made = browser.new_context(viewport={"width": SIZE["width"], "height": SIZE["height"]}, locale="en-GB")
    made.set_default_timeout(30_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Page:
    """A tab that is watched."""
    opened = context.new_page()
    watch.over(opened)
    return opened


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe, which checks pages for what keeps people out."""
    return (ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js").read_text()
