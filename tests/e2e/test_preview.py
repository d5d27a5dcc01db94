"""The preview: a table looked at, edited, saved and downloaded, as in a spreadsheet."""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

from exports import XML, packed, records
from playwright.sync_api import BrowserContext, Locator, Page, expect
from product import Product
from watch import Watch, convert, faults_of_access, log_in, upload

ROWS, COLUMNS = 120, 24
# Taken anew where it is missing or asked for.
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "preview.png"


def value(row: int, column: int) -> str:
    return f"{column:02}-{row:04}"


def wide() -> bytes:
    """A document of so many rows and columns, each value telling where it stands."""

    def record(row: int) -> str:
        return f"<Row>{''.join(f'<C{at:02}>{value(row, at)}</C{at:02}>' for at in range(1, COLUMNS + 1))}</Row>"

    return XML + f"<Rows>{''.join(map(record, range(1, ROWS + 1)))}</Rows>".encode()


def opened(page: Page, product: Product) -> str:
    """A session with the table shown and its grid in focus; the table's address."""
    log_in(page, product)
    upload(page, "Setup.zip", packed([("FY_x/first.xml", wide()), ("FY_x/second.xml", wide())]))
    convert(page)
    page.get_by_role("link", name="first.xml").focus()
    page.keyboard.press("Enter")
    expect(cell(page, 1, 1)).to_have_text(value(1, 1))
    expect(grid(page)).to_be_focused()
    return page.url.partition("?")[0]


def grid(page: Page) -> Locator:
    return page.get_by_role("grid", name="Table")


def cell(page: Page, row: int, column: int) -> Locator:
    """A cell by its row in the view and its column, both from 1."""
    return page.locator(f'[role=row][aria-rowindex="{row + 1}"] > [role=gridcell][aria-colindex="{column + 1}"]')


def dirty(page: Page) -> Locator:
    return page.locator("[data-dirty]")


def go_to(page: Page, row: int) -> None:
    page.keyboard.press("Control+g")
    page.get_by_role("dialog", name="Go to a row").get_by_label("Row", exact=True).fill(str(row))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def saved(page: Page) -> None:
    page.keyboard.press("Control+s")
    expect(dirty(page)).to_have_count(0)


def type_into(page: Page, text: str) -> None:
    """Writes over the active cell, and stays in it."""
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")


def download(page: Page, form: str, folder: Path) -> bytes:
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as coming:
        page.get_by_role("menuitem", name=form).click()
    target = folder / coming.value.suggested_filename
    coming.value.save_as(target)
    return target.read_bytes()


def test_a_table_is_edited_saved_and_downloaded_with_the_keyboard_alone(
    page: Page, product: Product, axe: str, tmp_path: Path
) -> None:
    opened(page, product)
    page.keyboard.press("Delete")
    page.keyboard.type("x")
    expect(dirty(page)).to_have_count(0)
    page.keyboard.press("e")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("Zürich")
    page.keyboard.press("Escape")
    expect(dirty(page)).to_have_count(0)
    page.keyboard.type("Zürich")
    page.keyboard.press("Tab")
    page.keyboard.press("F2")
    page.keyboard.type(" & more")
    page.keyboard.press("Enter")
    expect(dirty(page)).to_have_text("2 cells changed")
    expect(cell(page, 1, 3)).to_have_text(f"{value(1, 3)} & more")
    assert faults_of_access(page, axe) == []
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Delete")
    expect(dirty(page)).to_have_text("4 cells changed")
    page.keyboard.press("Control+z")
    expect(dirty(page)).to_have_text("2 cells changed")
    saved(page)

    page.reload()
    expect(cell(page, 1, 2)).to_have_text("Zürich")
    rows = list(csv.reader(io.StringIO(download(page, "CSV", tmp_path).decode("utf-8-sig"))))
    assert rows[1][:4] == [value(1, 1), "Zürich", f"{value(1, 3)} & more", value(1, 4)]
    assert rows[2:] == [[value(row, at) for at in range(1, COLUMNS + 1)] for row in range(2, ROWS + 1)]
    whole = download(page, "XML", tmp_path)
    assert whole == wide().replace(value(1, 2).encode(), "Zürich".encode(), 1).replace(
        value(1, 3).encode(), f"{value(1, 3)} &amp; more".encode(), 1
    )


