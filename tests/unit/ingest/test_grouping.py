from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ret_ingest.grouping import Mode, Names, Reason, groups
from ret_ingest.words import Words

# The examples of the specification: (upload, documents, groups by container, groups by name).
EXAMPLES = [
    ("FY_Ledgers.zip", ["ledger.xml"], ["FY"], ["LEDGER"]),
    ("Upload.zip", ["AR_Financials.xml"], ["AR"], ["AR"]),
    ("FY_Ledgers.zip", ["GL_companies.zip/companies.xml"], ["GL"], ["COMPANIES"]),
    ("FY_Instructions.zip", ["1_book.xml", "2_book.xml"], ["FY", "FY"], ["BOOK", "BOOK"]),
    ("Upload.zip", ["AB_mirgrator properties/settings.xml"], ["AB"], ["SETTINGS"]),
    ("FY_Ledgers.zip", ["AR_Financials.xml"], ["FY"], ["AR"]),
    ("FY_Ledgers.zip", ["GL/2024/1.xml"], ["GL"], ["GL"]),
    (
        "Upload.zip",
        ["Docs/invoice_001.xml", "Docs/invoice_002.xml", "Docs/customer.xml"],
        ["INVOICE", "INVOICE", "CUSTOMER"],
        ["INVOICE", "INVOICE", "CUSTOMER"],
    ),
    ("Upload.zip", ["Docs/AR_a.xml", "Docs/GL_b.xml"], ["AR", "GL"], ["AR", "GL"]),
    ("Upload.zip", ["Ledgers/part1.xml", "Customers/part1.xml"], ["LEDGERS", "CUSTOMERS"], ["PART", "PART"]),
    (
        "Manufacturing and Supply Chain_20260113_055727.zip",
        ["businessObjectData/AR_PAYMENT_TERM.zip/1_BATCH.zip/AR_PAYMENT_TERM.xml"],
        ["AR"],
        ["AR"],
    ),
    ("Export.zip", ["GL_CALENDAR.zip/1_BATCH.zip/GL_CALENDAR.xml"], ["GL"], ["GL"]),
    ("Export.zip", ["FND_APP_STANDARD_LOOKUP.zip/ORA_FND_APP_STANDARD_LOOKUP_CODE.xml"], ["FND"], ["FND"]),
    ("AP_TERMS.zip", ["ASM_SETUP_CSV_METADATA.xml"], ["AP"], ["AP"]),
    ("Upload.zip", ["gl_companies.ZIP/x.xml"], ["GL"], ["X"]),
    ("Upload.zip", ["2024_GL_Journals.zip/data.xml"], ["GL"], ["GL"]),
    ("Upload.zip", ["01-AR-Invoices.zip/1.xml"], ["AR"], ["AR"]),
    ("Upload.zip", ["GL2024_Journals.zip/1.xml"], ["GL"], ["GL"]),
    ("Upload.zip", ["P2P_Orders.zip/1.xml"], ["P2P"], ["P2P"]),
    ("Upload.zip", ["AR_Data (1).zip/7_BATCH (1).zip/525252.xml"], ["AR"], ["AR"]),
    ("Upload.zip", ["GL_companies/jan.xml"], ["GL"], ["JAN"]),
    ("Upload.zip", ["ARFinancials.xml"], ["AR"], ["AR"]),
    ("Upload.zip", ["AR.xml"], ["AR"], ["AR"]),
    ("Upload.zip", ["README.xml"], ["README"], ["README"]),
    ("Upload.zip", ["my_file.xml"], ["MY FILE"], ["MY FILE"]),
    ("Upload.zip", ["525252.xml"], ["OTHER"], ["OTHER"]),
    ("Upload.zip", ["book_4.4.2.xml"], ["BOOK"], ["BOOK"]),
    (
        "Upload.zip",
        ["journal_article_4.4.2.xml", "journal_title_4.4.2.xml"],
        ["JOURNAL", "JOURNAL"],
        ["JOURNAL", "JOURNAL"],
    ),
    ("Upload.zip", ["EXPORT_AP_Invoices.xml"], ["AP"], ["AP"]),
    ("Upload.zip", ["ФИН_отчёт.zip/1.xml"], ["ФИН"], ["ФИН"]),
    ("FY_Ledgers.xml.zip", ["GL_x/1.xml"], ["GL"], ["GL"]),
]


