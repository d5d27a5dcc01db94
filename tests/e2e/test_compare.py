"""Comparing: two exports put side by side, from the summary down to a cell, and differences taken over."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from exports import packed, records
from playwright.sync_api import BrowserContext, Locator, Page, ViewportSize, expect
from product import Product
from watch import Watch, faults_of_access, log_in, upload

ROWS = 240
# What was planted: cells by row and column, two rows that are gone, one that is new.
FLAGS = range(0, ROWS, 20)
GONE = (30, 31)
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 800}


def terms() -> list[dict[str, str]]:
    return [
        {
            "TermId": f"{300000 + at}",
            "Name": f"Net {at}",
            "Currency": ("USD", "EUR", "CHF")[at % 3],
            "EnabledFlag": "Y",
            "StartDate": f"2024-{at % 12 + 1:02}-01",
            "DueDays": str(at % 90),
            "Description": f"Payable within {at % 90} days of the invoice date",
            "SetCode": "COMMON",
        }
        for at in range(ROWS)
    ]


def changed_terms() -> list[dict[str, str]]:
    rows = terms()
    for at in FLAGS:
        rows[at]["EnabledFlag"] = "N"
    rows[5]["Currency"] = "GBP"
    rows[5]["Name"] = "Net five"
    rows[7]["StartDate"] = "08/01/2024"
    kept = [row for at, row in enumerate(rows) if at not in GONE]
    return [*kept, rows[0] | {"TermId": "999999", "Name": "Brand new", "EnabledFlag": "Y"}]


def before() -> bytes:
    small = records("Sets", "Set", terms()[:4])
    return packed(
        [
            ("AP_TERM/terms.xml", records("Terms", "Term", terms())),
            ("AP_TERM/sets.xml", small),
            ("GL_CALENDAR/calendar.xml", records("Periods", "Period", [{"Period": "Jan-24", "Open": "Y"}])),
        ]
    )


def after() -> bytes:
    small = records("Sets", "Set", terms()[:4])
    return packed(
        [
            ("AP_TERM/terms.xml", records("Terms", "Term", changed_terms())),
            ("AP_TERM/sets.xml", small),
            ("ZX_TAX/rates.xml", records("Rates", "Rate", [{"Rate": "19.0", "Country": "DE"}])),
        ]
    )


def side(page: Page, which: str) -> Locator:
    return page.locator(f"[data-side={which}]")


def give(page: Page, which: str, name: str, content: bytes) -> None:
    page.locator(f"[data-upload={which}]").set_input_files(
        [{"name": name, "mimeType": "application/zip", "buffer": content}]
    )
    expect(side(page, which).get_by_text("3 documents")).to_be_visible()


def compared(page: Page, product: Product) -> str:
    """A session in which two uploads have been compared; the comparison's address."""
    log_in(page, product)
    page.get_by_role("link", name="Compare").click()
    give(page, "a", "before.zip", before())
    give(page, "b", "after.zip", after())
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/compare/*")
    page.locator("[data-comparison][data-state=ready]").wait_for(timeout=120_000)
    return page.url


def tallies(page: Page) -> dict[str, int]:
    names = ("mismatch", "only_in_a", "only_in_b", "failed", "identical")
    return {name: int(page.locator(f"[data-tally={name}]").inner_text().split()[0]) for name in names}


def open_terms(page: Page) -> None:
    page.get_by_role("treeitem", name="terms.xml").click()
    page.locator("[data-panes][data-ready]").wait_for()
    expect(cell(page, "a", 1, "EnabledFlag")).to_contain_text("Y")


def grid(page: Page, which: str) -> Locator:
    return page.locator(f"[data-pane={which}]").get_by_role("grid")


def cell(page: Page, which: str, position: int, column: str) -> Locator:
    """A cell by its position in the view, from 1, and its column's name."""
    header = grid(page, which).get_by_role("columnheader", name=column, exact=True)
    index = header.get_attribute("data-column")
    return grid(page, which).locator(f'[data-position="{position - 1}"] [data-column="{index}"]')


def values(page: Page) -> list[str]:
    """The active cell in A and in B."""
    return [page.locator(f"[data-value={which}]").inner_text().split("\n")[-1].strip() for which in ("a", "b")]


def test_what_changed_is_counted_listed_and_shown_cell_by_cell(page: Page, product: Product, axe: str) -> None:
    log_in(page, product)
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("button", name="Start")).to_be_disabled()
    assert faults_of_access(page, axe) == []
    compared_again = page.url
    give(page, "a", "after.zip", after())
    give(page, "b", "before.zip", before())
    page.get_by_role("button", name="Swap A and B").click()
    expect(side(page, "a")).to_contain_text("before.zip")
    assert page.url != compared_again
    page.get_by_role("button", name="Start").click()
    page.locator("[data-comparison][data-state=ready]").wait_for(timeout=120_000)
    assert tallies(page) == {"mismatch": 1, "only_in_a": 1, "only_in_b": 1, "failed": 0, "identical": 1}
    expect(page.locator("[data-count=cells_changed]")).to_have_text(f"{len(FLAGS) + 3} cells changed")
    expect(page.get_by_role("treeitem", name="sets.xml")).to_have_count(0)
    assert faults_of_access(page, axe) == []

    page.locator("[data-tally=identical]").click()
    expect(page.get_by_role("treeitem", name="sets.xml")).to_be_visible()
    page.wait_for_url("**status=identical*")
    page.reload()
    expect(page.get_by_role("treeitem", name="sets.xml")).to_be_visible()
    page.get_by_role("radio", name="List").click()
    page.locator("[data-tally=only_in_b]").click()
    expect(page.get_by_role("link", name="rates.xml")).to_be_visible()
    assert faults_of_access(page, axe) == []
    page.go_back()

    page.goto(page.url.partition("?")[0])
    open_terms(page)
    # Only what changed is there: the key, three columns, and rows that differ.
    expect(page.locator("[data-place]")).to_contain_text(str(len(FLAGS) + 2 + 3))
    expect(grid(page, "a").get_by_role("columnheader", name="Description")).to_have_count(0)
    expect(cell(page, "a", 1, "EnabledFlag").locator(".is-a.is-full")).to_be_visible()
    expect(cell(page, "b", 1, "EnabledFlag").locator(".is-b.is-full")).to_be_visible()
    expect(cell(page, "a", 1, "Currency").locator(".pane-mark")).to_have_count(0)
    expect(page.locator("[data-patterns] li").first).to_contain_text("EnabledFlag")
    assert faults_of_access(page, axe) == []


def test_a_dot_leads_to_its_cell_in_both_complete_tables(page: Page, product: Product) -> None:
    compared(page, product)
    open_terms(page)
    link = cell(page, "b", 2, "Currency").get_by_role("link")
    address = link.get_attribute("href") or ""
    assert "/full?" in address
    assert "column=Currency" in address
    # The whole cell is the target.
    box, target = (
        cell(page, "b", 2, "Currency").bounding_box(),
        link.evaluate("(a) => getComputedStyle(a, '::after').inset"),
    )
    assert box is not None
    assert target == "0px"


def test_on_a_phone_nothing_sticks_out_and_no_panel_covers_the_tables(page: Page, product: Product) -> None:
    compared(page, product)
    # The longest row of tabs is an administrator's.
    expect(page.get_by_role("link", name="Admin")).to_be_visible()
    width = "() => document.documentElement.scrollWidth"
    page.set_viewport_size(PHONE)
    assert page.evaluate(width) == PHONE["width"]
    page.set_viewport_size(DESK)
    open_terms(page)
    panel = page.get_by_role("complementary", name="Patterns, key and note")
    expect(panel).to_be_visible()
    page.set_viewport_size(PHONE)
    expect(panel).to_have_count(0)
    page.reload()
    page.locator("[data-panes][data-ready]").wait_for()
    expect(panel).to_have_count(0)
    assert page.evaluate(width) == PHONE["width"]
    page.get_by_role("button", name="Patterns, key and note").click()
    expect(panel).to_be_visible()
    page.get_by_role("button", name="Close the panel").click()
    expect(panel).to_have_count(0)


def test_the_keyboard_alone_goes_from_the_start_to_the_last_change(page: Page, product: Product) -> None:
    log_in(page, product)
    upload(page, "before.zip", before())
    page.get_by_role("link", name="New upload").click()
    upload(page, "after.zip", after())
    page.get_by_role("link", name="Compare").focus()
    page.keyboard.press("Enter")
    for which, name in (("a", "before"), ("b", "after")):
        side(page, which).get_by_role("button", name="Pick an upload").focus()
        page.keyboard.press("Enter")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        expect(side(page, which)).to_contain_text(f"{name}.zip")
    page.get_by_role("button", name="Start").focus()
    page.keyboard.press("Enter")
    page.locator("[data-comparison][data-state=ready]").wait_for(timeout=120_000)

    page.get_by_role("tree").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("terms")
    page.keyboard.press("Enter")
    expect(grid(page, "a")).to_be_focused()
    page.keyboard.press("n")
    expect(page.locator("[data-place]")).to_contain_text("1 of")
    assert values(page) == ["Y", "N"]
    page.keyboard.press("n")
    expect(page.locator("[data-place]")).to_contain_text("2 of")
    assert values(page) == ["Net 5", "Net five"]
    page.keyboard.press("n")
    expect(page.locator("[data-value=b]")).to_contain_text("GBP")
    page.keyboard.press("p")
    expect(page.locator("[data-value=b]")).to_contain_text("Net five")
    page.keyboard.press("Tab")
    expect(grid(page, "b")).to_be_focused()
    page.keyboard.press("Control+End")
    expect(page.locator("[data-value=a]")).to_contain_text("not in A")
    page.keyboard.press("v")
    expect(page.get_by_role("radio", name="All rows")).to_have_attribute("data-state", "checked")
    page.keyboard.press("r")
    expect(page.get_by_role("checkbox", name="Reviewed").first).to_be_checked()
    page.reload()
    expect(page.get_by_role("checkbox", name="Reviewed").first).to_be_checked()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    dialog.get_by_role("switch").press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.get_by_role("checkbox", name="Reviewed").first).to_be_checked()


def test_both_tables_scroll_as_one(page: Page, product: Product) -> None:
    compared(page, product)
    open_terms(page)
    page.keyboard.press("v")
    page.get_by_role("button", name="All columns").click()
    expect(page.locator("[data-place]")).to_contain_text(str(ROWS + 1))
    scroller = page.locator(".panes")
    for top, left in ((1234, 0), (4000, 260), (17, 90)):
        scroller.evaluate("(element, to) => element.scrollTo(to[1], to[0])", [top, left])
        expect(page.locator("[data-pane=a]")).to_have_attribute("data-top", str(top))
        offsets = [
            [page.locator(f"[data-pane={which}]").get_attribute(name) for name in ("data-top", "data-left")]
            for which in ("a", "b")
        ]
        assert offsets[0] == offsets[1]
        lines = page.evaluate(
            """() => ['a', 'b'].map((side) => [...document.querySelectorAll(`[data-pane=${side}] [data-position]`)]
              .map((row) => [row.dataset.position, Math.round(row.getBoundingClientRect().top)]))"""
        )
        assert lines[0] == lines[1]
        assert len(lines[0]) > 10


def test_differences_are_taken_over_and_the_result_says_where_they_can_be_undone(
    page: Page, product: Product, watch: Watch, axe: str
) -> None:
    compared(page, product)
    open_terms(page)
    page.keyboard.press("n")
    expect(page.locator("[data-place]")).to_contain_text("1 of")
    page.keyboard.press("t")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("[data-effect]")).to_contain_text("1 cell gets the other side's value")
    dialog.get_by_role("radio", name="Whole document").click()
    expect(dialog.locator("[data-effect]")).to_contain_text(f"{len(FLAGS) + 3} cells get the other side's value")
    expect(dialog.locator("[data-effect]")).to_contain_text("2 rows are inserted")
    expect(dialog.locator("[data-effect]")).to_contain_text("1 row is deleted")
    assert faults_of_access(page, axe) == []
    dialog.get_by_role("radio", name="This row").click()
    dialog.get_by_role("button", name="Write into B").click()
    expect(dialog.locator("[data-applied]")).to_be_visible(timeout=60_000)
    table = dialog.get_by_role("link", name="Open the table").get_attribute("href")
    # The row that one is at is the same now, so it is not among the changes.
    watch.expect((404, "locate"))
    dialog.get_by_role("button", name="Compare again").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("[data-place]")).to_contain_text(str(len(FLAGS) - 1 + 2 + 3), timeout=60_000)
    page.goto(f"{product.url}{table}")
    expect(page.get_by_role("grid", name="Table")).to_be_visible()
    expect(page.locator('[role=row][aria-rowindex="2"] > [role=gridcell][aria-colindex="5"]')).to_have_text("Y")


def test_a_column_is_ignored_a_key_chosen_and_a_note_kept(page: Page, product: Product, watch: Watch) -> None:
    compared(page, product)
    open_terms(page)
    page.keyboard.press("n")
    expect(page.locator("[data-value=b]")).to_contain_text("N")
    # The row that one is at is not changed without the column; and below, a text is nowhere.
    watch.expect((404, "locate"))
    page.keyboard.press("i")
    expect(page.locator("[data-place]")).to_contain_text("5 rows", timeout=60_000)
    page.get_by_role("tab", name="Key").click()
    expect(page.locator("[data-key]")).to_have_text("TermId")
    page.get_by_role("button", name="EnabledFlag").click()
    expect(page.locator("[data-place]")).to_contain_text(f"{len(FLAGS) + 5} rows", timeout=60_000)
    page.get_by_role("tab", name="Note").click()
    page.get_by_role("textbox", name="Note").fill("Agreed with finance.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("The note is saved.").first).to_be_attached()
    page.get_by_role("searchbox", name="Find in both tables").fill("Brand new")
    page.keyboard.press("Enter")
    expect(page.locator("[data-value=b]")).to_contain_text("Brand new")
    page.reload()
    page.get_by_role("tab", name="Note").click()
    expect(page.get_by_role("textbox", name="Note")).to_have_value("Agreed with finance.")
    page.get_by_role("searchbox", name="Find in both tables").fill("nowhere at all")
    page.keyboard.press("Enter")
    expect(page.get_by_text("is in none of these rows")).to_be_visible()


def test_the_evidence_is_a_workbook_and_a_page_with_what_was_found(
    page: Page, product: Product, tmp_path: Path
) -> None:
    compared(page, product)
    found: dict[str, bytes] = {}
    for form in ("Excel workbook", "Web page"):
        page.get_by_role("button", name="Evidence").click()
        with page.expect_download() as coming:
            page.get_by_role("menuitem", name=form).click()
        target = tmp_path / coming.value.suggested_filename
        coming.value.save_as(target)
        found[form] = target.read_bytes()
    with zipfile.ZipFile(io.BytesIO(found["Excel workbook"])) as book:
        assert "xl/workbook.xml" in book.namelist()
    assert b"terms.xml" in found["Web page"]
    assert b"Net five" in found["Web page"]


def test_a_comparison_is_deleted_and_its_address_says_so(
    page: Page, product: Product, context: BrowserContext, watch: Watch
) -> None:
    address = compared(page, product)
    other = context.new_page()
    watch.over(other)
    other.goto(address)
    other.locator("[data-comparison]").wait_for()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/compare")
    expect(page.get_by_text("Nothing compared yet")).to_be_visible()
    identifier = address.rpartition("/")[2]
    watch.expect(*((404, end) for end in (identifier, "tree", "pairs", "patterns", "findings")))
    other.reload()
    expect(other.get_by_role("heading", name="This comparison is no longer there")).to_be_visible()
