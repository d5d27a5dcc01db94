from __future__ import annotations

from ingest_bench import GOOD, Bench, User, packed


async def test_an_upload_becomes_a_collection_with_groups(user: User) -> None:
    inner = packed({"x.xml": GOOD, "readme.txt": b"hello"})
    collection = await user.scanned(packed({"FY_a/1.xml": GOOD, "GL_x.zip": inner}), "Export.zip")
    assert collection.status == "ready"
    assert collection.documents == 2
    assert {group.name: group.documents for group in collection.groups} == {"FY": 1, "GL": 1}
    assert collection.stats.max_depth == 2
    assert collection.stats.other_files == 1
    assert await user.tree(collection.id) == [
        (0, "zip", ""),
        (1, "folder", "FY_a"),
        (2, "document", "FY_a/1.xml"),
        (1, "zip", "GL_x.zip"),
        (2, "document", "GL_x.zip/x.xml"),
        (2, "other", "GL_x.zip/readme.txt"),
    ]


async def test_after_the_scan_the_upload_itself_is_gone(bench: Bench, user: User) -> None:
    await user.scanned(packed({"a.xml": GOOD}))
    assert not [key for key in await bench.blobs() if "/collections/" in key or "inventory" in key]
