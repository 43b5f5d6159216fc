"""WMT22 general translation: 21 directions, segment by segment (https://github.com/wmt-conference/wmt22-news-systems)."""

from __future__ import annotations

from typing import Any

from bayling_bench import documents
from bayling_bench.data import catalogue, store
from bayling_bench.errors import DataError

REPOSITORY = "wmt-conference/wmt22-news-systems"


def source_file(source: str, target: str) -> catalogue.File:
    """Return the catalogue entry of a direction's source text."""
    return catalogue.find(REPOSITORY, f"txt/sources/generaltest2022.{source}-{target}.src.{source}")


def reference_files(source: str, target: str, reference_set: str = "A") -> list[catalogue.File]:
    """Return the references to score against: with ``A`` the paper's (``B`` where there is no ``A``), or ``all``."""
    found = catalogue.match(REPOSITORY, f"txt/references/generaltest2022.{source}-{target}.ref.*.{target}")
    ordered = sorted(found, key=lambda file: file.path)
    return ordered if reference_set == "all" else ordered[:1]


def files(source: str, target: str, reference_set: str = "A", **_: Any) -> list[catalogue.File]:
    """Return the files that ``load`` reads."""
    return [source_file(source, target), *reference_files(source, target, reference_set)]


def load(
    source: str, target: str, prompt_form: str = "en", reference_set: str = "A", **_: Any
) -> dict[str, documents.Documents]:
    """Return the ``test`` split of one direction, as lm-eval's ``custom_dataset``.

    Raises DataError when a file is absent or damaged, or when source and references differ in length.
    """
    sources, *references = (store.read_lines(file) for file in files(source, target, reference_set))
    for lines in references:
        if len(lines) != len(sources):
            raise DataError(f"WMT22 {source}-{target}: {len(sources)} source lines, {len(lines)} reference lines.")
    return {"test": documents.translation(sources, references, (source, target), prompt_form)}