def placed(paths: list[str], upload: str = "Upload.zip", mode: Mode = Mode.CONTAINER) -> dict[str, str]:
    return {path: one.group for path, one in groups(paths, upload, mode).items()}


def reasons(paths: list[str], upload: str = "Upload.zip", mode: Mode = Mode.CONTAINER) -> dict[str, Reason]:
    return {path: one.reason for path, one in groups(paths, upload, mode).items()}


@pytest.mark.parametrize("upload,paths,by_container,by_name", EXAMPLES)
def test_every_example_of_the_specification_holds_by_container(
    upload: str, paths: list[str], by_container: list[str], by_name: list[str]
) -> None:
    assert placed(paths, upload) == dict(zip(paths, by_container, strict=True)), by_name


@pytest.mark.parametrize("upload,paths,by_container,by_name", EXAMPLES)
def test_every_example_of_the_specification_holds_by_name(
    upload: str, paths: list[str], by_container: list[str], by_name: list[str]
) -> None:
    assert placed(paths, upload, Mode.NAME) == dict(zip(paths, by_name, strict=True)), by_container


@pytest.mark.parametrize(
    "name,code",
    [
        ("AR_Financials.xml.gz", "AR"),
        ("AR_Data - Copy (2).zip", "AR"),
        ("AR_Data - Copy.ZIP", "AR"),
        ("report (1).xml (2).zip", None),
        ("ABCDE_x", "ABCDE"),
        ("ABCDEF_x", None),
        ("BOOK", "BOOK"),
        ("BOOKS", None),
        ("A_x", None),
        ("ar.xml", "AR"),
        ("Gl-2024", "GL"),
        ("po1234.xml", "PO"),
        ("ab_x", "AB"),
        ("abc1_x", "ABC"),
        ("abcd_x", None),
        ("ab", None),
        ("old_x", None),
        ("the_x", None),
        ("ARFinancials2024", "AR"),
        ("XLAJournals", "XLA"),
        ("FAQPage", None),
        ("USers_x", None),
        ("v2_AR_x", "AR"),
        ("3fa85f64_AR_x", "AR"),
        ("deadbeef_x", None),
        ("20260113T055727Z_GL_x", "GL"),
        ("taskListData", None),
        ("BUSINESSOBJECTDATA_AP_x", "AP"),
        ("\uff21\uff32_x", "AR"),
        ("२०२४_GL_x", "GL"),
        ("", None),
        (".zip", None),
    ],
)
def test_a_name_has_this_code(name: str, code: str | None) -> None:
    assert Names(Words()).code(name) == code


def test_words_and_modules_are_settings() -> None:
    words = Words.of(generic="noise", stop="an", modules="banana")
    assert Names(words).code("noise_banana_x") == "BANANA"
    assert Names(words).code("an_x") is None
    assert Names(words).code("my_x") == "MY"


def test_the_nearest_container_with_a_code_wins() -> None:
    assert placed(["AR_a/GL_b.zip/deep/x.xml", "AR_a/x.xml"]) == {"AR_a/GL_b.zip/deep/x.xml": "GL", "AR_a/x.xml": "AR"}


def test_a_code_further_out_wins_over_siblings_without_one() -> None:
    assert set(placed(["Ledgers/a.xml", "Customers/b.xml"], "FY_x.zip").values()) == {"FY"}


def test_containers_with_siblings_tell_documents_apart() -> None:
    paths = ["01 - Ledgers 2024.zip/a.xml", "02 - Customers/b.xml"]
    assert list(placed(paths).values()) == ["LEDGERS 2024", "CUSTOMERS"]
    assert set(reasons(paths).values()) == {Reason.FOLDER}


def test_a_sibling_that_holds_documents_deeper_counts() -> None:
    assert list(placed(["Ledgers/x/y/a.xml", "Customers/z/b.xml"]).values()) == ["LEDGERS", "CUSTOMERS"]


def test_a_single_folder_never_labels() -> None:
    assert placed(["Outer/Inner/invoice_a.xml"]) == {"Outer/Inner/invoice_a.xml": "INVOICE A"}


def test_containers_with_nothing_but_numbers_label_nothing() -> None:
    assert placed(["2023/invoice.xml", "2024/invoice.xml"]) == {
        "2023/invoice.xml": "INVOICE",
        "2024/invoice.xml": "INVOICE",
    }


