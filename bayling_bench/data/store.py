"""Reads upstream files from this machine: from the cache, else in place from a mirror folder, verified at every read.

The cache is the folder ``BAYLING_BENCH_DATA``, else the platform's user cache. ``BAYLING_BENCH_MIRROR`` names a mirror:
a folder, which is read in place, or a base URL, from which ``bayling-bench fetch`` downloads. In each, a file lies
under its ``File.tail``.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import platformdirs

from bayling_bench.data import catalogue
from bayling_bench.data.catalogue import File
from bayling_bench.data.verdicts import verdicts_in
from bayling_bench.errors import DataError

CACHE_VARIABLE = "BAYLING_BENCH_DATA"
MIRROR_VARIABLE = "BAYLING_BENCH_MIRROR"
WITHOUT_NETWORK = (
    "Without one: `bayling-bench fetch --export DIR` on a machine that has it; bring DIR here and give `--mirror DIR` "
    f"or {MIRROR_VARIABLE}=DIR (a base URL with the same files works too)."
)


def cache_dir() -> Path:
    """Return the folder that ``fetch`` fills and reads come from; it may not exist yet."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else Path(platformdirs.user_cache_dir("bayling-bench", False))


def mirror() -> str | None:
    """Return the mirror in force, a folder or a base URL (maybe with credentials: show it through ``redact`` only)."""
    return os.environ.get(MIRROR_VARIABLE) or None


def set_mirror(place: str | None) -> None:
    """Choose the mirror for this process and its children; None keeps what ``BAYLING_BENCH_MIRROR`` says, if anything.

    DataError when a folder does not exist or holds none of the catalogue's repositories.
    """
    chosen = place or mirror()
    if chosen is None:
        return
    if not is_url(chosen):
        chosen = str(mirror_folder(chosen))
    os.environ[MIRROR_VARIABLE] = chosen


def is_url(place: str) -> bool:
    """Return whether a mirror is a base URL; otherwise it is a folder. DataError for a scheme other than http(s)."""
    scheme, separator, _ = place.partition("://")
    if separator and scheme.lower() not in ("http", "https"):
        raise DataError(f"mirror {redact(place)}: give a folder, or a base URL that starts with http:// or https://")
    return bool(separator)


def mirror_folder(place: str) -> Path:
    """Return a mirror that is a folder. DataError when there is none, or none of the catalogue's repositories in it."""
    folder = Path(place).expanduser().absolute()
    if not folder.is_dir():
        raise DataError(f"mirror {folder}: there is no such folder; check --mirror and {MIRROR_VARIABLE}")
    repos = sorted({f.repo for f in catalogue.files()})
    if not any((folder / repo).is_dir() for repo in repos):
        raise DataError(f"mirror {folder}: holds none of {', '.join(repos)}; is it the folder that contains these?")
    return folder


def redact(place: str) -> str:
    """Return a mirror fit for a message or a record: the user, password and query of a URL replaced by ``***``."""
    scheme, separator, rest = place.partition("://")
    if not separator:
        return place
    address, question, _ = rest.partition("?")
    if "@" in rest:  # from the last one on, since a password that nobody quoted may hold /, ? or @ itself
        address, question, _ = f"***@{rest.rpartition('@')[2]}".partition("?")
    return f"{scheme}://{address}" + ("?***" if question else "")


def read_bytes(file: File) -> bytes:
    """Return the file's bytes, which are those that the catalogue names.

    DataError when it is not on this machine, and when what lies there is damaged or another file.
    """
    path = _locate(file)
    try:
        with path.open("rb") as handle:
            stat = os.fstat(handle.fileno())
            content = handle.read()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    verdicts = verdicts_in(cache_dir())
    if len(content) != file.bytes or not verdicts.holds(path, stat, file.sha256):
        require(file, content, path)
        verdicts.record(path, stat, file.sha256)
    return content


def read_text(file: File) -> str:
    """Return the file as text, strictly UTF-8. DataError as ``read_bytes``, or when it is no UTF-8."""
    content = read_bytes(file)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{file.tail} is not UTF-8: {error}") from error


def read_lines(file: File) -> list[str]:
    """Return the lines, without their newlines; the same whether or not the last line ends in one.

    Only ``\\n`` ends a line: sentences may contain U+2028 and its kin, at which ``str.splitlines`` would cut them in
    two and shift all that follow. A carriage return belongs to its line: the bytes are pinned as upstream has them.
    """
    text = read_text(file)
    return text.removesuffix("\n").split("\n") if text else []


def read_jsonl(file: File) -> list[Any]:
    """Return the JSON value of each line. DataError, with the line's number, when one is not JSON."""
    values = []
    for number, line in enumerate(read_lines(file), 1):
        try:
            values.append(json.loads(line))
        except ValueError as error:
            raise DataError(f"{file.tail}, line {number} is not JSON: {error}") from error
    return values


def is_present(file: File) -> bool:
    """Return whether the cache or the mirror folder has the file with the right size; the hash is checked when read."""
    path = path_of(file)
    return path is not None and path.stat().st_size == file.bytes


def is_intact(file: File, path: Path) -> bool:
    """Return whether ``path`` holds the file's bytes, hashing it unless that was done since it last changed."""
    try:
        stat = path.stat()
        if stat.st_size != file.bytes:
            return False
        verdicts = verdicts_in(cache_dir())
        if not verdicts.holds(path, stat, file.sha256):
            if hashlib.sha256(path.read_bytes()).hexdigest() != file.sha256:
                return False
            verdicts.record(path, stat, file.sha256)
    except OSError:  # missing or unreadable: either way there is no such file to use
        return False
    return True


def require(file: File, content: bytes, path: Path) -> None:
    """Raise DataError, telling what is wrong with ``path`` and how to mend it, unless ``content`` is the file's."""
    found = hashlib.sha256(content).hexdigest()
    if found == file.sha256:
        return
    if path.is_relative_to(cache_dir()):
        mend = "`bayling-bench fetch` mends it: whole files stay, damaged and missing ones are fetched anew."
    else:
        mend = (
            "The mirror is damaged here: replace this file in it, or `bayling-bench fetch --mirror ANOTHER`, "
            f"or unset {MIRROR_VARIABLE} and `bayling-bench fetch` from GitHub."
        )
    raise DataError(
        f"{path} is not the file that the catalogue names: damaged, truncated or foreign.\n"
        f"  expected {file.bytes} bytes, sha256 {file.sha256}\n"
        f"  found    {len(content)} bytes, sha256 {found}\n{mend}"
    )


def path_of(file: File) -> Path | None:
    """Return where the file lies on this machine, the cache before the mirror folder, or None; it is not verified."""
    chosen = mirror()
    folders = [cache_dir()] if chosen is None or is_url(chosen) else [cache_dir(), Path(chosen).expanduser().absolute()]
    return next((folder / file.tail for folder in folders if (folder / file.tail).is_file()), None)


def _locate(file: File) -> Path:
    path = path_of(file)
    if path is not None:
        return path
    looked = f"not in the cache {cache_dir()}"
    chosen = mirror()
    if chosen is not None and is_url(chosen):
        looked += f"; the mirror {redact(chosen)} is a URL, from which `bayling-bench fetch` downloads"
    elif chosen is not None:
        looked += f", not in the mirror {mirror_folder(chosen)}"
    raise DataError(
        f"{file.tail} is not on this machine ({looked}).\nWith a network: `bayling-bench fetch`. {WITHOUT_NETWORK}"
    )
