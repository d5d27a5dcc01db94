"""Text as markup, tags as they are written, and what is put in place of what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat

from ret_convert.backxml.element import Element, Run
from ret_convert.backxml.errors import NotWrittenBack
from ret_convert.backxml.original import Original

FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NAME = re.compile(r"<[^\s/>]+")
ATTRIBUTE = re.compile(r"""(\s+)([^\s=/>]+)\s*=\s*("[^"]*"|'[^']*')""")
SECTION, SECTION_END = "<![CDATA[", "]]>"


@dataclass(frozen=True)
class Splice:
    """What stands between two positions becomes this text."""

    start: int
    end: int
    text: str


def allowed(text: str) -> str:
    """The text. NotWrittenBack when XML has no way to write one of its characters."""
    if FORBIDDEN.search(text):
        raise NotWrittenBack(reason="A value holds a character that XML cannot hold.")
    return text


def escaped(text: str) -> str:
    """A text as content."""
    text = allowed(text).replace("&", "&amp;").replace("<", "&lt;").replace(SECTION_END, "]]&gt;")
    return text.replace("\r", "&#13;")


def quoted(value: str, quote: str = '"') -> str:
    """An attribute's value with its quotation marks."""
    value = allowed(value).replace("&", "&amp;").replace("<", "&lt;")
    value = value.replace("\t", "&#9;").replace("\n", "&#10;").replace("\r", "&#13;")
    return quote + value.replace(quote, "&quot;" if quote == '"' else "&apos;") + quote


def markup(source: str) -> str:
    """The inside of an element. NotWrittenBack unless it is well-formed."""
    parser = expat.ParserCreate("UTF-8")
    try:
        parser.Parse(f"<_>{allowed(source)}</_>".encode(), True)  # noqa: FBT003 - the name of its argument is nothing one may use
    except expat.ExpatError as error:
        raise NotWrittenBack(reason="A cell of markup is not well-formed.") from error
    return source


def attributes_set(original: Original, element: Element, values: dict[str, str | None]) -> list[Splice]:
    """Attributes, by the names that are written, with new values; None takes one away."""
    tag = original.text(element.start, element.inside)

    def at(place: int) -> int:
        return element.start + original.size(tag[:place])

    name = NAME.match(tag)
    end = name.end() if name else 0
    found: dict[str, re.Match[str]] = {}
    while (one := ATTRIBUTE.match(tag, end)) is not None:
        found[one[2]] = one
        end = one.end()
    splices: list[Splice] = []
    for written, value in values.items():
        one = found.get(written)
        if one is None:
            if value is not None:
                splices.append(Splice(at(end), at(end), f" {written}={quoted(value)}"))
        elif value is None:
            splices.append(Splice(at(one.start()), at(one.end()), ""))
        else:
            splices.append(Splice(at(one.start(3)), at(one.end(3)), quoted(value, one[3][0])))
    return splices


def content_set(original: Original, element: Element, text: str) -> Splice:
    """All that is in an element becomes this markup."""
    if element.empty:
        return Splice(element.until - original.size("/>"), element.until, f">{text}</{element.name}>" if text else "/>")
    return Splice(element.inside, element.until, text)


def run_set(original: Original, element: Element, run: Run, value: str) -> list[Splice]:
    """A run of text becomes this value: in place of its first piece that is not blank, comments stay."""
    if not run.pieces:
        if element.empty:
            return [content_set(original, element, escaped(value))] if value else []
        at = element.until if run is element.runs[-1] else element.children[element.runs.index(run)].start
        return [Splice(at, at, escaped(value))]
    sources = [original.text(start, end) for start, end in run.pieces]
    chosen = next((at for at, source in enumerate(sources) if source.strip()), 0)
    splices: list[Splice] = []
    for at, (start, end) in enumerate(run.pieces):
        new = _like(original, sources[at], value) if at == chosen else ""
        splices.append(Splice(start, end, new))
    return splices


def _like(original: Original, source: str, value: str) -> str:
    """A value as it is written here: a section stays one where it can."""
    section = source.startswith(SECTION) and source.endswith(SECTION_END) and source.count(SECTION) == 1
    if section and value and "\r" not in value and not original.lacks(value):
        return f"{SECTION}{allowed(value).replace(SECTION_END, ']]]]><![CDATA[>')}{SECTION_END}"
    return escaped(value)


def blank_before(original: Original, element: Element) -> int:
    """Where the white space before an element begins, if there is nothing else between it and the tag before it."""
    if element.parent is None:
        return original.blank_before(element.start)
    run = element.parent.runs[element.parent.children.index(element)]
    if run.pieces and not run.text.strip() and run.pieces[-1][1] == element.start:
        return run.pieces[-1][0]
    return element.start


def space_before(original: Original, element: Element) -> str:
    """The white space itself, as it is written."""
    return original.text(blank_before(original, element), element.start)
