"""The preview in Chromium: a table of 1 M rows and 500 columns, looked at as a user does.

The product is real; only the rows of the large table are answered at the browser's edge, after the time that the
gateway takes for them, for it is the page that is measured. Printed are milliseconds until the first cells stand there,
until the last row does after Ctrl+End, the frames while it is scrolled, and the heap at the end.
"""

from __future__ import annotations

import json
import shutil
import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from playwright.sync_api import Page, Route, sync_playwright

from benchmarks.product import Product, product

ROWS, COLUMNS = 1_000_000, 500
ANSWER_SECONDS = 0.02
TABLE = "b" * 32
NAMES = [f"Attribute {number:03d}" for number in range(COLUMNS)]
OPEN = """(to) => { window.began = performance.now(); history.pushState({}, '', to);
  dispatchEvent(new PopStateEvent('popstate', { state: history.state })); }"""
FRAMES = """() => { window.frames_ = []; let last = performance.now();
  const step = (now) => { frames_.push(now - last); last = now; if (window.watching) requestAnimationFrame(step); };
  window.watching = true; requestAnimationFrame(step); }"""


def page_of(query: dict[str, list[str]]) -> dict[str, Any]:
    """A page of the large table, as the gateway answers it."""
    offset, limit = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["100"])[0])
    names = [unquote(name) for name in query.get("columns", [""])[0].split(",") if name] or NAMES
    rows = [
        {"row": row, "values": [f"{name[-3:]}-{row:07d}" for name in names]}
        for row in range(offset + 1, min(offset + limit, ROWS) + 1)
    ]
    columns = [{"name": name, "path": f"Rows/Row/{name}", "type": "text"} for name in names]
    head = {"id": TABLE, "document_id": "d" * 32, "collection_id": "c" * 32, "name": "main", "version": 1}
    return {**head, "total_rows": ROWS, "matched_rows": ROWS, "columns": columns, "rows": rows}


def answer(route: Route) -> None:
    """The rows of the large table; of its document and collection nothing is known."""
    time.sleep(ANSWER_SECONDS)
    parts = urlsplit(route.request.url)
    if parts.path.endswith(TABLE):
        route.fulfill(status=200, content_type="application/json", body=json.dumps(page_of(parse_qs(parts.query))))
    else:
        route.fulfill(status=404, content_type="application/problem+json", body='{"code": "NOT_FOUND", "status": 404}')


def until(page: Page, expression: str) -> float:
    """Milliseconds from `began` until an expression holds in the page, looked at in every frame."""
    watch = f"""() => new Promise((done) => {{
      const look = () => ({expression}) ? done(performance.now() - window.began) : requestAnimationFrame(look);
      look(); }})"""
    return float(page.evaluate(watch))


def scrolled(page: Page) -> list[float]:
    """Milliseconds of each frame while the wheel turns, down and across, slowly and fast."""
    page.mouse.move(700, 450)
    page.evaluate(FRAMES)
    for step in range(180):
        page.mouse.wheel(240 if step % 6 == 0 else 0, 3000 if step % 9 == 0 else 400)
    page.wait_for_timeout(300)
    page.evaluate("() => { window.watching = false; }")
    return sorted(page.evaluate("() => frames_.slice(1)"))


def measure(page: Page, running: Product) -> None:
    """Print what the bars name."""
    page.goto(running.url)
    page.get_by_label("User name").fill(running.username)
    page.get_by_label("Password").fill(running.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Account of").wait_for()
    page.route(f"**/api/v1/tables/{TABLE}**", answer)
    page.route("**/api/v1/documents/**", answer)
    page.route(f"**/api/v1/collections/{'c' * 32}**", answer)
    page.evaluate("() => addEventListener('keydown', () => { window.began = performance.now(); }, true)")
    page.evaluate(OPEN, f"/tables/{TABLE}")
    first = until(page, "document.querySelector('.rgCell.is-active')?.textContent === '000-0000001'")
    print(f"first cells           {first:7.0f} ms  (bar 1,000)", flush=True)
    page.wait_for_timeout(500)
    page.locator(".ret-frame").focus()
    page.keyboard.press("Control+End")
    last = until(page, f"document.querySelector('.rgCell.is-active')?.textContent === '{COLUMNS - 1}-{ROWS:07d}'")
    print(f"jump to the last row  {last:7.0f} ms  (bar 300)", flush=True)
    page.keyboard.press("Control+Home")
    page.wait_for_timeout(800)
    frames = scrolled(page)
    middle = frames[len(frames) // 2]
    print(f"worst scroll frame    {frames[-1]:7.0f} ms  (bar 50; {len(frames)} frames, median {middle:.0f})")
    heap = page.evaluate("() => performance.memory.usedJSHeapSize / 1e6")
    print(f"heap                  {heap:7.0f} MB  (bar 250)", flush=True)


def main() -> None:
    """Print the figures."""
    executable = shutil.which("chromium")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
    with product() as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        measure(browser.new_page(viewport={"width": 1440, "height": 900}), running)
        browser.close()


if __name__ == "__main__":
    main()
