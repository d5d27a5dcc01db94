"""Evidence as one page that stands alone: no scripts, nothing loaded, to be read and printed; all of it is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from ret_diff.differing import Difference
from ret_diff.meta import ShownColumn
from ret_diff.model import RowStatus
from ret_diff.report import words
from ret_diff.report.changed import Changed, Open, shown, title
from ret_diff.report.order import Finding, Order, Pair, Pattern, Table

BUFFER = 1 << 18
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Whatever a reader makes of the page: it loads nothing and runs nothing."""
# Control characters as signs that can be seen; tabs and line ends are shown as they are.
SIGNS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"} | {127: "␡"}
STYLE = """
:root{color-scheme:light}
body{font:14px/20px Inter,system-ui,sans-serif;color:#161513;background:#fff;margin:24px;max-width:none}
h1{font-size:24px;line-height:32px;margin:0 0 16px}h2{font-size:18px;margin:32px 0 8px}
h3{font-size:15px;margin:24px 0 4px}
p{margin:4px 0}.faint{color:#5c5752}nav a{margin-right:16px}a{color:#006b8f}
table{border-collapse:collapse;margin:8px 0;font-size:13px;line-height:18px;font-variant-numeric:tabular-nums}
th,td{border:1px solid #e4e1dd;padding:3px 8px;text-align:left;vertical-align:top;white-space:pre-wrap;
overflow-wrap:break-word;max-width:48ch;unicode-bidi:isolate}
th{background:#f1efed;font-weight:600}td.n{text-align:right}
del,ins{display:block;text-decoration:none;padding:0 2px}
del{background:#fdecea;color:#b3261e}del::before{content:"●\u00a0"}
ins{background:#e6f3ea;color:#256b3a}ins::before{content:"◆\u00a0"}
.f del,.f ins{background:#fff4df;color:#8a5300}
tr.removed td{background:#fdecea}tr.added td{background:#e6f3ea}
tr.removed td:first-child::before{content:"●\u00a0"}tr.added td:first-child::before{content:"◆\u00a0"}
i{color:#5c5752}.wide{overflow-x:auto}
@media print{body{margin:0;font-size:10px}.wide{overflow:visible}th,td{overflow-wrap:anywhere}
thead{display:table-header-group}
tr,del,ins{break-inside:avoid}h2,h3{break-after:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""


def write(order: Order, opened: Open, give: Callable[[bytes], object]) -> None:
    """Write the page piece by piece."""
    page = _Page(give)
    pairs = words.by_class(order["pairs"])
    changed = list(words.compared(pairs))
    page.begin(f"{order['a']['name']} and {order['b']['name']}")
    _summary(page, order)
    _pairs(page, pairs, {pair["id"] for _, pair, _ in changed})
    page.add('<h2 id="changes">What changed</h2>')
    if not changed:
        page.add("<p>No row was added, removed or changed.</p>")
    begun: set[int] = set()
    for number, pair, table in changed:
        anchor = "" if number in begun else f' id="p{number}"'
        begun.add(number)
        page.add(f"<h3{anchor}>{_text(_heading(number, pair, table))}</h3>")
        _table(page, table, opened(table))
    _patterns(page, order)
    _findings(page, order["findings"], pairs)
    page.end()


class _Page:
    """The page as it is written: small pieces are put together."""

    def __init__(self, give: Callable[[bytes], object]) -> None:
        self._give = give
        self._held: list[str] = []
        self._size = 0

    def begin(self, name: str) -> None:
        self.add(
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            f"<title>Comparison of {_text(name)}</title><style>{STYLE}</style></head><body>"
        )

    def add(self, text: str) -> None:
        """Add what is HTML already."""
        self._held.append(text)
        self._size += len(text)
        if self._size >= BUFFER:
            self._flush()

    def end(self) -> None:
        self.add("</body></html>\n")
        self._flush()

    def _flush(self) -> None:
        self._give("".join(self._held).encode("utf-8", "replace"))
        self._held.clear()
        self._size = 0

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[str | int | None]]) -> None:
        """A table of texts and figures; no titles: each row begins with its own."""
        head = f"<thead><tr>{_heads(titles)}</tr></thead>" if titles else ""
        self.add(f'<div class="wide"><table>{head}<tbody>')
        for row in rows:
            self.add(f"<tr>{''.join(map(_cell, row))}</tr>")
        self.add("</tbody></table></div>")


def _text(text: str) -> str:
    """A text as HTML."""
    return escape(text.translate(SIGNS))


def _heads(titles: Iterable[str]) -> str:
    return "".join(f'<th scope="col">{_text(one)}</th>' for one in titles)


def _cell(value: str | int | None) -> str:
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{_text(value or '')}</td>"


def _value(value: str | None) -> str:
    """A cell's value; what holds nothing can be told."""
    return _text(value) if value else f"<i>{words.ABSENT if value is None else words.EMPTY}</i>"


