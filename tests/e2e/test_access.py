"""Who cannot use a mouse, does not see well, or likes the dark."""

from __future__ import annotations

import pytest
from exports import nested_export
from playwright.sync_api import Browser, FileChooser, Locator, Page, expect
from product import Product
from watch import Watch, convert, faults_of_access, log_in, upload


def tab_to(page: Page, target: Locator, steps: int = 60) -> None:
    """Presses Tab until the focus is there, and sees that it can be seen."""
    for _ in range(steps):
        page.keyboard.press("Tab")
        if target.evaluate("(element) => element === document.activeElement"):
            assert target.evaluate("(element) => getComputedStyle(element).outlineStyle") != "none"
            return
    pytest.fail(f"the keyboard does not reach {target}")


def _chosen_later(chooser: FileChooser) -> None:
    """Nothing: that somebody listens makes the browser hand its dialogs over, from the start and not a key too late."""


def test_the_main_job_is_done_with_the_keyboard_alone(page: Page, product: Product) -> None:
    page.on("filechooser", _chosen_later)
    page.goto(product.url)
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type(product.username)
    page.keyboard.press("Tab")
    page.keyboard.type(product.password)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Account of").wait_for()

    tab_to(page, page.get_by_role("button", name="Choose files"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([{"name": "Export.zip", "mimeType": "application/zip", "buffer": nested_export()}])
    page.locator("[data-figure=documents]").wait_for(timeout=60_000)

    groups = page.get_by_role("button", name="Groups:")
    tab_to(page, groups)
    page.keyboard.press("Enter")
    expect(page.get_by_placeholder("Find a group")).to_be_focused()
    page.keyboard.type("gl")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Groups: FY")).to_be_focused()

    tab_to(page, page.get_by_role("button", name="Convert 3 documents"))
    page.keyboard.press("Enter")
    page.locator("[data-conversion][data-state=succeeded]").wait_for(timeout=60_000)
    tab_to(page, page.get_by_role("radio", name="XLSX"))
    page.keyboard.press("ArrowLeft", delay=50)
    expect(page.get_by_role("radio", name="CSV")).to_be_checked()
    tab_to(page, page.get_by_role("button", name="Download FY"))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".zip")


def test_the_palette_goes_anywhere_by_a_few_letters(page: Page, product: Product) -> None:
    log_in(page, product)
    page.keyboard.press("Control+k")
    page.get_by_placeholder("Type where to go").fill("admin")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Users")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_placeholder("Type where to go").fill("dark")
    page.keyboard.press("Enter")
    expect(page.locator("html[data-theme=dark]")).to_have_count(1)


def test_the_theme_is_the_systems_until_one_is_chosen_and_outlives_a_logout(browser: Browser, product: Product) -> None:
    with browser.new_context(color_scheme="dark") as context:
        page = context.new_page()
        log_in(page, product)
        expect(page.locator("html[data-theme=dark]")).to_have_count(1)
        page.get_by_role("button", name="Theme").click()
        page.get_by_role("menuitemradio", name="Light").click()
        expect(page.locator("html[data-theme=light]")).to_have_count(1)
        page.get_by_role("button", name="Account of").click()
        page.get_by_role("menuitem", name="Log out").click()
        page.get_by_role("button", name="Log in again").click()
        page.reload()
        expect(page.get_by_label("User name")).to_be_visible()
        expect(page.locator("html[data-theme=light]")).to_have_count(1)


class Looks:
    """Every screen that was looked at, and what keeps people out of it."""

    def __init__(self, page: Page, axe: str) -> None:
        self.page = page
        self.axe = axe
        self.faults: dict[str, list[str]] = {}

    def at(self, name: str) -> None:
        found = faults_of_access(self.page, self.axe)
        if found:
            self.faults[name] = found

    def opened_by(self, *buttons: str) -> None:
        for name in buttons:
            self.page.get_by_role("button", name=name).first.click()
            self.at(name)
            self.page.keyboard.press("Escape")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_screen_keeps_anybody_out(browser: Browser, product: Product, watch: Watch, axe: str, theme: str) -> None:
    with browser.new_context(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce") as context:
        page = context.new_page()
        watch.over(page)
        looks = Looks(page, axe)
        page.goto(product.url)
        page.get_by_label("User name").wait_for()
        looks.at("login")
        page.goto(f"{product.url}/welcome")
        page.get_by_label("One-time token").wait_for()
        looks.at("welcome")
        log_in(page, product)
        looks.at("uploads, none")
        upload(page, "Export.zip", nested_export())
        convert(page)
        expect(page.get_by_role("row").filter(has_text="calendar.xml")).to_contain_text("Converted")
        looks.at("collection")
        page.get_by_role("button", name="Groups:").click()
        page.get_by_role("listbox", name="Groups").get_by_text("by folder or ZIP").first.wait_for()
        looks.at("groups")
        page.keyboard.press("Escape")
        looks.opened_by("warning", "Options of the download", "Jobs", "Theme", "Account of", "More for", "Rename")
        looks.opened_by("Layout")
        page.get_by_role("button", name="More for calendar.xml").click()
        page.get_by_role("menuitem", name="Details and records").click()
        page.get_by_role("radio", name="Automatic").wait_for()
        looks.at("details")
        page.keyboard.press("Escape")
        page.get_by_role("link", name="calendar.xml").click()
        page.get_by_role("gridcell", name="Jan-25").wait_for()
        page.keyboard.press("e")
        page.keyboard.type("Mar-25")
        looks.at("preview, editor open")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="History").click()
        page.get_by_text("Nothing has been edited.").wait_for()
        looks.at("preview, edited")
        looks.opened_by("Filter", "Sort", "Columns", "Download", "Keys", "Show the whole value", "Column menu: Name")
        page.keyboard.press("Control+k")
        page.get_by_placeholder("Type where to go").wait_for()
        looks.at("palette")
        page.keyboard.press("Escape")
        for path, text in (
            ("/convert", "Drop a ZIP"),
            ("/admin/users", "Create user"),
            ("/admin/sessions", "End all and clear"),
            ("/account/sessions", "This one"),
            ("/account/password", "Current password"),
            ("/nowhere", "There is nothing here"),
        ):
            page.goto(product.url + path)
            page.get_by_text(text).first.wait_for()
            page.wait_for_load_state("networkidle")
            looks.at(path)
        assert looks.faults == {}
