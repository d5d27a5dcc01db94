"""The ladder (TABLES.md §3): every document gives a table. One rung after the other is tried until one holds.

`native` and `repaired` must keep every value, `recovered` nine tenths of the text, `salvaged` and `lines` say how much.
What is a refusal stays one: entities that grow beyond every measure, and an order for a record path that is not there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import floor
from typing import Generic, TypeVar

from ret_convert.errors import (
    CellTooLarge,
    DocumentFailed,
    EntityBomb,
    RecordPathMissing,
    TooManyLevels,
    TooManyPaths,
)
from ret_convert.flatten import (
    Batch,
    Flatten,
    Flattened,
    Flattening,
    Options,
    Progress,
    Restart,
    Source,
    Warned,
    outside_warnings,
)
from ret_convert.ladder.events import from_events
from ret_convert.ladder.lines import LinesFlattening
from ret_convert.ladder.reading import ROOT, document_of
from ret_convert.ladder.recovered import Recovered
from ret_convert.ladder.repaired import repaired
from ret_convert.ladder.salvaged import SalvagedFlattening
from ret_convert.ladder.survey import Survey, survey_of
from ret_kit.errors import RetError

log = logging.getLogger("ret.convert")

LIMITS = (CellTooLarge, TooManyLevels, TooManyPaths)
"""What no table with columns can hold."""
NATIVE, REPAIRED, RECOVERED, SALVAGED, LINES = "native", "repaired", "recovered", "salvaged", "lines"
CODES = {
    REPAIRED: "XML_REPAIRED",
    RECOVERED: "XML_RECOVERED",
    SALVAGED: "XML_SALVAGED",
    LINES: "XML_AS_LINES",
}
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Rung:
    """A way to read a document.

    `share` tells, after the last batch, how much of the text the reading has kept; `says` puts in a sentence what was
    done. With `must`, all values that were read have to be in the tables. `outside` names entities that lead outside.
    """

    method: str
    flattening: Callable[[], Flattening]
    share: Callable[[], float] = lambda: 1.0
    says: Callable[[float], str] = lambda _: ""
    must: bool = False
    outside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Landed(Generic[Kept]):
    """What a document became, by which rung; `fidelity` is the share of its text that is kept, 0 to 1."""

    method: str
    flattened: Flattened
    fidelity: float
    warnings: list[Warned]
    kept: Kept


@dataclass(frozen=True)
class Keeping(Generic[Kept]):
    """What becomes of batches: `keep` takes all of a rung, `discard` removes what was kept of one that did not hold."""

    keep: Callable[[Iterator[Batch | Restart]], Kept]
    discard: Callable[[], object]


@dataclass(kw_only=True)
class Unkept(DocumentFailed):
    """Values of the document are not in the tables. It holds `lost` of `values`."""

    lost: int
    values: int
    code = "VALUES_LOST"

    @property
    def detail(self) -> str:
        return f"{self.lost} of {self.values} values are not in the tables."


def climb(rungs: Iterator[Rung], keeping: Keeping[Kept], document_id: str) -> Landed[Kept]:
    """What the first rung that holds makes of a document; of the others nothing stays.

    EntityBomb and RecordPathMissing are refusals, errors of the store are of no document; all others end with the last
    rung.
    """
    why: Exception | None = None
    for rung in rungs:
        if isinstance(why, LIMITS) and rung.method != LINES:
            continue  # the same limit holds on every rung that makes columns
        try:
            return _tried(rung, keeping, why, document_id)
        except (EntityBomb, RecordPathMissing):
            keeping.discard()
            raise
        except DocumentFailed as error:
            why = why or error
        except RetError:
            raise
        except Exception as error:
            # A fault of ours must not cost a document its table.
            log.exception("reading a document failed", extra={"document_id": document_id, "method": rung.method})
            why = why or error
        keeping.discard()
    raise why or RuntimeError("there was no rung")


def _tried(rung: Rung, keeping: Keeping[Kept], why: Exception | None, document_id: str) -> Landed[Kept]:
    """One rung. Unkept when it must keep every value and does not."""
    flattening = rung.flattening()
    batches = flattening.batches()
    kept = keeping.keep(batches if rung.method == NATIVE else _unplaced(batches))
    flattened = flattening.result()
    fidelity = min(flattened.fidelity, rung.share())
    warnings: list[Warned] = []
    if why is not None:
        warnings.append(Warned(CODES[rung.method], f"{_reason(why)} {rung.says(fidelity)}"))
    warnings += [*outside_warnings(rung.outside, len(rung.outside)), *flattened.warnings]
    if not flattened.conserved:
        unkept = _unkept(flattened, rung.method, document_id)
        if rung.must:
            raise unkept
        warnings.append(Warned(unkept.code, unkept.detail))
    return Landed(rung.method, flattened, fidelity, warnings, kept)


def _unplaced(batches: Iterator[Batch | Restart]) -> Iterator[Batch | Restart]:
    """The batches without places in the document: what was read is not what is stored."""
    for batch in batches:
        yield Batch(batch.table, batch.columns) if isinstance(batch, Batch) else batch


def _reason(why: Exception) -> str:
    if isinstance(why, DocumentFailed):
        return why.detail
    return f"Reading it failed with an error of ours ({type(why).__name__})."


def _unkept(flattened: Flattened, method: str, document_id: str) -> Unkept:
    """The confession, and the entry in our own log: that values which were read got lost is an error of ours."""
    log.error(
        "values of a document were not conserved",
        extra={
            "document_id": document_id,
            "method": method,
            "values": flattened.values.count,
            "written": flattened.written.count,
            "values_hash": flattened.values.hex,
            "written_hash": flattened.written.hex,
        },
    )
    return Unkept(lost=max(flattened.values.count - flattened.written.count, 1), values=flattened.values.count)


def xml_rungs(source: Source, options: Options, progress: Progress, native: Flatten) -> Iterator[Rung]:
    """The rungs for XML, worked out only as far as they are asked for."""
    yield Rung(NATIVE, lambda: native(source, options, progress), must=True)
    survey = _survey(source, progress)
    if survey is not None and survey.is_markup:
        inner = options
        if survey.wrapped and options.record_path and not options.record_path.strip("/").startswith(f"{ROOT}/"):
            inner = replace(options, record_path=f"{ROOT}/{options.record_path.strip('/')}")
        if not survey.guesses:
            yield Rung(
                REPAIRED,
                lambda: native(repaired(survey), inner, progress),
                lambda: survey.kept,
                lambda _: f"Mended: {survey.told()}.",
                must=True,
                outside=survey.outside,
            )
        recovery = _Recovery(survey, inner, progress)
        yield Rung(
            RECOVERED,
            recovery.flattening,
            lambda: recovery.share,
            lambda share: f"Recovered: {percent(share)} of its text stands where it was written.",
            must=True,
            outside=survey.outside,
        )
        yield Rung(
            SALVAGED,
            lambda: SalvagedFlattening(survey, inner, progress),
            lambda: survey.kept,
            lambda share: f"{percent(share)} of its text was read; guessed: {survey.told()}. See the table _errors.",
            outside=survey.outside,
        )
    yield lines_rung(source, options, progress)


def text_rungs(source: Source, options: Options, progress: Progress, reader: Flatten) -> Iterator[Rung]:
    """The rungs for documents that are no XML: their reader, and lines."""
    yield Rung(NATIVE, lambda: reader(source, options, progress))
    yield lines_rung(source, options, progress)


def lines_rung(source: Source, options: Options, progress: Progress) -> Rung:
    """The last rung."""
    lines = LinesFlattening(source, options, progress)
    return Rung(LINES, lambda: lines, lambda: lines.kept, lambda _: "It is given line by line.")


def _survey(source: Source, progress: Progress) -> Survey | None:
    """The survey of a document; None when making it failed."""
    try:
        return survey_of(document_of(source), progress)
    except RetError:
        raise
    except Exception:
        log.exception("a document could not be surveyed")
        return None


class _Recovery:
    """The third rung; `share` is known once there is a flattening."""

    def __init__(self, survey: Survey, options: Options, progress: Progress) -> None:
        self.share = 0.0
        self._survey = survey
        self._options = options
        self._progress = progress

    def flattening(self) -> Flattening:
        recovered = Recovered(self._survey, self._progress)
        self.share = min(recovered.share, self._survey.kept)
        return from_events(recovered.drive, self._options, self._progress)


def percent(share: float) -> str:
    """A share in per cent, 100 only if it is all."""
    return f"{floor(share * 1000) / 10:g} %"


def rising(progress: Progress, size: int) -> Progress:
    """Progress over all rungs: each begins anew, and what it reads may be longer than the document."""
    most = 0

    def told(done: int) -> None:
        nonlocal most
        most = max(most, min(done, size))
        progress(most)

    return told
