"""Our TER is sacrebleu's, edit for edit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import TER, lib_ter

from bayling_bench.data import catalogue, store
from bayling_bench.scoring.ter import EditDistance, FastTER, edits

words = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=40)


@given(words, words)
@settings(deadline=None, max_examples=300)
def test_edits_are_those_of_sacrebleu(hypothesis: list[str], reference: list[str]):
    assert edits(hypothesis, reference) == lib_ter.translation_edit_rate(hypothesis, reference)


@given(words, words.filter(bool))
@settings(deadline=None, max_examples=300)
def test_traces_are_those_of_sacrebleu(hypothesis: list[str], reference: list[str]):
    assert tuple(EditDistance(reference)(hypothesis)) == lib_ter.BeamEditDistance(reference)(hypothesis)


def test_lengths_far_apart_widen_the_beam_as_in_sacrebleu():
    long = [str(number % 7) for number in range(300)]
    for hypothesis, reference in ((long, ["1", "2"]), (["1", "2"], long), ([], long)):
        assert edits(hypothesis, reference) == lib_ter.translation_edit_rate(hypothesis, reference)


@pytest.mark.mirror
@pytest.mark.parametrize(("source", "target"), [("zh", "en"), ("en", "zh"), ("en", "ja"), ("de", "fr")])
def test_real_segments_have_sacrebleus_statistics(mirror: Path, source: str, target: str):
    repository, files = "wmt-conference/wmt22-news-systems", "ictnlp/BayLing"
    output = catalogue.find(files, f"exp/translation_benchmark/vicuna-13b-1.1/{source}-{target}.hypo")
    first = catalogue.find(repository, f"txt/references/generaltest2022.{source}-{target}.ref.A.{target}")
    chosen = np.random.default_rng(22).choice(1800, 25, replace=False)
    hypotheses = [store.read_lines(output)[place] for place in chosen]
    references = [store.read_lines(first)[place] for place in chosen]
    options = {"normalized": True, "asian_support": True} if target in ("zh", "ja") else {}
    ours, theirs = FastTER(**options), TER(**options)
    streams = [references, hypotheses[::-1]]
    assert ours._extract_corpus_statistics(hypotheses, streams) == theirs._extract_corpus_statistics(
        hypotheses, streams
    )
    assert ours.get_signature().format() == theirs.get_signature().format()
