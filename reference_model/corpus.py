"""Readers of training texts: parallel sentences in four forms, conversations and instructions in three.

Each reader yields records one by one, so a corpus of any size passes through. A name ending in ``.gz`` is unpacked.
What is not what it was said to be is a CorpusError with file and line: lines that are not UTF-8, files of unequal
length, fields that are missing. Sentences that are empty on one side are not errors; who reads them counts them.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO, cast
from xml.etree import ElementTree

from reference_model.conversation import Message, from_json
from reference_model.errors import ConversationError, CorpusError

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
CODES = ("bpt", "ept", "ph", "it", "ut")
"""TMX's elements whose content is formatting of the original file, not text."""
BROKEN = (gzip.BadGzipFile, EOFError, zlib.error)
SPEAKERS = {
    "human": "user", "user": "user", "gpt": "assistant", "chatgpt": "assistant", "assistant": "assistant",
    "system": "system",
}  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation."""

    source: str
    target: str


def open_bytes(path: Path) -> BinaryIO:
    """Return a file opened for reading, unpacked where its name ends in ``.gz``; CorpusError when it is not there."""
    try:
        return cast("BinaryIO", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}).") from None


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file without their ends; only a line feed ends a line."""
    number = 0
    with open_bytes(path) as file:
        try:
            for number, line in enumerate(file, start=1):
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise CorpusError(
                f"{path}:{number}: byte 0x{byte:02x} is not UTF-8. Convert the file, for example: "
                f"iconv -f GB18030 -t UTF-8 {path.name}"
            ) from None
        except BROKEN as error:
            raise _not_whole(path, error) from None


def _not_whole(path: Path, error: Exception) -> CorpusError:
    return CorpusError(f"{path}: is not a whole gzip file ({error}).")


def _json(text: str, path: Path, line: int = 1) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CorpusError(f"{path}:{line + error.lineno - 1}: is not JSON ({error.msg}).") from None
    except RecursionError:
        raise CorpusError(f"{path}:{line}: is JSON of too many levels.") from None


def _json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(lines(path), start=1):
        if line.strip():
            yield f"{path}:{number}", _json(line, path, number)


