"""The main job in a real browser: upload, look, convert, download."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import openpyxl
from exports import ledgers, many_documents, nested_export, packed, setup_export
from playwright.sync_api import BrowserContext, Page, expect
from product import Product
from watch import Watch, choose_groups, convert, figures, log_in, start_upload, upload

# Taken anew where it is missing or asked for: times and rates in it differ from run to run.
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "convert.png"


def downloaded(page: Page, button: str) -> bytes:
    with page.expect_download(timeout=120_000) as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(waiting.value.path()).read_bytes()


def unpacked(content: bytes) -> dict[str, bytes]:
    """Every file of a ZIP by its full path, those of ZIPs within it too."""
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            inner = unpacked(data) if name.endswith(".zip") else {"": data}
            found |= {f"{name}/{path}" if path else name: value for path, value in inner.items()}
    return found


def rows_of(workbook: bytes) -> list[tuple[object, ...]]:
    sheet = openpyxl.load_workbook(io.BytesIO(workbook)).worksheets[0]
    return list(sheet.iter_rows(values_only=True))


def test_a_nested_zip_becomes_groups_tables_and_an_excel_download(page: Page, product: Product) -> None:
    log_in(page, product)
    upload(page, "Export.zip", nested_export())
    assert figures(page) == {"documents": 5, "groups": 2, "others": 1, "warnings": 1}

    page.get_by_role("button", name="Groups:").click()
    listed = page.get_by_role("listbox", name="Groups")
    expect(listed.get_by_role("option")).to_contain_text(
        [
            "by folder or ZIP · FY_Ledgers.zip/2024/ledger.xml",
            "by folder or ZIP · FY_Ledgers.zip/GL_companies.zip/companies.xml",
        ]
    )
    expect(listed.get_by_role("option", name="FY 3 documents")).to_be_visible()
    expect(listed.get_by_role("option", name="GL 2 documents")).to_be_visible()
    page.keyboard.press("Escape")

    convert(page)
    expect(page.locator("[data-outcome=documents]")).to_have_text("5")
    files = unpacked(downloaded(page, "Download everything"))
    assert sorted(files) == [
        "FY_Ledgers.zip/2024/ledger.xlsx",
        "FY_Ledgers.zip/2025/ledger.xlsx",
        "FY_Ledgers.zip/GL_companies.zip/companies.xlsx",
        "FY_Ledgers.zip/GL_companies.zip/regions.xlsx",
        "FY_Ledgers.zip/calendar.xlsx",
        "FY_Ledgers.zip/readme.txt",
    ]
    assert rows_of(files["FY_Ledgers.zip/2024/ledger.xlsx"]) == [
        ("Code", "Name", "Currency"),
        ("00001", "Ledger 1", "EUR"),
        ("00002", "Ledger 2", "EUR"),
        ("00003", "Ledger 3", "EUR"),
    ]
    assert rows_of(files["FY_Ledgers.zip/GL_companies.zip/companies.xlsx"])[1] == ("007", "Nord")


def test_another_format_is_another_download_and_no_other_conversion(page: Page, product: Product) -> None:
    log_in(page, product)
    upload(page, "Export.zip", nested_export())
    convert(page)
    page.get_by_role("radio", name="CSV").click()
    assert "format=csv" in page.url
    files = unpacked(downloaded(page, "Download everything"))
    text = files["FY_Ledgers.zip/2024/ledger.csv"].decode("utf-8-sig")
    assert text.splitlines()[:2] == ["Code,Name,Currency", "00001,Ledger 1,EUR"]
    page.get_by_role("button", name="Jobs").click()
    expect(page.get_by_role("dialog", name="Jobs").get_by_text("Conversion")).to_have_count(1)


def test_one_group_is_converted_and_downloaded_alone(page: Page, product: Product) -> None:
    log_in(page, product)
    upload(page, "Export.zip", nested_export())
    choose_groups(page, "GL")
    expect(page.locator("[data-figure=listed]")).to_have_text("2")
    convert(page)
    assert sorted(unpacked(downloaded(page, "Download GL"))) == [
        "FY_Ledgers.zip/GL_companies.zip/companies.xlsx",
        "FY_Ledgers.zip/GL_companies.zip/regions.xlsx",
    ]
    choose_groups(page, "FY")
    expect(page.get_by_role("button", name="Download FY", exact=True)).to_be_disabled()


def test_one_document_is_one_file(page: Page, product: Product) -> None:
    log_in(page, product)
    upload(page, "Export.zip", nested_export())
    convert(page)
    assert rows_of(downloaded(page, "Download calendar.xml"))[1] == ("Jan-25", "Open")
    page.get_by_role("button", name="More for calendar.xml").click()
    with page.expect_download() as waiting:
        page.get_by_role("menuitem", name="Download the original").click()
    assert waiting.value.suggested_filename == "calendar.xml"
    assert Path(waiting.value.path()).read_bytes().startswith(b"<?xml")


def test_groups_are_renamed_and_merged_and_a_document_is_moved(page: Page, product: Product) -> None:
    log_in(page, product)
    upload(page, "Export.zip", nested_export())
    choose_groups(page, "GL")
    page.get_by_role("button", name="Rename", exact=True).last.click()
    page.get_by_label("Name of the group").fill("Companies")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("button", name="Groups: Companies")).to_be_visible()

    page.get_by_role("button", name="More for regions.xml").click()
    page.get_by_role("menuitem", name="Move to a group").click()
    page.get_by_role("combobox", name="Group", exact=True).fill("FY")
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    expect(page.locator("[data-figure=listed]")).to_have_text("1")

    page.get_by_role("button", name="Rename", exact=True).last.click()
    page.get_by_label("Name of the group").fill("fy")
    expect(page.get_by_text("FY exists already with 4 documents: they become one group.")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Merge").click()
    expect(page.locator("[data-figure=groups]")).to_have_text("1")

    page.get_by_role("region", name="Groups and conversion").get_by_role("radio", name="File name").click()
    expect(page.locator("[data-figure=groups]")).not_to_have_text("1")


def test_every_state_of_the_screen_is_a_link(page: Page, context: BrowserContext, product: Product) -> None:
    log_in(page, product)
    upload(page, "Export.zip", nested_export())
    choose_groups(page, "FY")
    page.get_by_placeholder("Find by name or path").fill("2025")
    expect(page.locator("[data-figure=listed]")).to_have_text("1")
    other = context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("button", name="Groups: FY")).to_be_visible()
    expect(other.get_by_placeholder("Find by name or path")).to_have_value("2025")
    expect(other.locator("[data-figure=listed]")).to_have_text("1")


def test_jobs_and_their_figures_survive_a_reload(page: Page, product: Product) -> None:
    log_in(page, product)
    upload(page, "Export.zip", nested_export())
    convert(page)
    page.reload()
    expect(page.locator("[data-conversion][data-state=succeeded]")).to_be_visible()
    page.get_by_role("button", name="Jobs").click()
    expect(page.get_by_role("dialog", name="Jobs").get_by_role("listitem")).to_have_count(2)


def test_a_spoilt_document_is_failed_with_its_reason_and_the_others_are_not(page: Page, product: Product) -> None:
    log_in(page, product)
    bomb = b"<!DOCTYPE r [<!ENTITY a '" + b"a" * 10_000 + b"'>]><r>" + b"&a;" * 20_000 + b"</r>"
    cut = ledgers(2)[:-30]
    content = packed(
        [(f"AR_Setup/{name}.xml", data) for name, data in (("good", ledgers(2)), ("bad", bomb), ("cut", cut))]
    )
    upload(page, "Mixed.zip", content)
    convert(page)
    bad = page.get_by_role("row").filter(has_text="bad.xml")
    expect(bad).to_contain_text("Failed")
    bad.get_by_role("button", name="Details: Refused: its entities unfold without end.").click()
    dialog = page.get_by_role("dialog", name="bad.xml")
    expect(dialog).to_contain_text("expand to many times its size")
    expect(dialog).to_contain_text("could not be converted, so no records")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Details: Damaged places in the XML were skipped.").click()
    dialog = page.get_by_role("dialog", name="cut.xml")
    expect(dialog).to_contain_text("recovered Damaged places were skipped")
    expect(dialog.locator("[data-fidelity]")).to_contain_text("All of its text")
    expect(dialog).to_contain_text("Not well-formed at line 2")
    page.keyboard.press("Escape")
    expect(page.get_by_role("row").filter(has_text="good.xml")).to_contain_text("Converted")
    page.get_by_role("button", name="Retry the failed one").click()
    expect(page.locator("[data-outcome=documents]")).to_have_text("0", timeout=60_000)
    files = unpacked(downloaded(page, "Download everything"))
    assert files["AR_Setup/bad.xml"] == bomb


def test_what_cannot_be_read_says_why_and_how_to_ask(page: Page, product: Product, watch: Watch) -> None:
    watch.expect((415, "/collections"), (422, "/collections"))
    log_in(page, product)
    start_upload(page, "notes.docx", b"no setup data")
    expect(page.get_by_role("alert")).to_contain_text("notes.docx is none of ZIP")
    start_upload(page, "broken.zip", b"PK\x03\x04 and then nothing of a ZIP" * 40)
    expect(page.get_by_role("alert").filter(has_text="damaged")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Copy the reference")).to_be_visible()


def test_a_cancelled_upload_leaves_nothing(
    page: Page, context: BrowserContext, product: Product, tmp_path: Path
) -> None:
    large = tmp_path / "Large.zip"
    large.write_bytes(b"PK\x03\x04" + bytes(40_000_000))
    log_in(page, product)
    slow = context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2_000_000}
    slow.send("Network.enable")  # pyright: ignore[reportUnknownMemberType] - playwright says only "dict"
    slow.send("Network.emulateNetworkConditions", limits)  # pyright: ignore[reportUnknownMemberType] - as above
    page.locator("input[type=file]").set_input_files(large)
    expect(page.get_by_text("/s", exact=False).first).to_be_visible()
    expect(page.get_by_role("progressbar", name="Upload of Large.zip")).to_be_visible()
    page.get_by_role("button", name="Cancel the upload").click()
    slow.detach()
    expect(page.get_by_text("Cancelled. Nothing of it was kept.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Nothing uploaded yet")).to_be_visible()


def test_ten_thousand_documents_are_a_list_that_scrolls(page: Page, product: Product) -> None:
    log_in(page, product)
    upload(page, "Many.zip", many_documents(10_000))
    assert figures(page)["documents"] == 10_000
    table = page.get_by_role("table", name="Documents")
    expect(table).to_have_attribute("aria-rowcount", "10001")
    table.evaluate("(element) => element.scrollTo(0, element.scrollHeight)")
    expect(table.get_by_text("09999.xml")).to_be_visible()
    assert table.get_by_role("row").count() < 100
    choose_groups(page, "AP", "ZX")
    expect(page.locator("[data-figure=listed]")).to_have_text("2,000")
    page.set_viewport_size({"width": 640, "height": 900})
    expect(table.get_by_text("00000.xml")).to_be_visible()
    assert table.get_by_role("row").count() < 100
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_an_upload_is_renamed_and_deleted(page: Page, product: Product) -> None:
    log_in(page, product)
    upload(page, "Export.zip", nested_export())
    page.get_by_role("button", name="Rename", exact=True).first.click()
    page.get_by_label("Name", exact=True).fill("March")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="March")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing uploaded yet")).to_be_visible()


def test_the_picture_of_the_readme_is_this_page(page: Page, product: Product) -> None:
    log_in(page, product)
    upload(page, "Manufacturing and Supply Chain_20260113_055727.zip", setup_export())
    convert(page)
    choose_groups(page, "AP", "AR", "GL", "ZX")
    expect(page.get_by_role("row").filter(has_text="AP_PAYMENT_TERM.xml").first).to_contain_text("Converted")
    page.get_by_role("button", name="Groups:").click()
    expect(page.get_by_role("listbox", name="Groups")).to_contain_text("businessObjectData/AP_")
    page.mouse.move(0, 0)
    time.sleep(0.5)  # the picture is of a page at rest: fonts, figures and fades
    taken = page.screenshot(animations="disabled")
    assert len(taken) > 50_000
    if os.environ.get("RET_UPDATE_PICTURES") or not PICTURE.exists():
        PICTURE.write_bytes(taken)