def test_a_numbers_only_container_leaves_it_to_the_next_one_outward() -> None:
    paths = ["Ledgers/2023/a.xml", "Ledgers/2024/a.xml", "Customers/2024/a.xml"]
    assert list(placed(paths).values()) == ["LEDGERS", "LEDGERS", "CUSTOMERS"]


def test_batches_side_by_side_tell_nothing_apart() -> None:
    paths = ["Ledgers/1_BATCH.zip/a.xml", "Ledgers/2_BATCH.zip/b.xml", "Customers/1_BATCH.zip/c.xml"]
    assert list(placed(paths).values()) == ["LEDGERS", "LEDGERS", "CUSTOMERS"]


def test_the_first_token_is_shared_only_within_one_folder() -> None:
    assert placed(["sales_a.xml", "Docs/sales_b.xml"]) == {"sales_a.xml": "SALES A", "Docs/sales_b.xml": "SALES B"}


def test_numbers_and_versions_are_left_out_of_a_label() -> None:
    assert placed(["ledger_v2_final_2024_part7.xml"]) == {"ledger_v2_final_2024_part7.xml": "LEDGER FINAL PART"}


def test_groups_that_differ_in_case_alone_are_one() -> None:
    paths = ["straße/a.xml", "STRASSE/b.xml", "other/c.xml"]
    assert len({placed(paths)[path] for path in paths[:2]}) == 1


def test_a_manifest_takes_its_containers_group_in_both_modes() -> None:
    paths = ["AP_x.zip/ASM_SETUP_CSV_METADATA.xml", "AP_x.zip/1_BATCH.zip/ledger.xml"]
    assert placed(paths, mode=Mode.NAME) == {paths[0]: "AP", paths[1]: "LEDGER"}
    assert set(placed(paths).values()) == {"AP"}


@pytest.mark.parametrize("mode", Mode)
def test_a_manifest_in_a_container_without_a_code_goes_with_its_company(mode: Mode) -> None:
    paths = ["asm_setup_csv_metadata (1).XML", "customer_a.xml", "customer_b.xml", "order.xml", "x/deep.xml"]
    assert groups(paths, "Upload.zip", mode)[paths[0]].group == "CUSTOMER"


def test_a_manifest_without_company_beside_it_goes_with_what_is_below() -> None:
    paths = ["ASM_SETUP_CSV_METADATA.xml", "AR_x.zip/1.xml", "AR_x.zip/2.xml", "GL_x.zip/1.xml"]
    assert placed(paths)[paths[0]] == "AR"


def test_a_manifest_all_alone_is_other() -> None:
    assert reasons(["ASM_SETUP_CSV_METADATA.xml"]) == {"ASM_SETUP_CSV_METADATA.xml": Reason.NONE}


def test_every_document_carries_its_reason() -> None:
    paths = ["AR_x/1.xml", "invoice.xml", "77.xml"]
    assert list(reasons(paths).values()) == [Reason.CONTAINER, Reason.NAME, Reason.NONE]


def test_by_name_falls_back_to_siblings() -> None:
    assert list(placed(["Ledgers/1.xml", "Customers/1.xml"], mode=Mode.NAME).values()) == ["LEDGERS", "CUSTOMERS"]


@pytest.mark.parametrize("mode", Mode)
def test_a_very_deep_path_is_no_problem(mode: Mode) -> None:
    path = "/".join(f"folder{n}" for n in range(600)) + "/AR_x.xml"
    assert placed([path], mode=mode) == {path: "AR"}


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), max_size=12),
    st.text(),
    st.sampled_from(Mode),
)
def test_whatever_the_names_every_document_has_a_group_of_a_sane_length(
    paths: list[str], upload: str, mode: Mode
) -> None:
    found = groups(paths, upload, mode)
    assert found.keys() == set(paths)
    assert all(0 < len(one.group) <= 300 for one in found.values())
    assert len({one.group.casefold() for one in found.values()}) == len({one.group for one in found.values()})


@given(
    st.permutations(["AR_x/1.xml", "Docs/a_1.xml", "Docs/a_2.xml", "Docs/b.xml", "Other/ASM_SETUP_CSV_METADATA.xml"])
)
def test_the_order_of_the_documents_does_not_matter(paths: list[str]) -> None:
    assert placed(paths) == placed(sorted(paths))
