"""A mutator: two tables, and exactly what was done to make one out of the other."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from planted_shapes import SPARE, Cell, Row, Shape, Table

TRIES = 60
"""Of an operation whose outcome could as well have come from another one."""
ADDED = "Added in B"


@dataclass(frozen=True)
class Plan:
    """What is done: fractions of the rows, and whether the columns are touched."""

    edits: float = 0.0
    deletes: float = 0.0
    inserts: float = 0.0
    copies: float = 0.0
    moves: float = 0.0
    shuffled: bool = False
    renumbered: bool = False
    columns: bool = False
    """One column renamed, one added, one removed."""


EDITS = Plan(edits=0.02, renumbered=True)
ROWS = Plan(edits=0.01, deletes=0.01, inserts=0.01, copies=0.005, moves=0.01)
EVERYTHING = Plan(0.01, 0.01, 0.01, 0.005, 0.01, renumbered=True, columns=True)
SHUFFLED = Plan(0.01, 0.01, 0.01, shuffled=True, renumbered=True)


@dataclass(frozen=True)
class Planted:
    """Both tables and the truth: pairs of rows, cells changed in them (row of A, name in A), names by name in A.

    `told` are the columns of A, all of them in both sides, that say what a row is: rows that are equal in them are
    interchangeable. `parents` gives, for child rows, the one id of a parent for its ids in A and in B.
    """

    shape: Shape
    a: Table
    b: Table
    pairs: tuple[tuple[int, int], ...]
    cells: frozenset[tuple[int, str]]
    names: dict[str, str]
    told: tuple[str, ...]
    moves: int
    parents: tuple[list[int], list[int]] | None = None


@dataclass
class Line:
    """A row of B in the making: where it comes from, and its cells as A names them."""

    source: int | None
    cells: Row


@dataclass
class Script:
    """What is done to the rows of A, one operation at a time."""

    shape: Shape
    plan: Plan
    rng: random.Random
    rows: list[Row]
    spare: list[Row]
    told: tuple[int, ...]

    def __post_init__(self) -> None:
        self.edited: dict[int, Row] = {}
        self.deleted: set[int] = set()
        self.new: list[Row] = []
        self.cells: set[tuple[int, str]] = set()
        self._lost: Counter[Row] = Counter()
        self._gained: Counter[Row] = Counter()
        self._pairs: list[tuple[Row, Row]] = []

    def run(self) -> None:
        """Edits, deletions, insertions and copies; an operation that could be mistaken for another is left out."""
        count = len(self.rows)
        for _ in range(round(count * self.plan.edits)):
            any(self._edit(self._untouched()) for _ in range(TRIES))
        deletes, inserts = (round(count * share) for share in (self.plan.deletes, self.plan.inserts))
        for at in range(max(deletes, inserts)):  # in turn, because each makes the other harder where rows are alike
            any(self._insert(self.spare.pop()) for _ in range(TRIES) if self.spare and at < inserts)
            any(self._delete(self._untouched()) for _ in range(TRIES) if at < deletes)
        for _ in range(round(count * self.plan.copies)):
            any(self._insert(self.rows[self._untouched()]) for _ in range(TRIES))

    def _untouched(self) -> int:
        while True:
            at = self.rng.randrange(len(self.rows))
            if at not in self.edited and at not in self.deleted:
                return at

    def _known(self, row: Row) -> Row:
        return tuple(row[at] for at in self.told)

    def _edit(self, at: int) -> bool:
        old = self.rows[at]
        names = self.rng.sample(sorted(self.shape.changes), 1 if self.shape.vague else self.rng.choice((1, 1, 2)))
        new = list(old)
        for name in names:
            place = self.shape.names.index(name)
            new[place] = self.shape.changes[name](self.rng, old[place])
        names = [name for name in names if new[self.shape.names.index(name)] != old[self.shape.names.index(name)]]
        x, y = self._known(old), self._known(tuple(new))
        if not names or x in self._gained or y in self._lost or not self._telling(x, y):
            return False
        self.edited[at] = tuple(new)
        self.cells |= {(at, name) for name in names}
        self._lost[x] += 1
        self._gained[y] += 1
        self._pairs.append((x, y))
        return True

    def _telling(self, x: Row, y: Row) -> bool:
        """Whether a vague pair is nearer to each other than to any other row that was touched, and those stay so."""
        if not self.shape.vague:
            return True
        near = distance(x, y)
        return all(
            distance(p, y) > max(near, distance(p, q)) and distance(x, q) > max(near, distance(p, q))
            for p, q in self._pairs
            if (p, q) != (x, y)
        )

    def _delete(self, at: int) -> bool:
        x = self._known(self.rows[at])
        if x in self._gained or (self.shape.vague and not self._apart((x, None))):
            return False
        self.deleted.add(at)
        self._lost[x] += 1
        return True

    def _insert(self, row: Row) -> bool:
        y = self._known(row)
        if y in self._lost or (self.shape.vague and not self._apart((None, y))):
            return False
        self.new.append(row)
        self._gained[y] += 1
        return True

    def _apart(self, one: tuple[Row | None, Row | None]) -> bool:
        """Whether a row that is gone or new is further from the ends of every edit than they are from each other, and
        shares less than a third of its cells with every row that is new or gone."""
        x, y = one
        if any((x and distance(x, q) <= 1 + distance(p, q)) or (y and distance(p, y) <= 1 + distance(p, q))
               for p, q in self._pairs):  # fmt: skip
            return False
        if x:
            return all(3 * distance(x, q) > 2 * len(x) for q in self._gained - Counter(q for _, q in self._pairs))
        return not y or all(3 * distance(p, y) > 2 * len(y) for p in self._lost - Counter(p for p, _ in self._pairs))


def distance(x: Sequence[Cell], y: Sequence[Cell]) -> int:
    """The number of cells in which they differ."""
    return sum(p != q for p, q in zip(x, y, strict=True))


def planted(shape: Shape, rows: int, seed: int, plan: Plan = EVERYTHING) -> Planted:
    """Two tables of a shape; the same on every run."""
    rng = random.Random(f"{shape.name}/{rows}/{seed}")
    kept, spare = reserved(shape, rng, rows, plan)
    told = tuple(
        at
        for at, name in enumerate(shape.names)
        if name not in shape.ids and not (plan.columns and name == SPARE)
    )  # fmt: skip
    script = Script(shape, plan, rng, kept, spare, told)
    script.run()
    lines = [Line(at, script.edited.get(at, row)) for at, row in enumerate(kept) if at not in script.deleted]
    for row in script.new:
        lines.insert(rng.randrange(len(lines) + 1), Line(None, row))
    moves = moved(lines, rng, plan, rows)
    parents = adopted(kept, lines, rng) if shape.links else None
    renumber(shape, lines, rng, anew=plan.renumbered)
    renamed = {rng.choice(shape.renames): "Renamed in B"} if plan.columns else {}
    names = {
        name: renamed.get(name, name) for name in shape.names if not (plan.columns and name == SPARE)
    }  # fmt: skip
    return Planted(
        shape,
        Table(shape.names, tuple(kept), frozenset(shape.links)),
        side_b(shape, lines, names, rng, plan),
        tuple((line.source, at) for at, line in enumerate(lines) if line.source is not None),
        frozenset(script.cells),
        names,
        tuple(shape.names[at] for at in told),
        moves,
        parents,
    )


def reserved(shape: Shape, rng: random.Random, rows: int, plan: Plan) -> tuple[list[Row], list[Row]]:
    """The rows of A, and rows of the same kind that are not among them."""
    extra = round(rows * plan.inserts) * (20 if shape.vague else 1) + 1
    made = shape.make(rng, rows + extra)
    left_out = set(rng.sample(range(len(made)), extra))
    kept = [row for at, row in enumerate(made) if at not in left_out]
    return kept, [row for at, row in enumerate(made) if at in left_out]


def moved(lines: list[Line], rng: random.Random, plan: Plan, rows: int) -> int:
    """Take some rows elsewhere, or all; the number of rows that were taken."""
    if plan.shuffled:
        rng.shuffle(lines)
        return len(lines)
    count = round(rows * plan.moves)
    for _ in range(count):
        lines.insert(rng.randrange(len(lines)), lines.pop(rng.randrange(len(lines))))
    return count


def renumber(shape: Shape, lines: Iterable[Line], rng: random.Random, *, anew: bool) -> None:
    """Ids as a generator gives them on another day: others, or counted from a little after where those of A begin.

    Links are not numbered here.
    """
    lines = list(lines)
    for name in shape.ids if anew and not shape.links else ():
        at = shape.names.index(name)
        least = min(int(line.cells[at] or 0) for line in lines)
        counts = all(int(line.cells[at] or 0) < least + 2 * len(lines) for line in lines)
        for number, line in enumerate(lines):
            made = least + 7 + number if counts else 4 * 10**14 + rng.randrange(10**11)
            line.cells = (*line.cells[:at], str(made), *line.cells[at + 1 :])


def adopted(kept: list[Row], lines: list[Line], rng: random.Random) -> tuple[list[int], list[int]]:
    """Fill in the links of both sides: the parents stand in another order in B, so that their ids are other ones.

    The one id of each parent by its id in A, and by its id in B.
    """
    known = sorted({int(row[1] or 0) for row in [*kept, *(line.cells for line in lines)]})
    order = known[:]
    rng.shuffle(order)
    in_a, in_b = ({parent: at for at, parent in enumerate(side, 1)} for side in (known, order))
    kept[:] = [(str(at), str(in_a[int(row[1] or 0)]), "1", *row[3:]) for at, row in enumerate(kept, 1)]
    for at, line in enumerate(lines, 1):
        line.cells = (str(at), str(in_b[int(line.cells[1] or 0)]), "1", *line.cells[3:])
    return [0, *known], [0, *order]


def side_b(shape: Shape, lines: Sequence[Line], names: dict[str, str], rng: random.Random, plan: Plan) -> Table:
    """The rows of B under its names."""
    places = [shape.names.index(name) for name in names]
    written = [*names.values()]
    extra = rng.randrange(len(written) + 1) if plan.columns else None
    rows: list[Row] = []
    for line in lines:
        cells = [line.cells[at] for at in places]
        if extra is not None:
            cells.insert(extra, f"added {rng.randrange(9)}")
        rows.append(tuple(cells))
    if extra is not None:
        written.insert(extra, ADDED)
    return Table(tuple(written), tuple(rows), frozenset(shape.links))
