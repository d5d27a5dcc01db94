"""What a page must never do, and a few things a person does on every page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import ConsoleMessage, Error, Page, Response, expect
from product import Product

# Runs in the page before anything of the page does.
VIOLATIONS = """
addEventListener('securitypolicyviolation', (event) =>
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile} ${event.sample}`));
"""


@dataclass
class Watch:
    """Console errors, exceptions, violations of the policy and failed answers of one page."""

    faults: list[str] = field(default_factory=list[str])
    # Answers that a test provokes; the browser's console line for each is theirs.
    expected: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])

    def over(self, page: Page) -> None:
        page.add_init_script(VIOLATIONS)
        page.on("console", self._heard)
        page.on("pageerror", self._thrown)
        page.on("response", self._answered)

    def expect(self, *answers: tuple[int, str]) -> None:
        """Answers with this status, to a path that ends so, are no fault in this test."""
        self.expected.update(answers)

    def _heard(self, message: ConsoleMessage) -> None:
        # The browser's own line about a failed answer says nothing that `_answered` does not know better.
        if message.type == "error" and not message.text.startswith("Failed to load resource: the server responded"):
            self.faults.append(f"console: {message.text}")

    def _thrown(self, error: Error) -> None:
        self.faults.append(f"thrown: {error}")

    def _answered(self, response: Response) -> None:
        path = response.url.partition("?")[0]
        if response.status >= 400 and not any(
            response.status == status and path.endswith(end) for status, end in self.expected
        ):
            self.faults.append(f"{response.status} {response.request.method} {path}")


def log_in(page: Page, product: Product, username: str = "", password: str = "") -> None:
    page.goto(product.url)
    page.get_by_label("User name").fill(username or product.username)
    page.get_by_label("Password").fill(password or product.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Account of").wait_for()


def upload(page: Page, name: str, content: bytes) -> None:
    """Uploads and waits until the scan is over and its figures are drawn."""
    start_upload(page, name, content)
    page.wait_for_url("**/convert/*", timeout=60_000)
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.locator("[data-figure=documents]").wait_for(timeout=120_000)


def start_upload(page: Page, name: str, content: bytes) -> None:
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content}]
    )


def convert(page: Page) -> None:
    """Converts what is chosen and waits for the end."""
    page.get_by_role("region", name="Groups and conversion").get_by_role("button", name="Convert").click()
    page.locator("[data-conversion][data-state=succeeded]").wait_for(timeout=180_000)


def choose_groups(page: Page, *names: str) -> None:
    """Leaves exactly these groups chosen."""
    page.get_by_role("button", name="Groups:").click()
    page.get_by_role("button", name="None", exact=True).click()
    for name in names:
        page.get_by_role("listbox", name="Groups").get_by_text(name, exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox", name="Groups")).to_have_count(0)


def figures(page: Page) -> dict[str, int]:
    """The four figures of an upload."""
    names = ("documents", "groups", "others", "warnings")
    return {name: int(page.locator(f"[data-figure={name}]").inner_text().replace(",", "")) for name in names}


def faults_of_access(page: Page, source: str, ignored: Iterable[str] = ()) -> list[str]:
    """What axe finds wrong by WCAG 2.2 AA. Evaluated by the debugger, so the page's policy stays as it is."""
    if page.evaluate("() => typeof axe === 'undefined'"):
        page.evaluate(source)
    found: dict[str, Any] = page.evaluate(
        "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
    )
    return [
        f"{rule['id']}: {rule['help']} at {' '.join(map(str, node['target']))}\n{node['failureSummary']}"
        for rule in found["violations"]
        if rule["id"] not in set(ignored)
        for node in rule["nodes"]
    ]
