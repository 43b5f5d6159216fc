"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sha256(path: Path) -> str:
    """Return the sha256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def partial(out: Path) -> Iterator[Path]:
    """Give a folder beside ``out`` to write into, which takes its name when all is written; on an error it is gone."""
    folder = out.with_name(f"{out.name}.partial")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    publish(folder, out)


def publish(folder: Path, out: Path) -> None:
    """Give a folder its name, after all that it holds has reached the disk."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)
    folder.rename(out)
    sync(out.parent)


def sync(path: Path) -> None:
    """Wait until a file or folder has reached the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a file that is there whole or as it was before."""
    beside = path.with_name(f"{path.name}.partial")
    try:
        beside.write_text(text, encoding="utf-8")
        sync(beside)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    beside.replace(path)
