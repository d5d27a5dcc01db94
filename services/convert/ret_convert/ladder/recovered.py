"""The third rung: libxml2 reads on behind what is wrong. What it makes of a document is measured before it is believed.

It is given the tolerant reading's tokens, so that nothing but the tags is left to be wrong: text in UTF-8, no document
type, no entities, nothing that could lead outside or grow. Prefixes stay as they are written: it sees no namespaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ret_convert.errors import DocumentFailed
from ret_convert.flatten import Progress
from ret_convert.ladder.events import Handler
from ret_convert.ladder.reading import STEP, Reading
from ret_convert.ladder.references import REFERENCE
from ret_convert.ladder.repaired import ATTRIBUTE, TEXT
from ret_convert.ladder.survey import Measure, Survey, missing
from ret_convert.ladder.tags import is_name
from ret_convert.ladder.tokens import Kind

etree: Any = import_module("lxml.etree")  # it comes without types
ENOUGH = 0.9
"""The share of the text that must stand where it was written."""
COLON, DEFAULT = "\u203f", "\u2040"
"""Characters of names that stand for a colon, and behind xmlns, while libxml2 reads."""
LOOSE = re.compile(r"&(?!(?:amp|lt|gt|quot|#\d+);)")
DECLARES = re.compile(r"\bxmlns(?=[ \t\n]*=)")


class Unfit(DocumentFailed):
    """What libxml2 makes of the document is not good enough."""

    code = "XML_MALFORMED"

    @property
    def detail(self) -> str:
        return "Too little of the document survives its recovery."


class Recovered:
    """A document as libxml2 recovers it; `share` of its text stands where it was written. Unfit if that is too little.

    Text counts as surviving under the element and attribute it was written in; next to no guess may any be gone.
    """

    def __init__(self, survey: Survey, progress: Progress) -> None:
        self._survey = survey
        if survey.wrapped:
            raise Unfit
        measure = Measure()
        for done in self.drive(measure):
            progress(done)
        gone = missing(survey.measure.all, measure.all)
        self.share = 1 - gone / survey.measure.size if gone else 1.0
        if self.share < ENOUGH or missing(survey.measure.sure, measure.sure):
            raise Unfit

    def drive(self, handler: Handler) -> Iterator[int]:
        """Tell a handler everything."""
        target = _Target(handler)
        parser = etree.XMLParser(
            target=target, recover=True, huge_tree=True, resolve_entities="internal", no_network=True, load_dtd=False
        )
        reading = Reading(self._survey.document)
        try:
            for done, source in _sources(reading):
                parser.feed(source)
                yield done
            parser.close()
        except etree.LxmlError as error:
            raise Unfit from error
        target.finish()


def _sources(reading: Reading) -> Iterator[tuple[int, str]]:
    """The document for libxml2, piece for piece, with the bytes that are done."""
    parts: list[str] = []
    for number, token in enumerate(reading.tokens, 1):
        if token.kind is Kind.TEXT:
            parts.append(reading.references.resolved(token.text).translate(TEXT))
        elif token.kind is Kind.RAW:
            parts.append(token.text.translate(TEXT))
        elif token.kind is Kind.DOCTYPE:
            reading.references.declare(token.text)
        elif token.kind is not Kind.NOTHING:
            parts.append(_tag(reading, reading.tokens.source_of(token)))
        if not number % STEP:
            yield reading.read, "".join(parts)
            parts.clear()
    yield reading.read, "".join(parts)


def _tag(reading: Reading, source: str) -> str:
    """A tag as it is written, without what needs more than the tag to be understood."""
    if "&" in source:
        source = REFERENCE.sub(lambda one: reading.references.resolved(one[0]).translate(ATTRIBUTE), source)
        source = LOOSE.sub("&amp;", source)
    if COLON in source or DEFAULT in source:
        raise Unfit
    return DECLARES.sub(f"xmlns{DEFAULT}", source).replace(":", COLON)


def _written(name: str) -> str:
    return name.replace(DEFAULT, "").replace(COLON, ":") if not name.isascii() else name


class _Target:
    """What lxml tells its events to."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._open: list[str] = []
        self.data = handler.text

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _written(tag)
        if not all(one.isascii() or is_name(one) for one in (name, *map(_written, attributes))):
            raise Unfit
        self._open.append(name)
        self._handler.start(name, {_written(one): _written(value) for one, value in attributes.items()})

    def end(self, _: str) -> None:
        self._handler.end(self._open.pop())

    def close(self) -> None:
        """Nothing: `finish` does it, with what libxml2 left open."""

    def finish(self) -> None:
        """The document has ended."""
        while self._open:
            self._handler.end(self._open.pop())
