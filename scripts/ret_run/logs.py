"""Lines of the programs: into a file each, and all of them to standard output."""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

ROTATE_AT = 20 * 1024 * 1024  # bytes of a log file before it is put aside; one earlier file is kept
LONGEST_LINE = 64 * 1024  # bytes; a longer line is cut there
KEPT_LINES = 20  # of each program, to be shown when it does not start


class Output:
    """Standard output written by a thread of its own.

    Whoever started us may have stopped reading: then lines are dropped here and nothing waits; the files have them all.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(maxsize=10_000)
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def line(self, text: str) -> None:
        """Takes a line to be printed soon, or drops it when thousands are waiting."""
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            return

    def close(self) -> None:
        """Prints what is waiting, as long as somebody reads; gives up after two seconds."""
        self.line("")
        try:
            self._lines.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(2)

    def _write(self) -> None:
        while (text := self._lines.get()) is not None:
            try:
                if text:
                    self._stream.write(text + "\n")
                if self._lines.empty():
                    self._stream.flush()
            except (OSError, ValueError):  # the reader is gone; the files are still written
                return


def now() -> str:
    """The time in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_json(service: str, line: str) -> str:
    """A line as one JSON object: as it is when it is one already, else wrapped."""
    if line.startswith("{") and line.endswith("}"):
        return line
    words = {"time": now(), "level": "INFO", "service": service, "logger": "ret.run", "message": line}
    return json.dumps(words, ensure_ascii=False)


class Log:
    """The lines of one program."""

    def __init__(self, name: str, folder: Path, output: Output | None, *, json_lines: bool) -> None:
        self._name = name
        self._path = folder / f"{name}.log"
        self._output = output
        self._json = json_lines
        self._file = self._path.open("a", encoding="utf-8")
        self.last: deque[str] = deque(maxlen=KEPT_LINES)

    def write(self, raw: bytes) -> None:
        """Takes one line without its end."""
        text = raw[:LONGEST_LINE].decode("utf-8", errors="replace").rstrip("\r")
        if not text:
            return
        self.last.append(text)
        line = as_json(self._name, text) if self._json else f"{self._name:>14} | {text}"
        self._file.write(line + "\n")
        self._file.flush()
        if self._file.tell() > ROTATE_AT:
            self._file.close()
            self._path.replace(self._path.with_suffix(".log.1"))
            self._file = self._path.open("a", encoding="utf-8")
        if self._output is not None:
            self._output.line(line)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def complain(text: str) -> None:
    """A line for a person about what went wrong."""
    print(text, file=sys.stderr, flush=True)
