"""From a summary over the flowchart to two complete tables in a window of their own, which scroll as one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from exports import packed, records
from playwright.sync_api import BrowserContext, Locator, Page, expect
from product import Product
from watch import VIOLATIONS, Watch, faults_of_access, log_in

ROWS, COLUMNS, FILES = 700, 40, 60
# What was planted in the wide table: a cell far from the first one, a row that is gone, one that is new.
CHANGED_ROW, CHANGED_COLUMN = 523, "C31"
GONE, NEW = 400, ROWS + 1
TOLERANCE = 0.51  # of a pixel, for what the browser rounds


def wide() -> list[dict[str, str]]:
    return [
        {"Id": f"ID-{row:05}", **{f"C{at:02}": f"{row:04}.{at:02}" for at in range(1, COLUMNS)}}
        for row in range(1, ROWS + 1)
    ]


def changed() -> list[dict[str, str]]:
    rows = wide()
    rows[CHANGED_ROW - 1][CHANGED_COLUMN] = "another value"
    kept = [row for number, row in enumerate(rows, 1) if number != GONE]
    return [*kept, rows[0] | {"Id": f"ID-{NEW:05}", "C01": "new here"}]


def small(number: int, value: str) -> bytes:
    return records("Sets", "Set", [{"Number": str(number), "Value": value}, {"Number": "0", "Value": "-"}])


def export(table: list[dict[str, str]], value: str, files: int, *more: tuple[str, bytes]) -> bytes:
    many = [(f"Setup/many/set_{at:03}.xml", small(at, value)) for at in range(files)]
    same = ("Setup/same.xml", small(1, "same"))
    return packed([("Setup/wide.xml", records("Rows", "Row", table)), same, *many, *more])


def give(page: Page, which: str, name: str, content: bytes) -> None:
    page.locator(f"[data-upload={which}]").set_input_files(
        [{"name": name, "mimeType": "application/zip", "buffer": content}]
    )
    expect(page.locator(f"[data-side={which}]").get_by_text(re.compile(r"\d+ documents"))).to_be_visible()


def compared(page: Page, product: Product, files: int = 1) -> str:
    """A session with two exports compared, each with so many small files; the comparison's address."""
    log_in(page, product)
    page.get_by_role("link", name="Compare").click()
    give(page, "a", "before.zip", export(wide(), "was", files, ("Setup/gone.xml", small(2, "gone"))))
    give(page, "b", "after.zip", export(changed(), "now", files, ("Setup/new.xml", small(3, "new"))))
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/compare/*")
    page.locator("[data-comparison][data-state=ready]").wait_for(timeout=180_000)
    return page.url.partition("?")[0]


def tree(page: Page) -> Locator:
    return page.get_by_role("tree", name="Flowchart")


def node(page: Page, name: str) -> Locator:
    return tree(page).get_by_role("treeitem").filter(has=page.get_by_text(name, exact=True))


def current(page: Page) -> str:
    """What a reader hears of the node that one is at."""
    return str(
        page.evaluate(
            "() => document.getElementById(document.querySelector('[role=tree]')"
            ".getAttribute('aria-activedescendant')).innerText"
        )
    )


def flowchart(page: Page, product: Product, files: int = 1) -> None:
    """The flowchart of a new comparison, with its first nodes drawn."""
    compared(page, product, files)
    page.get_by_role("radio", name="Flowchart").click()
    expect(node(page, "many")).to_be_visible()


@pytest.fixture
def windows(context: BrowserContext, watch: Watch) -> BrowserContext:
    """Windows that a page opens are watched as it is."""
    context.add_init_script(VIOLATIONS)
    context.on("page", watch.over)
    return context


def full(page: Page, windows: BrowserContext) -> Page:
    """The window that the green dot of the planted cell opens."""
    dot = page.locator("[data-pane=b] .is-changed .pane-link")
    with windows.expect_page() as coming:
        dot.first.click()
    opened = coming.value
    opened.locator("[data-full] [data-ready]").wait_for()
    return opened


def cell(page: Page, side: str, row: int, column: str) -> Locator:
    """A cell by its position in the view, from 1, and the name of its column."""
    pane = page.locator(f"[data-pane={side}]")
    header = pane.get_by_role("columnheader").filter(has=page.get_by_text(column, exact=True))
    index = header.get_attribute("data-column")
    return pane.locator(f'[data-position="{row - 1}"] [data-column="{index}"]')


@dataclass(frozen=True)
class Offset:
    """Where a pane stands: measured at what it draws, not at what it says."""

    row: str
    top: float
    column: str
    left: float


MEASURE = """() => [...document.querySelectorAll('[data-pane]')].map((pane) => {
  const body = pane.querySelector('.pane-body').getBoundingClientRect();
  const head = pane.querySelector('.pane-head').getBoundingClientRect();
  const row = [...pane.querySelectorAll('.pane-row')].find((one) => one.getBoundingClientRect().bottom > body.top);
  const columns = [...pane.querySelectorAll('.pane-head .pane-moving .pane-column')];
  const column = columns.find((one) => one.getBoundingClientRect().right > head.left);
  return {row: row.dataset.position, top: row.getBoundingClientRect().top - body.top,
          column: column.dataset.column, left: column.getBoundingClientRect().left - head.left};
})"""


def settled(page: Page) -> tuple[Offset, Offset]:
    """The offsets of both panes, once they stand still."""
    before = None
    while (now := page.evaluate(MEASURE)) != before:
        before = now
        page.wait_for_timeout(120)
    a, b = (Offset(**one) for one in now)
    return a, b


def scrolled_as_one(page: Page, before: Offset) -> Offset:
    """Both panes have moved, to the same place; that place."""
    a, b = settled(page)
    assert (a.row, a.column) == (b.row, b.column)
    assert abs(a.top - b.top) < TOLERANCE
    assert abs(a.left - b.left) < TOLERANCE
    assert a != before
    return a


def is_in_sight(page: Page, of: Locator, side: str) -> bool:
    box, pane = of.bounding_box(), page.locator(f"[data-pane={side}] .pane-body").bounding_box()
    assert box
    assert pane
    inside = pane["y"] - TOLERANCE <= box["y"] and box["y"] + box["height"] <= pane["y"] + pane["height"] + TOLERANCE
    return inside and pane["x"] <= box["x"] and box["x"] + box["width"] <= pane["x"] + pane["width"] + TOLERANCE


def test_from_the_summary_over_a_node_and_a_dot_to_both_tables_which_scroll_as_one(
    page: Page, windows: BrowserContext, product: Product, axe: str
) -> None:
    flowchart(page, product)
    expect(node(page, "wide.xml")).to_contain_text("In both with mismatch")
    expect(node(page, "gone.xml")).to_contain_text("Only in A")
    expect(node(page, "new.xml")).to_contain_text("Only in B")
    expect(node(page, "same.xml")).to_have_count(0)
    assert faults_of_access(page, axe) == []
    tree(page).focus()
    page.keyboard.type("wide")
    assert "wide.xml" in current(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**/pairs/*")

    window = full(page, windows)
    assert "/full?" in window.url
    assert f"column={CHANGED_COLUMN}" in window.url
    expect(window.get_by_role("grid", name="B")).to_be_focused()
    for side, text in (("a", f"{CHANGED_ROW:04}.31"), ("b", "another value")):
        planted = cell(window, side, CHANGED_ROW, CHANGED_COLUMN)
        expect(planted).to_contain_text(text)
        expect(planted).to_have_class(re.compile("is-active"))
        assert is_in_sight(window, planted, side)
    assert faults_of_access(window, axe) == []

    at, _ = settled(window)
    window.mouse.move(300, 600)
    window.mouse.wheel(0, -777)
    at = scrolled_as_one(window, at)
    window.mouse.move(1100, 600)
    window.mouse.wheel(-431, 0)
    at = scrolled_as_one(window, at)
    window.keyboard.press("Control+Home")
    window.keyboard.press("PageDown")
    window.keyboard.press("PageDown")
    at = scrolled_as_one(window, at)
    window.keyboard.press("End")
    at = scrolled_as_one(window, at)
    window.keyboard.press("Control+g")
    window.get_by_label("Row", exact=True).fill("650")
    window.keyboard.press("Enter")
    expect(window.get_by_role("dialog")).to_have_count(0)
    at = scrolled_as_one(window, at)
    window.evaluate("() => { document.querySelector('.panes').scrollTop = 2345 }")
    at = scrolled_as_one(window, at)
    strip = window.get_by_role("slider", name="Where rows differ").bounding_box()
    assert strip
    window.mouse.click(strip["x"] + strip["width"] / 2, strip["y"] + strip["height"] * 0.9)
    at = scrolled_as_one(window, at)
    window.get_by_role("slider", name="Where columns differ").focus()
    for _ in range(3):
        window.keyboard.press("PageUp")
    scrolled_as_one(window, at)


def test_a_window_goes_from_change_to_change_finds_reads_and_copies(
    page: Page, windows: BrowserContext, product: Product, watch: Watch
) -> None:
    windows.grant_permissions(["clipboard-read", "clipboard-write"], origin=product.url)
    address = compared(page, product)
    page.get_by_role("treeitem", name="wide.xml").click()
    page.wait_for_url("**/pairs/*")
    window = full(page, windows)
    window.keyboard.press("p")
    gone = window.locator("[data-pane=b]").get_by_text("not in B", exact=True)
    expect(gone.locator("visible=true").first).to_be_visible()
    expect(cell(window, "a", GONE, "Id")).to_contain_text(f"ID-{GONE:05}")
    window.wait_for_url(f"**row={GONE}**")
    window.keyboard.press("n")
    window.wait_for_url(f"**row={CHANGED_ROW}**")
    window.keyboard.press("Enter")
    dialog = window.get_by_role("dialog", name=CHANGED_COLUMN)
    expect(dialog).to_contain_text("another value")
    expect(dialog).to_contain_text(f"{CHANGED_ROW:04}.31")
    window.keyboard.press("Escape")
    expect(window.get_by_role("grid", name="B")).to_be_focused()
    window.keyboard.press("Control+c")
    expect(window.get_by_text("Copied").first).to_be_attached()
    assert window.evaluate("() => navigator.clipboard.readText()") == "another value"
    window.keyboard.press("Control+Shift+C")
    expect(window.get_by_text("1 row of B · now copied.").first).to_be_visible()
    copied = str(window.evaluate("() => navigator.clipboard.readText()")).split("\t")
    assert copied[:2] == [f"ID-{CHANGED_ROW:05}", f"{CHANGED_ROW:04}.01"]
    assert len(copied) == COLUMNS

    window.keyboard.press("Control+f")
    window.keyboard.type("NEW HERE")
    window.keyboard.press("Enter")
    expect(window.locator("[data-found]")).to_contain_text("C01")
    window.keyboard.press("Escape")
    expect(window.locator("[data-value=b]")).to_contain_text("new here")
    window.keyboard.press("r")
    expect(window.get_by_role("checkbox", name="Reviewed")).to_be_checked()

    watch.expect((404, "/locate"))
    window.goto(re.sub(r"row=\d+", "row=99999", window.url))
    expect(window.get_by_text("There is no row 99,999 in")).to_be_visible()
    page.goto(address)
    page.get_by_role("treeitem", name="wide.xml").click()
    expect(page.get_by_role("checkbox", name="Reviewed")).to_be_checked()


def test_the_flowchart_is_walked_with_keys_and_never_draws_more_than_can_be_seen(
    page: Page, product: Product, axe: str
) -> None:
    flowchart(page, product, FILES)
    tree(page).focus()
    page.keyboard.type("many")
    page.keyboard.press("ArrowRight")
    expect(node(page, "many")).to_have_attribute("aria-expanded", "true")
    expect(node(page, "set_000.xml")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(node(page, "set_000.xml")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("End")
    assert f"{FILES - 40} more" in current(page)
    page.keyboard.press("Enter")
    expect(node(page, "set_040.xml")).to_be_visible()
    expect(node(page, "set_000.xml")).to_have_count(0)
    assert "many" in current(page)
    assert faults_of_access(page, axe) == []
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert "set_040.xml" in current(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**/pairs/*")
    page.go_back()
    expect(node(page, "set_040.xml")).to_have_attribute("aria-selected", "true")
    expect(tree(page)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    assert "many" in current(page)
    page.keyboard.press("Enter")
    expect(node(page, "set_040.xml")).to_have_count(0)

    page.get_by_role("searchbox").fill("set_03")
    expect(node(page, "set_037.xml")).to_be_visible()
    expect(node(page, "wide.xml")).to_have_count(0)
    node(page, "set_037.xml").click()
    page.wait_for_url("**/pairs/*")
    expect(page.get_by_role("heading", name="set_037.xml")).to_be_visible()


def test_of_a_deleted_side_the_window_says_so_and_leads_to_what_is_left(
    page: Page, windows: BrowserContext, product: Product, watch: Watch
) -> None:
    compared(page, product)
    page.get_by_role("treeitem", name="wide.xml").click()
    page.wait_for_url("**/pairs/*")
    window = full(page, windows)
    page.goto(f"{product.url}/convert")
    page.get_by_role("button", name="Delete before.zip").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Delete before.zip")).to_have_count(0)
    watch.expect((409, "/rows"), (409, "/locate"), (409, "/strip"))
    window.reload()
    expect(window.get_by_text("One side was deleted")).to_be_visible()
    window.get_by_role("link", name="Only changes").last.click()
    window.wait_for_url("**/pairs/*")
    expect(window.locator("[data-pane=b]").get_by_text("another value")).to_be_visible()
