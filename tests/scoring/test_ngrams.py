"""Statistics of many segments at once are those that sacrebleu extracts one by one, to the last count."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from bayling_bench.scoring import ngrams, translation

# Few letters repeat often; the others are what tokenizers and encodings stumble over.
LETTERS = "ab 你好。, \t\n\u2028\u3000\ud800é😀.'"
TEXT = st.text(st.sampled_from(LETTERS), max_size=30) | st.text(max_size=20)


def own(metric: str, target: str, pairs: list[tuple[str, str]]) -> list[list[int]]:
    scorer = CHRF() if metric == "chrf" else BLEU(trg_lang=target, force=True)
    hypotheses, references = zip(*pairs, strict=True)
    return scorer._extract_corpus_statistics(list(hypotheses), [list(references)])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=16, max_size=24))
def test_made_up_segments(pairs: list[tuple[str, str]]):
    for metric, target in (("chrf", "en"), ("bleu", "en"), ("bleu", "zh")):
        found = translation.segment_statistics(metric, target, [h for h, _ in pairs], [[r] for _, r in pairs])
        assert found == own(metric, target, pairs), (metric, target)


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_a_segment_with_too_many_different_symbols_is_left_to_sacrebleu(metric: str):
    many = " ".join(chr(0x4E00 + number) for number in range(20_000))
    pairs = [(many, many[:3000]), *[("a b a b", "a b b a")] * 20]
    hypotheses, references = map(list, zip(*pairs, strict=True))
    extract = {"bleu": ngrams.bleu_statistics, "chrf": ngrams.chrf_statistics}[metric]
    assert extract(hypotheses, references) is None
    assert extract(hypotheses[1:], references[1:]) is not None
    found = translation.segment_statistics(metric, "en", hypotheses, [[each] for each in references])
    assert found == own(metric, "en", pairs)


@pytest.mark.mirror
@pytest.mark.parametrize("direction", ["en-zh", "en-ja", "de-en", "en-ru"])  # one for each tokenizer and script
def test_released_outputs(mirror, monkeypatch, direction: str):
    from bayling_bench.data import catalogue, store, wmt22
    from bayling_bench.data.published import REPOSITORY

    monkeypatch.setenv(store.MIRROR_VARIABLE, str(mirror))
    source, _, target = direction.partition("-")
    (reference_file,) = wmt22.reference_files(source, target, "A")
    output_file = catalogue.find(REPOSITORY, f"exp/translation_benchmark/vicuna-13b-1.1/{direction}.hypo")
    pairs = list(zip(store.read_lines(output_file), store.read_lines(reference_file), strict=True))
    for metric in ("bleu", "chrf"):
        found = translation.segment_statistics(metric, target, [h for h, _ in pairs], [[r] for _, r in pairs])
        assert found == own(metric, target, pairs)
