"""Forms in pieces of any size, and forms that are none."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ret_gateway.multipart import (
    CHUNK,
    Event,
    FileChunk,
    FileStart,
    FormField,
    FormReader,
    MalformedForm,
    UploadTooLarge,
    meant_filename,
)
from ret_kit.errors import Invalid, RetError

TYPE = "multipart/form-data; boundary=limit"
FIELDS = ("name", "grouping")


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"' if filename is not None else ""
    return f'--limit\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--limit--\r\n"


def read(body: bytes, piece: int = 65536, limit: int = 1 << 30) -> list[Event]:
    reader = FormReader(TYPE, FIELDS, limit)
    events = [event for at in range(0, len(body), piece) for event in reader.feed(body[at : at + piece])]
    return [*events, *reader.end()]


def content_of(events: list[Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, FileChunk))


@example(content=b"-", piece=1)  # as a boundary goes on
@given(content=st.binary(max_size=3000), piece=st.integers(1, 700))
def test_a_file_comes_through_whatever_the_pieces(content: bytes, piece: int) -> None:
    events = read(form(part("name", b"n"), part("file", content, "a.zip"), part("grouping", b"name")), piece)
    assert content_of(events) == content
    assert [event for event in events if not isinstance(event, FileChunk)] == [
        FormField("name", "n"),
        FileStart("a.zip"),
        FormField("grouping", "name"),
    ]


def test_content_that_looks_like_a_boundary_stays_content() -> None:
    content = b"\r\n--limi\r\n--limit\n--\r\n\r--limitless"
    assert content_of(read(form(part("file", content, "a")), 3)) == content


def test_chunks_are_as_big_as_the_wire_wants_them() -> None:
    content = secrets.token_bytes(2 * CHUNK + 17)
    chunks = [event for event in read(form(part("file", content, "a"))) if isinstance(event, FileChunk)]
    assert [len(chunk.data) for chunk in chunks] == [CHUNK, CHUNK, 17]


def test_an_empty_file_is_a_file() -> None:
    assert read(form(part("file", b"", "a.zip"))) == [FileStart("a.zip")]


@pytest.mark.parametrize(
    "sent,meant",
    [
        ("a%22b.zip", 'a"b.zip'),
        ("100%25.zip", "100%25.zip"),
        ("x%0Ay", "x\ny"),
        ("日本.zip", "日本.zip"),
        ("a;b=c.zip", "a;b=c.zip"),
    ],
)
def test_a_file_has_the_name_the_browser_meant(sent: str, meant: str) -> None:
    assert meant_filename(sent) == meant
    assert read(form(part("file", b"x", sent)))[0] == FileStart(meant)


def test_unknown_fields_are_skipped() -> None:
    assert read(form(part("other", b"x" * 1000), part("file", b"y", "a"))) == [FileStart("a"), FileChunk(b"y")]


@pytest.mark.parametrize(
    "body",
    [
        b"no form at all",
        part("file", b"cut off", "a")[:-2],
        part("file", b"no end", "a"),
        form(part("file", b"x", "a"))[:-5],
        part("file", b"x", "a") + b'--limit\r\nContent-Disposition: form-data; name="na',
    ],
    ids=["text", "inside the file", "after the file", "inside the end", "inside a header"],
)
def test_a_broken_form_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedForm):
        read(body)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=\r\nx"]
)
def test_a_form_without_a_boundary_is_malformed(content_type: str) -> None:
    with pytest.raises(MalformedForm):
        FormReader(content_type, FIELDS, 1)


@pytest.mark.parametrize(
    "body,field",
    [
        (form(part("name", b"x")), "file"),
        (form(part("file", b"a text field called file")), "file"),
        (form(part("file", b"1", "a"), part("file", b"2", "b")), "file"),
        (form(part("name", b"x" * 5000), part("file", b"1", "a")), "name"),
        (form(part("name", b"\xff\xfe"), part("file", b"1", "a")), "name"),
    ],
    ids=["no file", "no file name", "two files", "long field", "not UTF-8"],
)
def test_a_form_that_cannot_be_used_names_the_field(body: bytes, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(body)
    assert caught.value.extra()["field"] == field


def test_a_file_over_the_limit_is_refused_as_soon_as_it_is() -> None:
    reader = FormReader(TYPE, FIELDS, limit=10)
    reader.feed(part("file", b"x" * 9, "a")[:-2])
    with pytest.raises(UploadTooLarge) as caught:
        reader.feed(b"x" * 4096)
    assert caught.value.extra() == {"limit": "10"}


@pytest.mark.parametrize(
    "start", [b"--limit\r\nX-Header: ", b'--limit\r\nContent-Disposition: form-data; name="other"\r\n\r\n']
)
def test_headers_and_unknown_parts_without_end_do_not_fill_the_memory(start: bytes) -> None:
    reader = FormReader(TYPE, FIELDS, limit=1 << 30)
    reader.feed(start)
    with pytest.raises(MalformedForm):
        [reader.feed(b"x" * 65536) for _ in range(100)]


@given(st.binary(max_size=300))
def test_anything_else_is_refused_and_nothing_worse(body: bytes) -> None:
    with pytest.raises(RetError):
        read(body)


@pytest.mark.parametrize("piece", [1, 2, 3, 65536])
@pytest.mark.parametrize("content", [b"-", b"--", b"-- select", b"\r\n--limit-", b"--limit--"])
def test_a_file_behind_a_field_may_begin_as_a_boundary_goes_on(content: bytes, piece: int) -> None:
    assert content_of(read(form(part("name", b"n"), part("file", content, "a")), piece)) == content


def test_what_stands_behind_a_form_must_end_soon() -> None:
    reader = FormReader(TYPE, FIELDS, limit=10)
    reader.feed(form(part("file", b"x", "a")))
    with pytest.raises(MalformedForm):
        [reader.feed(b"x" * 100) for _ in range(20)]


@pytest.mark.parametrize("disposition", ['attachment; name="file"', "form-data", ""])
def test_a_part_that_is_none_of_a_form_is_malformed(disposition: str) -> None:
    with pytest.raises(MalformedForm):
        read(f"--limit\r\nContent-Disposition: {disposition}\r\n\r\nx\r\n--limit--\r\n".encode())