def pasted(page: Page, rows: int, columns: int) -> None:
    text = "\n".join("\t".join(f"p{row}.{at}" for at in range(columns)) for row in range(rows))
    page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("Control+v")


def test_what_is_typed_in_an_open_editor_is_never_lost(page: Page, product: Product) -> None:
    opened(page, product)
    page.keyboard.press("e")
    page.keyboard.type("half")
    cell(page, 2, 2).click()
    expect(cell(page, 1, 1)).to_have_text("half")
    expect(grid(page)).to_be_focused()
    page.keyboard.type("next")
    saved(page)
    expect(cell(page, 2, 2)).to_have_text("next")
    page.keyboard.type("typed")
    page.reload()
    expect(cell(page, 2, 2)).to_have_text("typed")
    expect(dirty(page)).to_have_text("1 cell changed")


def test_a_paste_is_shown_before_it_is_done_and_taken_back_in_one_step(
    page: Page, context: BrowserContext, product: Product
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=product.url)
    opened(page, product)
    page.keyboard.press("e")
    go_to(page, 3)
    pasted(page, 50, 20)
    dialog = page.get_by_role("dialog", name="Paste")
    expect(dialog.locator("[data-plan]")).to_have_text("1,000 cells would change")
    expect(dirty(page)).to_have_count(0)
    page.keyboard.press("Enter")
    expect(dirty(page)).to_have_text("1,000 cells changed")
    expect(cell(page, 4, 9)).to_have_text("p1.8")
    page.keyboard.press("Control+c")
    expect(page.get_by_text("50 \u00d7 20 cells copied.", exact=True).first).to_be_visible()
    page.keyboard.press("Control+z")
    expect(dirty(page)).to_have_count(0)
    expect(cell(page, 4, 9)).to_have_text(value(4, 9))

    page.keyboard.press("Control+End")
    pasted(page, 2, 2)
    expect(dialog.locator("[data-plan]")).to_contain_text("1 cell would change")
    expect(dialog.locator("[data-plan]")).to_contain_text("3 are rejected")
    page.keyboard.press("Escape")
    expect(dirty(page)).to_have_count(0)


def tabs(page: Page, context: BrowserContext, watch: Watch, address: str) -> Iterator[Page]:
    """The same table in this tab and in another one, both in edit mode at its first cell."""
    other = context.new_page()
    watch.over(other)
    other.goto(address)
    for tab in (page, other):
        expect(cell(tab, 1, 1)).to_have_text(value(1, 1))
        grid(tab).focus()
        tab.keyboard.press("e")
        yield tab


def test_two_tabs_that_change_the_same_cell_both_keep_their_word(
    page: Page, context: BrowserContext, product: Product, watch: Watch, axe: str
) -> None:
    address = opened(page, product)
    mine, theirs = tabs(page, context, watch, address)
    type_into(theirs, "theirs")
    saved(theirs)
    type_into(mine, "mine")
    mine.keyboard.press("ArrowRight")
    type_into(mine, "apart")
    watch.expect((409, address.rpartition("/")[2]))
    mine.keyboard.press("Control+s")
    dialog = mine.get_by_role("dialog", name="Somebody saved these cells before you")
    listed = dialog.locator("[data-conflicts] > li")
    expect(listed).to_have_count(1)
    for word in (value(1, 1), "theirs", "mine"):
        expect(listed).to_contain_text(word)
    assert faults_of_access(mine, axe) == []
    expect(dirty(mine)).to_have_text("2 cells changed")
    listed.get_by_role("radio", name="Mine").click()
    dialog.get_by_role("button", name="Save").click()
    expect(dirty(mine)).to_have_count(0)
    theirs.reload()
    expect(cell(theirs, 1, 1)).to_have_text("mine")
    expect(cell(theirs, 1, 2)).to_have_text("apart")


def test_a_draft_survives_a_reload_and_the_end_of_its_session_leaves_it_on_the_page(
    page: Page, context: BrowserContext, product: Product, watch: Watch
) -> None:
    opened(page, product)
    page.keyboard.press("e")
    type_into(page, "not saved")
    expect(dirty(page)).to_have_text("1 cell changed")
    page.reload()
    expect(dirty(page)).to_have_text("1 cell changed")
    expect(page.get_by_text("Your draft of")).to_be_visible()
    expect(cell(page, 1, 1)).to_have_text("not saved")
    other = context.new_page()
    watch.over(other)
    other.goto(product.url)
    other.get_by_role("button", name="Account of").click()
    other.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_role("heading", name="You are logged out")).to_be_visible()
    expect(page.locator("[data-left]")).to_contain_text("not saved")
    expect(page.locator("[data-left]")).to_contain_text(value(1, 1))


