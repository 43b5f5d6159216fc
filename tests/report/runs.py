"""The made-up runs that tests of the report share, each written to a folder of its own."""

from __future__ import annotations

from pathlib import Path

from bayling_bench.record import Run

from .made_up import HOSTILE, SIZES, contents, metric, translation_metrics, turn, write_run


def strong_run(folder: Path) -> Run:
    """A finished run of all tasks, with warnings and three unscored items."""
    parts = contents("bayling-13b", SIZES, 1.0)
    scores = parts["scores"]["wmt22_en_zh"]
    scores |= {"scored": 42, "unscored": {"prompt_too_long": 2, "api_error": 1}}
    scores["metrics"] = translation_metrics(37.9, n=42, tokenizer="zh", wrong=12.3)
    scores["warnings"] = ["12.3 % of outputs are in the wrong language", "4.8 % of outputs repeat the source"]
    for index, reason in ((3, "prompt_too_long"), (8, "prompt_too_long"), (30, "api_error")):
        line = parts["items"]["wmt22_en_zh"][index]
        line |= {"scores": {}, "flags": [], "unscored": {"reason": reason, "detail": "2100 of 2048 tokens"}}
        line["turns"] = [turn(line["turns"][0]["user"], "", None)]
    return write_run(folder / "strong-1", **parts)


def weak_run(folder: Path) -> Run:
    """A finished run of the same tasks by a weaker model, except one task that it left out."""
    parts = contents("smollm2-135m-instruct", {task: n for task, n in SIZES.items() if task != "wmt22_en_ja"}, 0.4)
    parts["run"]["left_out"]["wmt22_en_ja"] = "no outputs for it"
    return write_run(folder / "weak-1", **parts)


def stopped_run(folder: Path) -> Run:
    """A run that was stopped: scores of one task, better than everybody's, nothing of the other, no ``done``."""
    parts = contents("stopped-model", {"wmt22_zh_en": 2037, "sat_math": 45}, 1.5)
    del parts["scores"]["sat_math"]
    del parts["items"]["sat_math"]
    return write_run(folder / "stopped-1", **parts, done=False)


def hostile_run(folder: Path) -> Run:
    """A run whose every free text tries to break out of its place in the page."""
    name = " ".join(HOSTILE)
    parts = contents(name, {"wmt22_zh_en": 2, "mini_conversation": len(HOSTILE)}, 1.0)
    run, scores, items = parts["run"], parts["scores"], parts["items"]
    run["command"] = run["model"]["base_url"] = name
    run["left_out"] = dict.fromkeys(HOSTILE, name)
    run["data"] = [{"file": text, "sha256": text, "licence": text, "citation": text} for text in HOSTILE]
    run["environment"]["packages"] = {text: text for text in HOSTILE}
    scores["wmt22_zh_en"] |= {"warnings": HOSTILE, "note": name, "unscored": dict.fromkeys(HOSTILE, 1)}
    scores["wmt22_zh_en"]["metrics"][HOSTILE[0]] = metric(1.0, n=2, signature=name)
    for line, text in zip(items["mini_conversation"], HOSTILE, strict=True):
        line |= {"doc": {text: text, "nested": {text: [text, None]}}, "references": [text, text], "flags": [text]}
        line |= {"scores": {text: 0.5, "constructor": 1}, "unscored": {"reason": text, "detail": text}}
        line["turns"] = [turn(text, text)]
    long = items["wmt22_zh_en"][0]
    long["turns"] = [turn("long", HOSTILE[0] + "长" * 1_000_000)]
    long["scores"] = {"bleu": float("nan")}
    return write_run(folder / "hostile-1", **parts)
