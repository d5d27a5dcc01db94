from __future__ import annotations

import pytest
from convert_documents import made

from ret_convert.layout import Layout

LINES = "<Order><No>{0}</No><Date>d{0}</Date>{1}</Order>"


def orders(*lines: int) -> str:
    body = [
        LINES.format(n, "".join(f"<Line><Item>i{n}.{k}</Item><Qty>{k}</Qty></Line>" for k in range(count)))
        for n, count in enumerate(lines, 1)
    ]
    return f"<Orders><Batch>77</Batch>{''.join(body)}</Orders>"


def test_few_repeats_become_numbered_columns() -> None:
    one = made(orders(2, 1), path="Orders/Order")
    assert one.columns == ["No", "Date", "Line.Item", "Line.Qty", "Line[2].Item", "Line[2].Qty"]
    assert one.main[1] == {
        "No": "2", "Date": "d2", "Line.Item": "i2.0", "Line.Qty": "0", "Line[2].Item": None, "Line[2].Qty": None,
    }  # fmt: skip


def test_many_repeats_become_a_child_table_with_links() -> None:
    one = made(orders(9, 2), path="Orders/Order")
    assert list(one.rows) == ["Order", "Line", "_document"]
    assert one.columns == ["_id", "No", "Date"]
    assert [row["_id"] for row in one.main] == ["1", "2"]
    assert one.rows["Line"][9] == {"_id": "10", "_parent_id": "2", "_pos": "1", "Item": "i2.0", "Qty": "0"}
    assert one.rows["_document"] == [{"Batch": "77"}]


def test_related_makes_every_repeat_a_child_table() -> None:
    one = made(orders(2, 1), Layout.RELATED, path="Orders/Order")
    assert list(one.rows) == ["Order", "Line", "_document"]
    assert len(one.rows["Line"]) == 3


def test_single_is_one_table_and_keeps_what_is_outside_on_the_first_row() -> None:
    one = made(orders(12, 1), Layout.SINGLE, path="Orders/Order")
    assert list(one.rows) == ["Order"]
    assert one.main[0]["Line[12].Item"] == "i1.11"
    assert [row["Batch"] for row in one.main] == ["77", None]


def test_single_also_takes_what_comes_after_the_records_to_the_first_row() -> None:
    one = made("<r><a><x>1</x><y>2</y></a><a><x>3</x><y>4</y></a><end>5</end></r>", Layout.SINGLE)
    assert one.main == [{"x": "1", "y": "2", "end": "5"}, {"x": "3", "y": "4", "end": None}]


def test_single_falls_back_to_child_tables_where_nobody_could_open_the_table() -> None:
    one = made(orders(30, 1), Layout.SINGLE, path="Orders/Order", widest=40)
    assert list(one.rows) == ["Order", "Line", "_document"]


def test_the_widest_repeats_leave_a_table_that_would_be_too_wide() -> None:
    wide = "<W>" + "".join(f"<F{n}>1</F{n}>" for n in range(50)) + "</W>"
    body = "<r>" + f"<o><k>1</k><l>2</l>{wide * 5}<t>1</t><t>2</t></o>" * 3 + "</r>"
    one = made(body, path="r/o")
    assert list(one.rows) == ["o", "W"]
    assert one.columns == ["_id", "k", "l", "t", "t[2]"]


def test_nested_repeats_count_together() -> None:
    inner = "<t><a>1</a><b>2</b></t>" * 3
    body = "<r>" + f"<o><k>1</k><n>2</n>{f'<l><c>3</c>{inner}</l>' * 3}</o>" * 2 + "</r>"
    one = made(body, path="r/o")
    # 3 lines with 3 taxes each are 9: the lines become a table, in which 3 taxes are few.
    assert list(one.rows) == ["o", "l"]
    assert list(one.rows["l"][0])[3:] == ["c", "t.a", "t.b", "t[2].a", "t[2].b", "t[3].a", "t[3].b"]