def test_a_table_is_found_through_sorted_filtered_and_left_for_its_neighbour(
    page: Page, product: Product, watch: Watch, axe: str
) -> None:
    address = opened(page, product)
    page.keyboard.press("Control+End")
    expect(cell(page, ROWS, COLUMNS)).to_have_text(value(ROWS, COLUMNS))
    page.keyboard.press("Control+f")
    page.keyboard.type(value(77, 9))
    page.keyboard.press("Enter")
    expect(page.locator("[data-found]")).to_contain_text("Row 77, C09.")
    expect(cell(page, 77, 9)).to_have_text(value(77, 9))
    watch.expect((404, "find"))
    page.get_by_role("textbox", name="Find in the whole table").fill("nowhere at all")
    page.keyboard.press("Enter")
    expect(page.locator("[data-found]")).to_contain_text("is nowhere in this table")
    page.keyboard.press("Escape")
    expect(grid(page)).to_be_focused()

    page.keyboard.press("Control+Home")
    page.keyboard.press("Alt+ArrowDown")
    page.get_by_role("menuitem", name="Sort descending").press("Enter")
    expect(cell(page, 1, 1)).to_have_text(value(ROWS, 1))
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("combobox", name="Comparison").select_option("is one of")
    page.get_by_role("textbox", name="One value a line").fill(f"{value(5, 1)}\n{value(9, 1)}")
    assert faults_of_access(page, axe) == []
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("[data-shown]")).to_have_text(f"2 rows of {ROWS} match")
    expect(cell(page, 1, 1)).to_have_text(value(9, 1))
    page.wait_for_url("**filter=*")
    page.reload()
    expect(cell(page, 2, 1)).to_have_text(value(5, 1))

    page.keyboard.press("]")
    expect(page.get_by_role("heading", name="second.xml")).to_be_visible()
    assert page.url != address
    expect(cell(page, 1, 1)).to_have_text(value(1, 1))


def payment_terms() -> bytes:
    """What the picture shows: terms as an ERP exports them."""
    days, sets = (0, 15, 30, 45, 60, 90), ("COMMON", "GERMANY", "AUSTRIA", "NORDICS")
    rows = (
        {
            "TermId": f"{300000 + at}",
            "Name": "Immediate" if at % 6 == 0 else f"Net {days[at % 6]}",
            "Description": f"Payable within {days[at % 6]} days of the invoice date",
            "SetCode": sets[at % 4],
            "StartDate": f"20{10 + at % 15}-01-01",
            "EndDate": "" if at % 5 else "2030-12-31",
            "DueDays": str(days[at % 6]),
            "DiscountPercent": f"{at % 4 / 2:.1f}",
            "Enabled": "Y" if at % 7 else "N",
            "LastUpdatedBy": "FUSION_APPS_HCM",
        }
        for at in range(640)
    )
    return records("PaymentTerms", "PaymentTerm", rows)


def test_the_picture_in_the_readme_is_of_this_preview(page: Page, product: Product) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    log_in(page, product)
    content = payment_terms()
    upload(
        page, "AP_Setup.zip", packed([("AP_PAYMENT_TERM/terms.xml", content), ("AP_PAYMENT_TERM/lines.xml", content)])
    )
    convert(page)
    page.get_by_role("link", name="terms.xml").click()
    expect(cell(page, 1, 2)).to_have_text("Immediate")
    page.keyboard.press("e")
    for row, text in ((2, "Net 15, 2 % discount"), (4, "Net 45, end of month")):
        go_to(page, row)
        page.keyboard.press("ArrowRight")
        type_into(page, text)
        page.keyboard.press("ArrowLeft")
        if row == 2:
            saved(page)
    go_to(page, 6)
    page.keyboard.press("Home")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowDown")
    expect(page.get_by_text("Sum")).to_be_visible()
    expect(page.locator(".floating", has_text="Saved.")).to_have_count(0)
    time.sleep(0.5)  # the picture is of a page at rest: fonts and fades
    taken = page.screenshot(animations="disabled")
    assert len(taken) > 50_000
    if os.environ.get("RET_UPDATE_PICTURES") or not PICTURE.exists():
        PICTURE.write_bytes(taken)
