from __future__ import annotations

import pytest
from convert_documents import made

from ret_convert.errors import RecordPathMissing
from ret_kit.errors import RetError


def record_path(body: str) -> str:
    return made(body).flattened.record_path


def rows(name: str, count: int, fields: str = "<A>1</A><B>2</B>") -> str:
    return f"<{name}>{fields}</{name}>" * count


def test_the_record_is_the_shallowest_path_with_half_of_all_values() -> None:
    assert record_path(f"<r>{rows('head', 2)}<body>{rows('item', 9)}</body></r>") == "r/body/item"


def test_the_first_repeated_child_of_the_root_is_not_the_record_if_it_holds_little() -> None:
    assert record_path(f"<r>{rows('meta', 3)}<list>{rows('row', 20)}</list></r>") == "r/list/row"


def test_a_wrapper_that_repeats_without_fields_of_its_own_is_no_record() -> None:
    assert record_path(f"<r><g>{rows('row', 3)}</g><g>{rows('row', 3)}</g></r>") == "r/g/row"


def test_an_element_whose_fields_stand_in_single_children_is_a_record() -> None:
    person = "<person><name><first>a</first><last>b</last></name></person>"
    assert record_path(f"<r>{person * 3}</r>") == "r/person"


def test_a_row_of_oracle_is_a_record_even_where_there_is_only_one() -> None:
    assert record_path("<AbcVO><AbcVORow><A>1</A><B>2</B></AbcVORow></AbcVO>") == "AbcVO/AbcVORow"


def test_without_a_candidate_the_whole_document_is_one_record() -> None:
    assert record_path("<config><name>x</name><port>1</port></config>") == "config"
    assert record_path("<r><row>1</row><row>2</row></r>") == "r"


def test_no_candidate_with_half_of_the_values_makes_the_document_the_record() -> None:
    names = "abc"
    assert record_path("<r>" + "".join(rows(name, 2) for name in names) + "</r>") == "r"


def test_two_halves_give_the_first_one() -> None:
    assert record_path(f"<r>{rows('a', 2)}{rows('b', 2)}</r>") == "r/a"


def test_candidates_say_their_share_and_their_fields() -> None:
    found = made(f"<r>{rows('a', 3)}{rows('b', 1)}</r>").flattened.candidates
    assert [(one.path, one.count, one.fields, one.share) for one in found] == [("r/a", 3, 2, 0.75)]


def test_what_is_inside_mixed_content_is_no_candidate() -> None:
    prose = "<p>see <a href='x' title='y'>that</a> and <a href='z' title='w'>this</a></p>"
    assert record_path(f"<r>{prose * 3}</r>") == "r"


def test_an_empty_document_has_its_root_for_a_record() -> None:
    one = made("<empty/>")
    assert one.flattened.record_path == "empty"
    assert one.main == [{"empty": ""}]


def test_the_record_path_can_be_given() -> None:
    body = f"<r>{rows('a', 2)}<deep>{rows('b', 20)}</deep></r>"
    assert made(body, path="r/a").flattened.record_path == "r/a"
    assert made(body, path="/r/a/").flattened.record_path == "r/a"


def test_a_record_path_that_is_not_there_is_named_as_such() -> None:
    with pytest.raises(RecordPathMissing) as missing:
        made("<r><a>1</a></r>", path="r/b")
    assert isinstance(missing.value, RetError)
    assert missing.value.code == "RECORD_PATH_MISSING"
    assert "record path" in missing.value.detail


def test_a_container_with_more_in_it_than_can_wait_stays_a_container() -> None:
    # Attributes alone are no sign of records; the size is.
    body = "<r>stray" + "".join(f'<i id="{n}" k="v"/>' for n in range(50)) + "</r>"
    assert list(made(body).rows) == ["r"]
    many = made("<r>stray" + "".join(f'<i id="{n}" k="v"/>' for n in range(20_001)) + "</r>")
    assert many.flattened.record_path == "r/i"
    assert many.rows["_document"] == [{"#text": "stray"}]
