"""Measures of translation figures: BLEU, chrF2 and TER of a system's outputs for a WMT22 direction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from bayling_bench import task_index
from bayling_bench.audit import answers, kept
from bayling_bench.audit.reach import Measured, Sample, require, share
from bayling_bench.data import store, wmt22
from bayling_bench.data.catalogue import File
from bayling_bench.errors import DataError
from bayling_bench.scoring import off_target, translation


def corpus(outputs: str, direction: str, score: str, references: str = "paper", prompt: str = "en") -> Measured:
    """Return the corpus score against a reference (``A``), several in this order (``B+A``), or ``all`` from A on.

    ``paper`` is the paper's reference: A, or B where WMT22 has no A. The order matters for chrF: sacrebleu takes an
    item's best reference, of equally good ones the first, and adds up that one's n-gram counts.
    """
    task = _task(direction)
    source, target = direction.split("-")
    files = _references(source, target, references)
    require(files, f"bayling-bench fetch {task}")
    hypotheses = answers.first_answers(outputs, task, prompt)
    known = list(zip(*(store.read_lines(file) for file in files), strict=True))
    return corpus_of(f"{score} {target}", hypotheses, known, units(direction))


def units(direction: str) -> list[str]:
    """Return the name of each item, language and sentence: directions from the same text share them."""
    require([wmt22.source_file(*direction.split("-"))], f"bayling-bench fetch {_task(direction)}")
    source = direction.partition("-")[0]
    return [f"{source} {document['source']}" for document in answers.documents(_task(direction))]


def letters(direction: str, references: str) -> str:
    """Return the names of references: ``A`` for the paper's of most directions, ``B+A`` for two."""
    return "+".join(file.path.split(".")[-2] for file in _references(*direction.split("-"), references))


def corpus_of(
    scorer: str, hypotheses: Sequence[str], references: Sequence[Sequence[str]], sentences: Sequence[str]
) -> Measured:
    """Return a corpus score of hypotheses against the references of each, with what its interval is drawn from.

    ``scorer`` is the score and the target language (``bleu zh``); ``sentences`` name the items. A sentence that a
    direction has twice is two items there, as for sacrebleu, and drawn once in an average over directions.
    """
    score, target = scorer.rsplit(maxsplit=1)
    translation.check_metric(score)
    rows = kept.segment_statistics(score, target, hypotheses, references)
    sample = Sample([rows], partial(translation.corpus_scores, score), sentences)
    return Measured(translation.corpus_score(score, rows), len(hypotheses), sample=sample)


def flagged(outputs: str, direction: str, flag: str, prompt: str = "en") -> Measured:
    """Return the share in per cent of outputs with an off-target flag, of those for which it can be told."""
    texts = answers.first_answers(outputs, _task(direction), prompt)
    flags = checked(_task(direction), texts)[:, off_target.FLAGS.index(flag)]
    told = [None if np.isnan(each) else bool(each) for each in flags]
    return share(told, [f"{direction} {place}" for place in range(len(told))])


def checked(task: str, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the off-target flags [items, flags] of translations: 1, 0, or nan where that cannot be told."""
    documents = answers.documents(task)
    source, target = documents[0]["source_language"], documents[0]["target_language"]
    sentences = [document["source"] for document in documents]

    def check() -> list[list[float]]:
        found = [off_target.check(*pair, source, target) for pair in zip(sentences, texts, strict=True)]
        return [[_number(each.get(flag)) for flag in off_target.FLAGS] for each in found]

    return kept.kept([off_target.signature(), source, target, sentences, texts], len(texts), check)


def _number(flag: bool | None) -> float:
    return np.nan if flag is None else float(flag)


def lines(outputs: str, direction: str) -> Measured:
    """Return how many lines the outputs have; DataError unless that is the number of source sentences."""
    found = len(answers.first_answers(outputs, _task(direction)))
    return Measured(found, found)


def _task(direction: str) -> str:
    name = f"wmt22_{direction.replace('-', '_')}"
    if name not in task_index.all_tasks():
        raise DataError(f"WMT22 has no direction {direction!r}; `bayling-bench tasks wmt22` lists them")
    return name


def segments(outputs: str, direction: str, references: str = "paper") -> list[tuple[str, str, str]]:
    """Return source, output and the first of ``references`` of each item, which COMET reads."""
    source, target = direction.split("-")
    hypotheses = answers.first_answers(outputs, _task(direction))
    file = _references(source, target, references)[0]
    require([file], f"bayling-bench fetch {_task(direction)}")
    sentences = [document["source"] for document in answers.documents(_task(direction))]
    return list(zip(sentences, hypotheses, store.read_lines(file), strict=True))


@lru_cache(maxsize=256)
def _references(source: str, target: str, references: str) -> list[File]:
    if references == "paper":
        return wmt22.reference_files(source, target)
    known = {file.path.split(".")[-2]: file for file in wmt22.reference_files(source, target, "all")}
    chosen = list(known) if references == "all" else references.split("+")
    for letter in chosen:
        if letter not in known:
            others = ", ".join(known)
            raise DataError(f"WMT22 {source}-{target} has no reference {letter!r}; there are {others}, all and paper")
    return [known[letter] for letter in chosen]
