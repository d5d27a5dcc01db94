"""Documents that are not read by expat: their events into the tables of any other document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from ret_convert.blocks import plan
from ret_convert.build import Batch, Builder
from ret_convert.conservation import Tally
from ret_convert.flatten import FLUSH, Flattened, Progress, Warned
from ret_convert.layout import Options
from ret_convert.shape import Learner, Shape, candidates


class Handler(Protocol):
    """What hears of a document: names and attributes are as they are written, text comes in pieces of any size.

    Names are what expat takes for names, no element has an attribute twice, and there is exactly one root.
    """

    def start(self, name: str, attributes: dict[str, str], /) -> object: ...
    def end(self, name: str, /) -> object: ...
    @property
    def text(self) -> Callable[[str], object]: ...


class Drive(Protocol):
    """A reading of a document: tells the handler everything, step by step; after each step the bytes that are done.

    It begins with the document's beginning each time, and tells the same each time.
    """

    def __call__(self, handler: Handler, /) -> Iterator[int]: ...


class EventFlattening:
    """Two drives: one learns the shape and counts the values, one fills the rows."""

    def __init__(self, drive: Drive, options: Options, progress: Progress) -> None:
        self._drive = drive
        self._options = options
        self._progress = progress
        self._result: Flattened | None = None

    def batches(self) -> Iterator[Batch]:
        learner = Learner()
        size = 0
        for size in self._drive(learner):
            self._progress(size // 2)
        learner.finish()
        shape = Shape(learner.top, learner.sources, learner.values, learner.too_deep, (), size)
        laid = plan(shape, self._options)
        written = shape.values.sibling()
        builder = Builder(laid, laid.top, iter(shape.sources), self._options, written)
        if laid.outside is not None and laid.outside_table is not None:
            around = Builder(laid, laid.outside, iter(shape.sources), Options(), Tally())
            for _ in self._drive(around):
                pass
            builder.first = around.rows(laid.outside_table)[0]
        flushed = 0
        for done in self._drive(builder):
            if done - flushed >= FLUSH:
                builder.flush()
                flushed = done
            yield from builder.ready
            builder.ready.clear()
            self._progress((size + done) // 2)
        builder.flush()
        yield from builder.ready
        found = [one for _, one in candidates(shape)]
        warnings = [Warned("XML_DEPTH", "Elements below level 512 were kept as source.")] if shape.too_deep else []
        self._result = Flattened(laid.tables, shape.values, written, warnings, "/".join(laid.record.steps), found)

    def result(self) -> Flattened:
        if self._result is None:
            raise RuntimeError("the batches have not all been taken")
        return self._result


def from_events(drive: Drive, options: Options, progress: Progress) -> EventFlattening:
    """Flatten what a drive tells."""
    return EventFlattening(drive, options, progress)
