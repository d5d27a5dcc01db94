"""From the login to the end of a session, as a person sees it."""

from __future__ import annotations

from pathlib import Path

import product as products
from exports import nested_export
from playwright.sync_api import Browser, BrowserContext, Page, expect
from product import Product
from watch import Watch, log_in, upload

DESTROYED = "has been destroyed and cannot be brought back"


def new_user(admin: Page, name: str, role: str = "User") -> str:
    """Creates a user on the page; gives the token that is shown once."""
    admin.get_by_role("link", name="Admin").click()
    admin.get_by_role("button", name="Create user").click()
    admin.get_by_label("User name").fill(name)
    admin.get_by_role("radio", name=role, exact=True).click()
    admin.get_by_role("dialog").get_by_role("button", name="Create user").click()
    token = admin.locator("[data-reset-token]").inner_text()
    admin.get_by_role("button", name="I have handed it over").click()
    expect(admin.locator("[data-reset-token]")).to_have_count(0)
    expect(admin.get_by_role("cell", name=name, exact=True)).to_be_visible()
    return token


def redeem(page: Page, product: Product, token: str, password: str) -> None:
    page.goto(product.url)
    page.get_by_role("link", name="Choose your password").click()
    page.get_by_label("One-time token").fill(token)
    page.get_by_label("New password", exact=True).fill(password)
    page.get_by_label("New password, again").fill(password)
    page.get_by_role("button", name="Set the password").click()


def test_a_wrong_password_is_said_without_saying_what_was_wrong(page: Page, product: Product, watch: Watch) -> None:
    watch.expect((401, "/auth/login"))
    page.goto(product.url)
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("User name or password is wrong.")
    expect(page.get_by_label("Password")).to_have_value("")


def test_the_one_time_password_must_be_changed_before_anything_else(
    context: BrowserContext, watch: Watch, tmp_path: Path
) -> None:
    with products.running(tmp_path / "data") as fresh:
        page = context.new_page()
        watch.over(page)
        page.goto(fresh.url)
        page.get_by_label("User name").fill(fresh.username)
        page.get_by_label("Password").fill(fresh.password)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
        page.goto(f"{fresh.url}/admin/users")
        expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
        page.get_by_label("Current password").fill(fresh.password)
        page.get_by_label("New password", exact=True).fill("too short")
        page.get_by_label("New password, again").fill("too short")
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_text("At least 12 characters.", exact=True)).to_be_visible()
        page.get_by_label("New password", exact=True).fill("a few good words")
        page.get_by_label("New password, again").fill("a few good words")
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_role("heading", name="Users")).to_be_visible()


def test_a_new_user_chooses_a_password_with_a_token_that_works_once(
    page: Page, browser: Browser, product: Product, watch: Watch
) -> None:
    log_in(page, product)
    token = new_user(page, "maria")
    with browser.new_context() as context:
        own = context.new_page()
        watch.over(own)
        redeem(own, product, token, "maria's own words")
        expect(own.get_by_role("heading", name="Log in to RET")).to_be_visible()
        log_in(own, product, "maria", "maria's own words")
        expect(own.get_by_role("link", name="Admin")).to_have_count(0)
        own.goto(f"{product.url}/admin/users")
        expect(own.get_by_text("This is for administrators")).to_be_visible()
        assert token not in own.url
    with browser.new_context() as context:
        again = context.new_page()
        redeem(again, product, token, "somebody else's words")
        expect(again.get_by_role("alert")).to_be_visible()


def test_after_a_logout_every_tab_says_that_everything_is_destroyed(
    page: Page, context: BrowserContext, product: Product, watch: Watch
) -> None:
    log_in(page, product)
    upload(page, "Export.zip", nested_export())
    left_behind = page.url
    other = context.new_page()
    watch.over(other)
    other.goto(product.url)
    other.get_by_role("link", name="Export.zip").wait_for()

    page.get_by_role("button", name="Account of").click()
    page.get_by_role("menuitem", name="Log out").click()
    for tab in (page, other):
        expect(tab.get_by_role("heading", name="You are logged out")).to_be_visible()
        expect(tab.get_by_text(DESTROYED)).to_be_visible()

    page.get_by_role("button", name="Log in again").click()
    watch.expect((404, left_behind.rpartition("/")[2]))
    log_in(page, product)
    page.goto(left_behind)
    expect(page.get_by_text("This upload is no longer there")).to_be_visible()


def test_who_is_thrown_out_by_an_administrator_is_told_so(page: Page, browser: Browser, product: Product) -> None:
    log_in(page, product)
    token = new_user(page, "jonas")
    with browser.new_context() as context:
        own = context.new_page()
        redeem(own, product, token, "jonas has his words")
        expect(own.get_by_role("heading", name="Log in to RET")).to_be_visible()
        with own.expect_websocket():
            log_in(own, product, "jonas", "jonas has his words")
        own.wait_for_load_state("networkidle")
        page.get_by_role("link", name="Sessions").click()
        page.get_by_role("row", name="jonas").get_by_role("button", name="End").click()
        page.get_by_role("dialog").get_by_role("button", name="End session").click()
        expect(own.get_by_role("heading", name="An administrator ended your session")).to_be_visible()
        expect(own.get_by_text(DESTROYED)).to_be_visible()


def test_ones_own_other_session_is_ended_from_this_one(
    page: Page, browser: Browser, product: Product, watch: Watch
) -> None:
    log_in(page, product)
    token = new_user(page, "erika")
    with browser.new_context() as first, browser.new_context() as second:
        here, there = first.new_page(), second.new_page()
        watch.over(here)
        redeem(here, product, token, "erika has her words")
        expect(here.get_by_role("heading", name="Log in to RET")).to_be_visible()
        log_in(here, product, "erika", "erika has her words")
        log_in(there, product, "erika", "erika has her words")
        here.get_by_role("button", name="Account of").click()
        here.get_by_role("menuitem", name="Your sessions").click()
        expect(here.get_by_text("This one")).to_be_visible()
        here.get_by_role("button", name="End", exact=True).click()
        here.get_by_role("dialog").get_by_role("button", name="End").click()
        expect(there.get_by_role("button", name="Log in again")).to_be_visible()
        expect(here.get_by_role("button", name="End", exact=True)).to_have_count(0)


def test_a_session_nobody_uses_is_announced_renewed_and_in_the_end_destroyed(page: Page, product: Product) -> None:
    page.clock.install()
    log_in(page, product)
    page.wait_for_load_state("networkidle")
    page.clock.fast_forward("28:30")
    dialog = page.get_by_role("dialog", name="Your session ends in")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Stay logged in").click()
    expect(dialog).to_have_count(0)
    page.clock.fast_forward("28:30")
    expect(dialog).to_be_visible()
    page.clock.fast_forward("02:00")
    expect(page.get_by_role("heading", name="Your session has expired")).to_be_visible()
    expect(page.get_by_text(DESTROYED)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Log in to RET")).to_be_visible()


def test_a_reload_keeps_the_session_and_no_token_is_kept_by_the_browser(page: Page, product: Product) -> None:
    log_in(page, product)
    page.reload()
    expect(page.get_by_role("button", name="Account of admin")).to_be_visible()
    kept = page.evaluate("() => JSON.stringify({...localStorage, ...sessionStorage}) + document.cookie")
    assert "eyJ" not in kept, kept
    assert "token" not in page.url
