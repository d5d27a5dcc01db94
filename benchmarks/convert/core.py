"""The native core beside a bare expat parse, shape for shape: `python -m benchmarks.convert.core [megabytes]`.

"core" is everything up to Arrow batches on one core: learning, filling, the document's side of the conservation.
"stored" is with the tables' side and Parquet beside it. Ratios are to `ParseFile` without handlers on the same bytes;
every figure is the median of five, and what is compared takes turns.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.parsers import expat

from benchmarks.convert.documents import SHAPES, write
from ret_convert._core import Core
from ret_convert.layout import Options
from ret_convert.native import FLUSH, PREFIX, lay_out
from ret_convert.tables import store
from ret_convert.xml import FEED, xml_flatten
from ret_kit.blobs import Blobs

ROUNDS = 5


def seconds(works: Sequence[Callable[[], object]], rounds: int = ROUNDS) -> list[float]:
    """The median time of each, measured in turns."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for at, work in enumerate(works):
            start = time.perf_counter()
            work()
            times[at].append(time.perf_counter() - start)
    return [statistics.median(one) for one in times]


def bare(path: Path) -> None:
    """The least any reader of XML must do."""
    with path.open("rb") as file:
        expat.ParserCreate().ParseFile(file)


def core(path: Path) -> int:
    """The core alone, in this thread: batches are made and dropped. How many rows there were."""
    made, rows = Core(), 0
    made.restart(None, 0)
    made.open(None, None, plain=True)
    with path.open("rb") as file:
        for _ in range(PREFIX // FEED):
            made.feed(file.read(FEED), last=False)
    laid = lay_out(made.paths(), Options())
    made.restart(laid.rows, 100_000)
    made.open(None, None, plain=True)
    with path.open("rb") as file:
        while piece := file.read(FEED):
            made.feed(piece, last=False)
            for at, plan in enumerate(laid.plans):
                if made.held(at)[1] > FLUSH:
                    rows += made.take(at, plan.links, plan.parent is not None)[0]
    if not made.feed(b"", last=True) or made.dirty:
        raise RuntimeError("the layout of the beginning did not hold")
    return rows + sum(made.take(at, plan.links, plan.parent is not None)[0] for at, plan in enumerate(laid.plans))


def stored(path: Path, folder: Path) -> None:
    """Flattened, counted on both sides, and stored as Parquet."""
    flattening = xml_flatten(lambda: path.open("rb"), Options(), lambda _: None)
    store(Blobs(folder.as_uri()), flattening.batches(), "t/")
    if not flattening.result().conserved:
        raise RuntimeError("values were lost")


def others(path: Path) -> dict[str, Callable[[], Any]]:
    """What else reads such documents, as far as it is installed."""
    found: dict[str, Callable[[], Any]] = {}
    if pandas := installed("pandas"):
        found["pandas.read_xml"] = lambda: pandas.read_xml(path, xpath="/Rows/InvoiceVORow")
        # What its manual recommends for large documents.
        found["pandas.read_xml, iterparse"] = lambda: pandas.read_xml(path, iterparse={"InvoiceVORow": list(FIELDS)})
    if etree := installed("lxml.etree"):
        found["lxml.iterparse + dicts"] = lambda: dicts(etree, path)
    if xml2arrow := installed("xml2arrow"):
        config = path.with_suffix(".yaml")
        config.write_text(CONFIG)
        found["xml2arrow, configured by hand"] = lambda: xml2arrow.XmlToArrowParser(config).parse(path)
    return found


def installed(module: str) -> Any:
    """A module that is measured where it is there."""
    try:
        return importlib.import_module(module)
    except ImportError:
        print(f"{module} is not installed, and not measured")
        return None


def dicts(etree: Any, path: Path) -> list[dict[str, str | None]]:
    """The records by lxml, as one would write it."""
    rows: list[dict[str, str | None]] = []
    for _, row in etree.iterparse(str(path), tag="InvoiceVORow"):
        rows.append({child.tag: child.text for child in row})
        row.clear()
    return rows


FIELDS = ("Number", "ObjectId", "Code", "Currency", "Amount", "Enabled", "Start", "Description")
CONFIG = "tables:\n- name: invoices\n  xml_path: /Rows\n  levels: []\n  fields:\n" + "".join(
    f"  - name: {name}\n    xml_path: /Rows/InvoiceVORow/{name}\n    data_type: Utf8\n    nullable: true\n"
    for name in FIELDS
)


def main() -> None:
    """Print the figures."""
    megabytes = next((float(word) for word in sys.argv[1:] if word.replace(".", "").isdigit()), 100.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "document.xml"
        print(f"{'shape':16} {'bare expat':>14} {'core':>6} {'stored':>7}   (times the speed of bare expat)")
        for shape in SHAPES:
            size = write(path, shape, megabytes) / 1e6
            floor, alone, whole = seconds([lambda: bare(path), lambda: core(path), lambda: stored(path, folder / "b")])
            print(f"{shape:16} {size / floor:9.0f} MB/s {floor / alone:6.2f} {floor / whole:7.2f}", flush=True)
        write(path, "record-shaped", megabytes)
        peers = others(path)
        floor, ours, *theirs = seconds([lambda: bare(path), lambda: core(path), *peers.values()], 3)
        for peer, took in zip(peers, theirs, strict=True):
            print(f"{peer} takes {took:.2f} s, {took / ours:.1f} times as long as the core")


if __name__ == "__main__":
    main()