# --- the lists ---------------------------------------------------------------------------------------------------


def _summary(page: _Page, order: Order) -> None:
    page.add("<h1>Comparison</h1>")
    page.add('<nav><a href="#pairs">Pairs</a><a href="#changes">What changed</a><a href="#patterns">Patterns</a></nav>')
    sides = zip(words.side(order["a"]), words.side(order["b"]), strict=True)
    page.table(["", "A: was", "B: now"], ([name, was, now] for (name, was), (_, now) in sides))
    page.add("<h2>How it was made</h2>")
    page.table([], words.made(order))
    page.add("<h2>Options</h2>")
    page.table([], words.options(order["options"]))
    page.add("<h2>Result</h2>")
    tallies = [(words.WHOLE, order["summary"]), *order["by_group"]]
    titles = ["Group", *(words.CLASSES[one] for one in words.STATUSES), *words.FIGURES.values()]
    page.table(titles, ([name, *words.tally(one)] for name, one in tallies))
    if order["notes"]:
        page.add("<h2>Remarks</h2>")
        page.table([], ([note["code"], note["detail"]] for note in order["notes"]))


def _pairs(page: _Page, pairs: Sequence[tuple[int, Pair]], linked: set[str]) -> None:
    page.add('<h2 id="pairs">Pairs</h2>')
    for status, name in words.CLASSES.items():
        some = [(number, pair) for number, pair in pairs if pair["status"] == status]
        if not some:
            continue
        page.add(f"<h3>{name}: {len(some):,}</h3>")
        titles = ["No.", "Group", "Was (A)", "Now (B)", "Paired by", *words.FIGURES.values(), "Reviewed", "Remarks"]
        page.add(f'<div class="wide"><table><thead><tr>{_heads(titles)}</tr></thead><tbody>')
        for number, pair in some:
            first = f'<td><a href="#p{number}">{number}</a></td>' if pair["id"] in linked else f"<td>{number}</td>"
            sure = f"{words.MATCHES.get(pair['match'], pair['match'])} ({pair['confidence']:.0%})"
            cells = [
                pair["group"],
                pair["a_path"],
                pair["b_path"],
                sure if pair["match"] else "",
                *words.figures(pair["counts"]),
                words.yes(pair["reviewed"]),
                _remarks(pair),
            ]
            page.add(f"<tr>{first}{''.join(map(_cell, cells))}</tr>")
        page.add("</tbody></table></div>")


def _remarks(pair: Pair) -> str:
    failure = [f"{pair['failure']['code']}: {pair['failure']['detail']}"] if pair["failure"] else []
    own = [f"Compared with options of its own: {words.in_short(pair['options'])}"] if pair["options"] else []
    note = [f"Note: {pair['note']}"] if pair["note"] else []
    return "\n".join([*failure, *note, *own, *(one["detail"] for one in pair["notes"])])


def _pattern(one: Pattern) -> str:
    written = words.yes(one["format_only"])
    texts = [one["table"], one["column"]]
    return (
        f"<tr>{''.join(map(_cell, texts))}<td>{_value(one['old'])}</td><td>{_value(one['new'])}</td>"
        f"{''.join(map(_cell, [one['count'], one['pairs'], written]))}</tr>"
    )


