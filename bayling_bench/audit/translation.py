"""Measures of translation figures: BLEU, chrF2 and TER of a system's outputs for a WMT22 direction."""

from __future__ import annotations

from functools import lru_cache, partial

from bayling_bench.audit import segments
from bayling_bench.audit.reach import Measured, Sample, require, share
from bayling_bench.data import catalogue, published, store, wmt22
from bayling_bench.errors import DataError
from bayling_bench.scoring import off_target, translation


def corpus(outputs: str, direction: str, metric: str, references: str = "A") -> Measured:
    """Return the corpus score against a reference (``A``), several in this order (``B+A``), or ``all`` from A on.

    The order matters for chrF: sacrebleu takes an item's best reference, of equally good ones the first, and adds up
    that one's n-gram counts.
    """
    source, target = direction.split("-")
    files = _references(source, target, references)
    hypothesis_file, command = output_file(outputs, direction)
    require([hypothesis_file], command)
    require(files, f"bayling-bench fetch wmt22_{source}_{target}")
    return _corpus(hypothesis_file, tuple(files), metric, target)


@lru_cache(maxsize=1024)
def _corpus(file: catalogue.File, reference_files: tuple[catalogue.File, ...], metric: str, target: str) -> Measured:
    hypotheses, *known = (store.read_lines(each) for each in (file, *reference_files))
    _aligned(file, hypotheses, known[0])
    rows = segments.statistics(metric, target, hypotheses, list(zip(*known, strict=True)))
    sample = Sample([rows], partial(translation.corpus_scores, metric))
    return Measured(translation.corpus_score(metric, rows.tolist()), len(hypotheses), sample=sample)


def wrong_language(outputs: str, direction: str) -> Measured:
    """Return the share in per cent of outputs in another language than the target, of those whose language shows."""
    lines(outputs, direction)
    return _wrong_language(output_file(outputs, direction)[0], direction)


@lru_cache(maxsize=1024)
def _wrong_language(file: catalogue.File, direction: str) -> Measured:
    source, target = direction.split("-")
    sentences = store.read_lines(wmt22.source_file(source, target))
    checked = [
        off_target.check(sentence, hypothesis, source, target)["wrong_language"]
        for sentence, hypothesis in zip(sentences, store.read_lines(file), strict=True)
    ]
    told = [flag for flag in checked if flag is not None]
    return share(told, range(len(told)))


def output_file(outputs: str, direction: str) -> tuple[catalogue.File, str]:
    """Return the catalogue entry of a system's outputs, and the command that fetches it.

    ``outputs`` is ``published:SYSTEM`` (BayLing's release) or ``wmt22:NAME`` (an official submission).
    """
    origin, _, name = outputs.partition(":")
    target = direction.partition("-")[2]
    if origin == "wmt22":
        path = f"txt/system-outputs/generaltest2022.{direction}.hyp.{name}.{target}"
        return catalogue.find(wmt22.REPOSITORY, path), "bayling-bench fetch all"
    if origin == "published":
        path = f"exp/translation_benchmark/{published.check_system(name)}/{direction}.hypo"
        return catalogue.find(published.REPOSITORY, path), f"bayling-bench fetch published:{name}"
    raise DataError(f"outputs {outputs!r}: translations are read from published:SYSTEM or wmt22:NAME")


def lines(outputs: str, direction: str) -> Measured:
    """Return how many lines the outputs have; DataError unless that is the number of source sentences."""
    source, target = direction.split("-")
    file, command = output_file(outputs, direction)
    source_file = wmt22.source_file(source, target)
    require([file], command)
    require([source_file], f"bayling-bench fetch wmt22_{source}_{target}")
    hypotheses = store.read_lines(file)
    _aligned(file, hypotheses, store.read_lines(source_file))
    return Measured(len(hypotheses), len(hypotheses))


def aligned_lines(outputs: str, direction: str, references: str) -> tuple[list[str], list[str], list[str]]:
    """Return the lines of source, outputs and the first of ``references``. NotInReach, or DataError if they differ."""
    lines(outputs, direction)
    source, target = direction.split("-")
    file = _references(source, target, references)[0]
    require([file], f"bayling-bench fetch wmt22_{source}_{target}")
    hypothesis_file, _ = output_file(outputs, direction)
    found = [store.read_lines(each) for each in (wmt22.source_file(source, target), hypothesis_file, file)]
    _aligned(file, found[2], found[0])
    return found[0], found[1], found[2]


def _aligned(file: catalogue.File, hypotheses: list[str], others: list[str]) -> None:
    if len(hypotheses) != len(others):
        raise DataError(f"{file.tail}: {len(hypotheses)} outputs for {len(others)} items, so they cannot be aligned.")


def _references(source: str, target: str, references: str) -> list[catalogue.File]:
    known = {file.path.split(".")[-2]: file for file in wmt22.reference_files(source, target, "all")}
    chosen = list(known) if references == "all" else references.split("+")
    for letter in chosen:
        if letter not in known:
            others = ", ".join(known)
            raise DataError(f"WMT22 {source}-{target} has no reference {letter!r}; there are {others} and all")
    return [known[letter] for letter in chosen]