def _records(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the records of a JSON list or of JSON lines, each with its place."""
    if not next((line for line in lines(path) if line.strip()), "").lstrip().startswith("["):
        yield from _json_lines(path)
        return
    for number, record in enumerate(_json("\n".join(lines(path)), path), start=1):
        yield f"{path}, record {number}", record


def _line_aligned(files: Sequence[Path], languages: Sequence[str]) -> Iterator[Pair]:
    left, right = files
    for count, (one, other) in enumerate(zip_longest(lines(left), lines(right))):
        if one is None or other is None:
            counts = [sum(1 for _ in lines(path)) for path in files]
            raise CorpusError(
                f"{left} has {counts[0]} lines and {right} has {counts[1]}: they are not line-aligned "
                f"({languages[0]}-{languages[1]}); the first {count} lines have a partner."
            )
        yield Pair(one, other)


def _tab_separated(files: Sequence[Path], languages: Sequence[str]) -> Iterator[Pair]:
    for path in files:
        for number, line in enumerate(lines(path), start=1):
            fields = line.split("\t")
            if line and len(fields) < 2:
                raise CorpusError(f"{path}:{number}: no tab between {languages[0]} and {languages[1]}: {line!r:.60}.")
            if line:
                yield Pair(fields[0], fields[1])


def _translation_memory(files: Sequence[Path], languages: Sequence[str]) -> Iterator[Pair]:
    for path in files:
        found: set[str] = set()
        try:
            for texts in _units(path):
                found |= set(texts)
                sides = [_in_language(texts, language) for language in languages]
                if None not in sides:
                    yield Pair(*map(str, sides))
        except ElementTree.ParseError as error:
            raise CorpusError(f"{path}: is not well-formed TMX ({error}).") from None
        except BROKEN as error:
            raise _not_whole(path, error) from None
        missing = [language for language in languages if _in_language(dict.fromkeys(found, ""), language) is None]
        if missing:
            raise CorpusError(
                f"{path}: no text in {' or '.join(missing)}; found: {', '.join(sorted(found)) or 'none'}."
            )


def _units(path: Path) -> Iterator[dict[str, str]]:
    """Yield the texts of each unit by language; what has been read is forgotten, so that any size passes through."""
    body = None
    with open_bytes(path) as file:
        for event, element in ElementTree.iterparse(file, ("start", "end")):
            if event == "start":
                body = element if _tag(element) == "body" else body
            elif _tag(element) == "tu":
                yield dict(_variants(element))
                (element if body is None else body).clear()


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _variants(unit: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for variant in unit:
        if _tag(variant) == "tuv":
            language = variant.get(XML_LANG) or variant.get("lang") or ""
            for part in variant:
                if _tag(part) == "seg":
                    yield language.lower(), "".join(_said(part))


def _said(segment: ElementTree.Element) -> Iterator[str]:
    """Yield the text of a segment without the formatting codes within it (TMX 1.4b, content markup)."""
    yield segment.text or ""
    for part in segment:
        if _tag(part) not in CODES:
            yield from _said(part)
        yield part.tail or ""


def _in_language(texts: dict[str, str], language: str) -> str | None:
    """Return the text of a language or, where that is not there, of its first regional form (``zh-cn`` for ``zh``)."""
    wanted = language.lower()
    names = [name for name in texts if name == wanted or name.partition("-")[0].partition("_")[0] == wanted]
    return texts[min(names, key=lambda name: (name != wanted, name))] if names else None


def _json_pairs(files: Sequence[Path], languages: Sequence[str]) -> Iterator[Pair]:
    ways = (tuple(languages), ("source", "target"), ("src", "tgt"))
    for path in files:
        for place, record in _json_lines(path):
            fields = record.get("translation", record) if isinstance(record, dict) else {}
            for way in ways:
                if isinstance(fields, dict) and all(isinstance(fields.get(key), str) for key in way):
                    yield Pair(fields[way[0]], fields[way[1]])
                    break
            else:
                raise CorpusError(f"{place}: no texts under {', or '.join(' and '.join(way) for way in ways)}.")


def _alpaca(place: str, record: Any) -> tuple[Message, ...]:
    """Read ``{"instruction": …, "input": …, "output": …}``; a system text under ``system`` is kept."""
    fields = {key: record.get(key) or "" for key in ("instruction", "input", "output", "system")}
    if not all(isinstance(text, str) for text in fields.values()) or "instruction" not in record:
        raise CorpusError(f"{place}: an Alpaca record has texts under instruction, input and output.")
    asked = "\n".join(text for text in (fields["instruction"], fields["input"]) if text.strip())
    system = (Message(role="system", content=fields["system"]),) if fields["system"].strip() else ()
    return (*system, Message(role="user", content=asked), Message(role="assistant", content=fields["output"]))


def _sharegpt(place: str, record: Any) -> tuple[Message, ...]:
    """Read ``{"conversations": [{"from": "human", "value": …}, …]}``; ``messages`` with role and content also."""
    turns = record.get("conversations", record.get("messages"))
    if not isinstance(turns, list):
        raise CorpusError(f"{place}: a ShareGPT record has its turns under conversations.")
    messages = []
    for turn in turns:
        speaker = turn.get("from", turn.get("role")) if isinstance(turn, dict) else None
        text = turn.get("value", turn.get("content")) if isinstance(turn, dict) else None
        if speaker not in SPEAKERS or not isinstance(text, str):
            raise CorpusError(f"{place}: a turn must say from (one of {', '.join(SPEAKERS)}) and value: {turn!r:.60}.")
        messages.append(Message(role=SPEAKERS[speaker], content=text))
    if messages and messages[0].role == "assistant":  # ShareGPT cuts long talks, some of them before an answer
        messages = messages[1:]
    return tuple(messages[: len(messages) - (bool(messages) and messages[-1].role == "user")])


def _messages(place: str, record: Any) -> tuple[Message, ...]:
    """Read our own form, ``{"messages": [{"role": …, "content": …}, …]}``."""
    try:
        return from_json(record["messages"])
    except (KeyError, TypeError, ConversationError) as error:
        raise CorpusError(f"{place}: is not a conversation of ours: {error}.") from None


PAIR_FORMATS: dict[str, Callable[[Sequence[Path], Sequence[str]], Iterator[Pair]]] = {
    "lines": _line_aligned,
    "tsv": _tab_separated,
    "tmx": _translation_memory,
    "jsonl": _json_pairs,
}
TALK_FORMATS = {"alpaca": _alpaca, "sharegpt": _sharegpt, "messages": _messages}


def read_pairs(form: str, files: Sequence[Path], languages: Sequence[str]) -> Iterator[Pair]:
    """Yield the sentence pairs of files in one of ``PAIR_FORMATS``; CorpusError as the module says."""
    return PAIR_FORMATS[form](files, languages)


def read_talks(form: str, files: Sequence[Path]) -> Iterator[tuple[Message, ...]]:
    """Yield the conversations of files in one of ``TALK_FORMATS``; CorpusError as the module says."""
    for path in files:
        for place, record in _records(path):
            if not isinstance(record, dict):
                raise CorpusError(f"{place}: is not a record: {record!r:.60}.")
            yield TALK_FORMATS[form](place, record)