def _patterns(page: _Page, order: Order) -> None:
    page.add('<h2 id="patterns">Patterns: the same change in many rows</h2>')
    if not order["patterns"]:
        page.add("<p>There is none.</p>")
        return
    titles = ["Table", "Column", "Was", "Now", "Cells", "Pairs", "Only written differently"]
    page.add(f'<div class="wide"><table><thead><tr>{_heads(titles)}</tr></thead><tbody>')
    for one in order["patterns"]:
        page.add(_pattern(one))
    page.add("</tbody></table></div>")
    if order["patterns_total"] > len(order["patterns"]):
        total = f"{len(order['patterns']):,} of {order['patterns_total']:,}"
        page.add(f'<p class="faint">The most frequent {total}.</p>')


def _findings(page: _Page, findings: Sequence[Finding], pairs: Sequence[tuple[int, Pair]]) -> None:
    if not findings:
        return
    names = {pair["id"]: f"{number}. {pair['b_path'] or pair['a_path']}" for number, pair in pairs}
    page.add("<h2>Findings</h2>")
    for one in findings:
        page.add(f"<h3>{_text(one['detail'])}</h3><p>{one['cells']:,} cells, {one['values']:,} values</p>")
        places = ([names.get(pair, pair), table, column, cells] for pair, table, column, cells in one["places"])
        page.table(["Pair", "Table", "Column", "Cells"], places)
        if one["examples"]:
            page.add("<table><tbody>")
            for example in one["examples"]:
                page.add(_pattern(example))
            page.add("</tbody></table>")


# --- the changes -------------------------------------------------------------------------------------------------


def _table(page: _Page, table: Table, changed: Changed) -> None:
    """Every row of a table that is not the same."""
    columns = changed.columns
    places = shown(columns, table)
    page.add(f'<p class="faint">{_text(_about(table))}</p>')
    if len(places) < len(columns):
        page.add(f'<p class="faint">{len(places):,} of {len(columns):,} columns: keys and those with a change</p>')
    page.add(f'<div class="wide"><table><thead><tr>{_titles(columns, places)}</tr></thead><tbody>')
    for row in changed.rows(places):
        page.add(_row(row))
    page.add("</tbody></table></div>")


def _heading(number: int, pair: Pair, table: Table) -> str:
    was, now = pair["a_path"], pair["b_path"]
    path = now or was if was == now or not (was and now) else f"{was} → {now}"
    return f"{number}. {path}: {table['name']}"


def _about(table: Table) -> str:
    parts = [f"Key: {words.key(table)}", f"{table['a_rows']:,} rows in A, {table['b_rows']:,} in B"]
    for name, columns in (("added", table["columns_added"]), ("removed", table["columns_removed"])):
        if columns:
            parts.append(f"columns {name}: {', '.join(columns)}")
    if table["columns_renamed"]:
        parts.append(f"columns renamed: {words.renames(table)}")
    return "; ".join([*parts, *(note["detail"] for note in table["notes"])])


def _titles(columns: Sequence[ShownColumn], places: Sequence[int]) -> str:
    return _heads(["What", "Row in A", "Row in B", *(title(columns[at]) for at in places)])


def _row(row: Difference) -> str:
    what = row.status.name.lower()
    numbers = "".join(f'<td class="n">{number or ""}</td>' for number in (row.a_row, row.b_row))
    if row.status is not RowStatus.CHANGED:
        values = row.a if row.b is None else row.b
        cells = "".join("<td></td>" if value is None else f"<td>{_text(value)}</td>" for value in values or ())
    else:
        changed, written = frozenset(row.changed), frozenset(row.format_only)
        both = zip(row.a or (), row.b or (), strict=True)
        cells = "".join(
            _both(was, now, only_written=at in written) if at in changed else _calm(was, now)
            for at, (was, now) in enumerate(both)
        )
    return f'<tr class="{what}"><td>{what}</td>{numbers}{cells}</tr>'


def _both(was: str | None, now: str | None, *, only_written: bool) -> str:
    mark = ' class="f"' if only_written else ""
    return f"<td{mark}><del>{_value(was)}</del><ins>{_value(now)}</ins></td>"


def _calm(was: str | None, now: str | None) -> str:
    """A cell that did not change, or in which nobody looks at the difference."""
    return f"<td>{_text(was or '')}</td>" if was == now else f"<td>{_value(was)}<br>{_value(now)}</td>"
