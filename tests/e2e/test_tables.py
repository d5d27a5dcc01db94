"""From a converted document to its table, and to another one: record paths, layouts, pages."""

from __future__ import annotations

from exports import packed
from playwright.sync_api import Page, expect
from product import Product
from watch import convert, log_in, upload

ROWS = 250
LONG = "a long text with its\nlines, " * 20


def orders() -> bytes:
    """Two paths that could be the record; lines repeat inside orders, and every third order has no note."""

    def order(number: int) -> str:
        lines = "".join(f"<Line><No>{at}</No><Item>Item {number}-{at}</Item></Line>" for at in (1, 2))
        note = (
            "" if number % 3 == 0 else "<Note/>" if number % 3 == 1 else f"<Note>{LONG if number == 2 else 'ok'}</Note>"
        )
        return f"<Order><Id>{number:04}</Id><Amount>{number * 10}</Amount>{note}{lines}</Order>"

    sites = "".join(f"<Site><Code>{at}</Code><Name>Site {at}</Name></Site>" for at in range(3))
    body = "".join(order(number) for number in range(1, ROWS + 1))
    return f"<Export><Sites>{sites}</Sites>{body}</Export>".encode()


def opened(page: Page, product: Product) -> None:
    """A session with the orders converted."""
    log_in(page, product)
    upload(page, "Orders.zip", packed([("AR_x/orders.xml", orders())]))
    convert(page)


def details(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"More for {name}").click()
    page.get_by_role("menuitem", name="Details and records").click()
    page.locator("[data-details]").wait_for()


def test_another_record_path_and_layout_give_other_tables(page: Page, product: Product) -> None:
    opened(page, product)
    details(page, "orders.xml")
    dialog = page.get_by_role("dialog", name="orders.xml")
    expect(dialog.locator("[data-fidelity]")).to_contain_text("Every value")
    expect(dialog).to_contain_text("Read as it is written, every value counted and kept.")
    expect(dialog.get_by_role("radio", name="Automatic")).to_be_checked()
    taken = dialog.get_by_role("radio", name="Export/Order", exact=False).first
    expect(taken).to_contain_text("250 records")
    expect(taken).to_contain_text("taken now")

    dialog.get_by_role("radio", name="Export/Order/Line").click()
    dialog.get_by_role("button", name="Layout").click()
    page.get_by_role("menuitemradio", name="Related tables").click()
    assert "layout=related" in page.url
    again = dialog.get_by_role("button", name="Convert again")
    again.click()
    expect(dialog.get_by_role("radio", name="Export/Order/Line")).to_contain_text("as it is now", timeout=60_000)
    expect(again).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="More for orders.xml")).to_be_focused()
    details(page, "orders.xml")
    dialog.get_by_role("link", name="Line").click()
    expect(page.get_by_text("500 rows", exact=True)).to_be_visible()
    expect(page.get_by_role("columnheader", name="Item")).to_be_visible()
    expect(page.get_by_role("gridcell", name="Item 1-2", exact=True)).to_be_visible()
    expect(page.get_by_role("navigation", name="Tables").get_by_role("link")).not_to_have_count(0)


def test_a_table_is_walked_through_with_the_keyboard_and_shows_what_is_absent(page: Page, product: Product) -> None:
    opened(page, product)
    page.get_by_role("link", name="orders.xml").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("grid", name="Table Order")).to_be_focused()
    expect(page.locator("[data-shown]")).to_have_text("250 rows")
    page.keyboard.press("Control+End")
    expect(page.get_by_role("rowheader", name="250", exact=True)).to_be_visible()
    page.keyboard.press("Control+Home")
    page.keyboard.press("PageDown")
    page.keyboard.press("Control+g")
    page.get_by_role("dialog", name="Go to a row").get_by_label("Row", exact=True).fill("142")
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader", name="142", exact=True)).to_be_visible()
    page.wait_for_url("**row=142*")
    page.reload()
    expect(page.get_by_role("rowheader", name="142", exact=True)).to_be_visible()
    told_apart(page)


def told_apart(page: Page) -> None:
    """Absent, empty and long values on the first page are what they are."""
    page.keyboard.press("Control+Home")
    expect(page.get_by_role("gridcell", name="empty", exact=True).first).to_be_visible()
    expect(page.get_by_role("gridcell", name="absent", exact=True).first).to_be_visible()
    page.get_by_role("gridcell", name="a long text").dblclick()
    dialog = page.get_by_role("dialog", name="Note")
    expect(dialog).to_contain_text(f"{len(LONG)} characters")
    assert dialog.locator("pre").inner_text() == LONG
