"""Translation scores against sacrebleu itself and against the scores of the mirrored systems' published outputs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import sacrebleu
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from bayling_bench.errors import BenchError
from bayling_bench.scoring import translation

EXPECTED = json.loads((Path(__file__).parents[1] / "expected" / "reproduced_from_outputs.json").read_text())
QUICK = ("en-zh", "en-ja", "de-en", "en-cs")  # one direction for each tokenizer, and one of reference B

TEXTS = {
    "en": (
        ["The train left the station early .", "She never saw the sea again", "No.", ""],
        [
            ["The train had left the station too early.", "Early in the day the train left."],
            ["She never saw the sea again.", "Never again did she see the sea."],
            ["No, thank you.", "No."],
            ["Something was said here.", "Someone spoke."],
        ],
    ),
    "zh": (
        ["火车早早地离开了车站。", "她再也没有见过大海", "不。", "完全无关"],
        [["火车很早就离开了车站。"], ["她再也没见过大海。"], ["不。"], ["天气真好！"]],
    ),
    "ja": (
        ["列車は早く駅を出ました。", "彼女は二度と海を見なかった", "いいえ。", "カメラ"],
        [["列車は早めに駅を出た。"], ["彼女は海を二度と見ませんでした。"], ["いいえ。"], ["写真機"]],
    ),
}
CASES = [(metric, target) for metric in translation.METRICS for target in TEXTS]


def sacrebleu_metric(metric: str, target: str) -> BLEU | CHRF | TER:
    asian = target in ("zh", "ja")
    return {
        "bleu": lambda: BLEU(trg_lang=target),
        "chrf": CHRF,
        "ter": lambda: TER(normalized=asian, asian_support=asian),
    }[metric]()


def streams(references: list[list[str]]) -> list[tuple[str, ...]]:
    return list(zip(*references, strict=True))


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


@pytest.mark.parametrize(("metric", "target"), CASES)
def test_scores_and_signature_are_sacrebleus(metric: str, target: str):
    hypotheses, references = TEXTS[target]
    peer = sacrebleu_metric(metric, target)
    expected = peer.corpus_score(hypotheses, streams(references)).score
    statistics = translation.segment_statistics(metric, target, hypotheses, references)
    assert translation.corpus_score(metric, statistics) == expected
    assert 0 < expected < 100
    assert translation.signature(metric, target, len(references[0])) == str(peer.get_signature())


@pytest.mark.parametrize(("metric", "target"), CASES)
def test_sentence_scores_are_sacrebleus(metric: str, target: str):
    hypotheses, references = TEXTS[target]
    peer = BLEU(trg_lang=target, effective_order=True) if metric == "bleu" else sacrebleu_metric(metric, target)
    rows = translation.segment_statistics(metric, target, hypotheses, references)
    for hypothesis, known, row in zip(hypotheses, references, rows, strict=True):
        assert translation.sentence_score(metric, row) == peer.sentence_score(hypothesis, known).score
    together = translation.sentence_scores(metric, np.array(rows, dtype=float))
    assert together == pytest.approx([translation.sentence_score(metric, row) for row in rows], abs=1e-9)


@pytest.mark.parametrize("text", ["", "a", "the cat", "xyz", "the cat sat"])
def test_bleu_of_short_sentences_is_sacrebleus(text: str):
    reference = "the cat sat on the mat"
    rows = np.array(translation.segment_statistics("bleu", "en", [text], [[reference]]), dtype=float)
    expected = BLEU(effective_order=True).sentence_score(text, [reference]).score
    assert translation.sentence_scores("bleu", rows)[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("metric", translation.METRICS)
def test_number_of_references_may_differ_between_items(metric: str):
    hypotheses, references = TEXTS["en"]
    ragged = [references[0], references[1][:1], references[2], references[3][:1]]
    peer = sacrebleu_metric(metric, "en")
    padded = [[known[0] for known in ragged], [known[1] if len(known) > 1 else None for known in ragged]]
    expected = peer.corpus_score(hypotheses, padded).score
    rows = translation.segment_statistics(metric, "en", hypotheses, ragged)
    assert translation.corpus_score(metric, rows) == expected
    assert translation.signature(metric, "en", "var") == str(peer.get_signature())


def test_item_without_reference_is_refused():
    with pytest.raises(BenchError, match="item 1 has no reference"):
        translation.segment_statistics("bleu", "en", ["a", "b"], [["a"], []])


@pytest.mark.parametrize("metric", translation.METRICS)
def test_no_items_is_no_score(metric: str):
    assert translation.segment_statistics(metric, "en", [], []) == []
    with pytest.raises(ValueError, match="unscored"):
        translation.corpus_score(metric, [])


def test_signatures_name_the_tokenizer_of_the_wmt_protocol():
    version = sacrebleu.__version__
    assert translation.signature("bleu", "de", 1) == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{version}"
    assert "|tok:zh|" in translation.signature("bleu", "zh", 1)
    assert "|tok:ja-mecab-" in translation.signature("bleu", "ja", 1)
    assert "|norm:yes|punct:yes|asian:yes|" in translation.signature("ter", "zh", 1)
    assert "|norm:no|punct:yes|asian:no|" in translation.signature("ter", "uk", 1)


@pytest.mark.parametrize("metric", translation.METRICS)
def test_processes_change_nothing(metric: str):
    hypotheses = TEXTS["en"][0] * 40
    references = TEXTS["en"][1] * 40
    alone = translation.segment_statistics(metric, "en", hypotheses, references)
    assert translation.segment_statistics(metric, "en", hypotheses, references, jobs=2) == alone


@pytest.mark.parametrize(("metric", "target"), CASES)
def test_vectorised_scores_equal_sacrebleus(metric: str, target: str):
    """Over resamples of few items, so that orders without matches, and without n-grams at all, occur."""
    rows = np.array(translation.segment_statistics(metric, target, *TEXTS[target]), dtype=float)
    draws = np.random.default_rng(5).integers(0, len(rows), size=(200, 2))
    sums = np.concatenate([rows, rows[draws].sum(axis=1), np.zeros((1, rows.shape[1]))])
    peer = sacrebleu_metric(metric, target)
    expected = [peer._compute_score_from_stats(list(row)).score for row in sums]
    np.testing.assert_allclose(translation.corpus_scores(metric, sums), expected, rtol=0, atol=1e-9)
    assert len(set(expected)) > 4


def test_vectorised_ter_of_empty_references():
    assert translation.corpus_scores("ter", np.array([[3.0, 0.0], [0.0, 0.0], [5.0, 4.0]])).tolist() == [100, 0, 125]


def published(quick: bool) -> list[str]:
    return [key for key in EXPECTED["translation"] if (key.split("|")[1] in QUICK) is quick]


def check_published(mirror: Path, key: str) -> None:
    system, direction, prompt = key.split("|")
    source, target = direction.split("-")
    bayling = next((mirror / "ictnlp/BayLing").iterdir()) / "exp/translation_benchmark" / system
    wmt = next((mirror / "wmt-conference/wmt22-news-systems").iterdir()) / "txt/references"
    hypotheses = lines(bayling / f"{direction}{'.' if prompt else ''}{prompt}.hypo")
    reference_set = "B" if "cs" in (source, target) else "A"
    references = [[line] for line in lines(wmt / f"generaltest2022.{direction}.ref.{reference_set}.{target}")]
    for metric, expected in EXPECTED["translation"][key].items():
        statistics = translation.segment_statistics(metric, target, hypotheses, references)
        assert round(translation.corpus_score(metric, statistics), 2) == expected
        summed = np.array(statistics, dtype=float).sum(axis=0, keepdims=True)
        assert translation.corpus_scores(metric, summed)[0] == pytest.approx(expected, abs=0.005 + 1e-9)


@pytest.mark.mirror
@pytest.mark.parametrize("key", published(quick=True))
def test_published_outputs(mirror: Path, key: str):
    check_published(mirror, key)


@pytest.mark.mirror
@pytest.mark.slow
@pytest.mark.parametrize("key", published(quick=False))
def test_published_outputs_of_other_directions(mirror: Path, key: str):
    check_published(mirror, key)


@pytest.mark.mirror
@pytest.mark.parametrize(
    "row", EXPECTED["constrained"], ids=lambda row: f"{row['system']}-{row['direction']}-{row['prompt']}"
)
def test_published_constrained_outputs(mirror: Path, row: dict):
    target = row["direction"].split("-")[1]
    prompt = "" if row["prompt"] == "default" else f".{row['prompt']}"
    bayling = next((mirror / "ictnlp/BayLing").iterdir()) / "exp/constrained_translation"
    path = bayling / row["system"] / f"hypo.{row['direction']}.{target}{prompt}.jsonl"
    items = [json.loads(line) for line in lines(path)]
    assert len(items) == row["items"]
    statistics = translation.segment_statistics(
        "bleu", target, [item["hypo"] for item in items], [[item["tgt"]] for item in items]
    )
    assert round(translation.corpus_score("bleu", statistics), 2) == row["bleu"]