def test_a_repeated_leaf_of_a_child_table_is_a_column_of_its_own_name() -> None:
    one = made("<r>" + "<o><k>1</k><n>2</n><phone>5</phone><phone>6</phone></o>" * 2 + "</r>", Layout.RELATED)
    assert one.rows["phone"][1] == {"_id": "2", "_parent_id": "1", "_pos": "2", "phone": "6"}


def test_records_below_something_that_repeats_know_where_they_stood() -> None:
    row = "<row><a>1</a><b>2</b><c>3</c></row>"
    one = made(f'<r><region name="EU">{row * 2}</region><region name="US">{row}</region></r>')
    assert list(one.rows) == ["row", "region"]
    assert [(row["_parent_id"], row["_pos"]) for row in one.main] == [("1", "1"), ("1", "2"), ("2", "1")]
    assert [row["@name"] for row in one.rows["region"]] == ["EU", "US"]


def test_a_wrapper_around_records_that_holds_nothing_is_no_table() -> None:
    row = "<row><a>1</a><b>2</b></row>"
    assert list(made(f"<r><g>{row}</g><g>{row * 2}</g></r>").rows) == ["row"]


def test_tables_of_the_same_name_are_told_apart() -> None:
    lines = "".join(f"<x><v>{n}</v></x>" for n in range(9))
    one = made("<r>" + f"<o><k>1</k><n>2</n><a>{lines}</a><b>{lines}</b></o>" * 2 + "</r>", path="r/o")
    assert list(one.rows) == ["o", "x", "x (2)"]


def test_columns_of_the_same_name_are_told_apart() -> None:
    body = "<r>" + "<o><a.b>1</a.b><a><b>2</b></a></o>" * 2 + "</r>"
    assert made(body).columns == ["a.b", "a.b (2)"]
    links = "<r>" + f"<o><_id>x</_id><n>1</n>{'<l>1</l>' * 9}</o>" * 2 + "</r>"
    assert made(links, path="r/o").columns == ["_id", "_id (2)", "n"]


def test_repeats_outside_the_records_are_a_table_without_a_parent() -> None:
    notes = "".join(f"<note>{n}</note>" for n in range(12))
    one = made(f"<r>{notes}<o>{'<i><a>1</a><b>2</b></i>' * 12}</o></r>")
    assert list(one.rows) == ["i", "note"]
    assert one.rows["note"][11] == {"_id": "12", "_parent_id": None, "_pos": "12", "note": "11"}


def test_recursive_elements_are_paths_of_their_own() -> None:
    one = made("<r>" + "<n><k>1</k><l>2</l><n><k>3</k><l>4</l></n></n>" * 2 + "</r>")
    assert one.columns == ["k", "l", "n.k", "n.l"]


def test_a_document_that_is_nothing_but_tables_has_the_fullest_for_its_main_table() -> None:
    one = made("<r>" + "<a><b>1</b><b/><b>3</b></a>" * 3 + "</r>")
    assert one.main == [{"b": "1", "b[2]": "", "b[3]": "3"}] * 3
    assert one.flattened.record_path == "r/a"
    lists = "".join(f"<{name}><x>1</x><y>2</y></{name}>" * count for name, count in (("a", 9), ("b", 12), ("c", 10)))
    assert list(made(f"<r>{lists}</r>").rows) == ["b", "a", "c"]


@pytest.mark.parametrize("layout", [Layout.AUTO, Layout.RELATED])
def test_a_long_list_of_words_is_the_main_table(layout: Layout) -> None:
    assert made(f"<r>{'<w>x</w>' * 20}</r>", layout).main == [{"w": "x"}] * 20
    assert made(f"<r>{('<g>' + '<w>x</w>' * 9 + '</g>') * 9}</r>", layout).main == [{"w": "x"}] * 81


def test_a_document_with_values_around_its_tables_or_a_chosen_path_keeps_its_main_table() -> None:
    assert list(made(f"<r><id/>{'<w>x</w>' * 20}</r>").rows) == ["r", "w"]
    assert list(made(f"<r>{'<w>x</w>' * 20}</r>", path="r").rows) == ["r", "w"]
