"""Run folders of made-up models, written to disk in the record's format; all text and all figures are ours."""

from __future__ import annotations

import json

import numpy as np

from bayling_bench import record

SACREBLEU = "nrefs:1|case:mixed|eff:no|tok:{}|smooth:exp|version:2.6.0"
BOOTSTRAP = "bootstrap percentile 95 %, 1000 resamples, seed 12345"

TASKS = {
    "wmt22_zh_en": ("wmt22", ["zh", "en"]),
    "wmt22_en_zh": ("wmt22", ["en", "zh"]),
    "wmt22_en_ja": ("wmt22", ["en", "ja"]),
    "interactive_translation_en_zh": ("interactive", ["en", "zh"]),
    "gaokao_chinese": ("gaokao", ["zh"]),
    "sat_math": ("sat", ["en"]),
    "sat_math_mc": ("sat", ["en"]),
    "bayling80_en_multi": ("bayling80", ["en"]),
    "mini_conversation": ("mini", ["en"]),
}

TEXTS = {
    "en": [
        "The ferry to the island was cancelled because of the storm",
        "Our neighbour sold the old piano last week",
        "The museum opens an hour later on Mondays",
        "She asked twice before the clerk looked up",
        "Prices for onions doubled within a month",
    ],
    "zh": [
        "因为暴风雨，去岛上的渡轮取消了",
        "邻居上周卖掉了那架旧钢琴",
        "博物馆星期一晚一个小时开门",
        "她问了两遍，职员才抬起头来",
        "一个月之内洋葱的价格翻了一番",
    ],
    "ja": [
        "嵐のため島へのフェリーは欠航になった",
        "隣の人は先週、古いピアノを売った",
        "博物館は月曜日は一時間遅く開く",
        "彼女が二度尋ねてから係員は顔を上げた",
        "玉ねぎの値段は一か月で二倍になった",
    ],
}


# ---- scores.json


def metric(value, *, n, signature, width=None, unit="percent", higher=True):
    """Return one metric; ``width`` is half its interval."""
    low, high, interval = (None, None, None) if width is None else (value - width, value + width, BOOTSTRAP)
    return {
        "value": value,
        "low": low,
        "high": high,
        "n": n,
        "unit": unit,
        "higher_is_better": higher,
        "signature": signature,
        "interval": interval,
    }


def translation_metrics(bleu, *, n, tokenizer, wrong=0.0):
    guard = {"n": n, "signature": "guard:1|identifier:lid.176", "higher": False}
    points = {"n": n, "unit": "points"}
    return {
        "bleu": metric(bleu, signature=SACREBLEU.format(tokenizer), width=0.74, **points),
        "chrf": metric(bleu * 1.9 + 9.0, signature="nrefs:1|case:mixed|eff:yes|nc:6|nw:0", width=0.6, **points),
        "ter": metric(101.5 - bleu, signature="nrefs:1|case:lc|tok:tercom", width=1.2, higher=False, **points),
        "empty": metric(0.0, **guard),
        "source_copied": metric(0.05, **guard),
        "wrong_language": metric(wrong, **guard),
        "truncated": metric(0.27, **guard),
    }


def constraint_metrics(strength, *, n):
    met = {"constraint_micro": 84.84, "constraint_macro": 83.1, "constraint_all": 70.5}
    found = {key: metric(value * strength, n=n, signature="match:exact", width=2.0) for key, value in met.items()}
    return found | {"echo": metric(1.5, n=n, signature="match:line", higher=False)}


def exam_metrics(strength, *, n):
    parsed = n - n // 5
    rule = "rule:strict|version:1|labels:head"
    return {
        "acc": metric(41.0 * strength, n=n, signature="rule:paper|labels:head", width=5.1),
        "acc_strict": metric(38.5 * strength, n=n, signature=rule, width=5.3),
        "acc_strict_parsed": metric(38.5 * strength * n / parsed, n=parsed, signature=rule),
        "unparsed": metric(100 * (n - parsed) / n, n=n, signature=rule, higher=False),
    }


def task_scores(name, n, strength):
    suite, languages = TASKS[name]
    tokenizer = {"zh": "zh", "ja": "ja-mecab"}.get(languages[-1], "13a")
    metrics = {}
    if suite in ("wmt22", "interactive"):
        metrics = translation_metrics(20.1234567 * strength, n=n, tokenizer=tokenizer)
    if suite == "interactive":
        metrics |= constraint_metrics(strength, n=n)
    if suite in ("gaokao", "sat"):
        metrics = exam_metrics(strength, n=n)
    if name.endswith("_mc"):
        metrics = {"acc": metric(28.0 * strength, n=n, signature="norm:none", width=6.0)}
    if suite == "mini":
        metrics = {"instructions_all": metric(62.5 * strength, n=n, signature="rules:1", width=11.0)}
    note = "needs a judge: bayling-bench judge RUN --protocol NAME" if suite == "bayling80" else None
    counts = {"items": n, "scored": n, "unscored": {}}
    return {"suite": suite, "languages": languages, **counts, "note": note, "metrics": metrics, "warnings": []}


# ---- items


def item(task, index, rng, strength=1.0):
    """Return one line of items/<task>.jsonl."""
    suite, languages = TASKS[task]
    maker = {"gaokao": _exam, "sat": _exam, "bayling80": _talk, "mini": _talk}.get(suite, _translation)
    maker = _ranked if task.endswith("_mc") else maker
    blank = {"item": f"{task}/{index}", "index": index, "flags": [], "unscored": None, "references": [], "scores": {}}
    return blank | maker(index, languages, rng, strength)


def turn(user, response, finish="stop"):
    prompt = f"### Instruction:\n{user}\n### Response:\n"
    return {"prompt": prompt, "user": user, "response": response, "finish_reason": finish, "tokens": len(response)}


def _translation(index, languages, rng, strength):
    source, target = (TEXTS[language][index % 5] for language in languages)
    wrong = rng.random() > 0.9 * strength
    answer = source if wrong else f"{target} ({int(rng.integers(1000))})"
    return {
        "doc": {"source": source},
        "references": [target],
        "turns": [turn(f"Provide the translation for this sentence: {source}", answer)],
        "scores": {"bleu": float(round(rng.random() * 100, 1)), "chrf": float(round(rng.random() * 100, 1))},
        "flags": ["wrong_language", "source_copied"] if wrong else [],
    }


def _exam(index, languages, rng, strength):
    right, parsed = int(rng.random() < 0.4 * strength), rng.random() < 0.8
    question = f"A train covers {index + 7} km in half an hour. How far does it get in two hours?"
    doc = {"passage": None, "question": question, "options": ["(A) 3.5 km", "(B) 12 km", "(C) 28 km", "(D) 21 km"]}
    if languages == ["zh"]:
        options = [f"({letter}) {text}" for letter, text in zip("ABCDE", TEXTS["zh"], strict=True)]
        passage = "　　" + "，".join(TEXTS["zh"]) + "。\n　　" + "，".join(TEXTS["zh"][::-1]) + "。"
        doc = {"passage": passage, "question": "下列对文章的理解，正确的一项是", "options": options}
    answer = f"The answer is ({'C' if right else 'A'})." if parsed else "It depends on the weather, I think."
    return {
        "doc": doc,
        "references": ["C"],
        "turns": [turn(doc["question"], answer)],
        "scores": {"acc": right, "acc_strict": right if parsed else None},
        "flags": [] if parsed else ["unparsed"],
    }


def _ranked(index, languages, rng, strength):
    record = _exam(index, languages, rng, strength)
    ranking = {letter: float(round(-rng.random() * 9, 4)) for letter in "ABCD"}
    best = max(ranking, key=lambda letter: ranking[letter])
    prompt = record["doc"]["question"]
    turns = [{"user": prompt, "prompt": prompt, "response": best, "logprobs": ranking}]
    return record | {"turns": turns, "scores": {"acc": int(best == "C")}, "flags": []}


def _talk(index, languages, rng, strength):
    second = turn("Now write them in capitals, one on each line.", "RHINE\nNILE\nAMUR\nEBRO", "length")
    return {
        "doc": {"category": "knowledge"},
        "turns": [turn(f"Name {index + 2} rivers.", "Rhine, Nile, Amur."), second],
    }


# ---- run.json and the folder


def settings(name, sizes):
    """Return a run.json."""
    generation = {"max_gen_toks": 1024, "do_sample": False, "until": []}
    sha = "0a" * 32
    model = {"spec": f"published:{name}", "kind": "published", "name": name, "revision": None}
    model |= {"fingerprint": f"sha256:{sha}", "dtype": "float32", "device": "cpu", "base_url": None}
    environment = {"python": "3.11.7", "platform": "Linux-6.1-x86_64", "cpu": "a processor", "cores": 2}
    environment |= {"memory_gb": 24, "gpus": [], "packages": {"torch": "2.13.0", "sacrebleu": "2.6.0"}}
    citation = "A. Author and B. Author (2022): A test set of sentences. Proceedings of a conference."
    return {
        "schema": 1,
        "created": "2026-11-23T16:00:00+00:00",
        "bayling_bench": "0.1.0",
        "command": f"bayling-bench run --model published:{name} --tasks paper",
        "model": model,
        "chat_template": {"source": "none", "name": None, "sha256": None},
        "options": {"prompt_form": "en", "reference_set": "A", "label_state": "head"},
        "generation": {"profile": "default", "overrides": {}, "seed": 1234},
        "limit": None,
        "batch_size": 16,
        "tasks": [
            {
                "name": task,
                "suite": TASKS[task][0],
                "version": 1.0,
                "items": items,
                "languages": TASKS[task][1],
                "generation": generation,
            }
            for task, items in sizes.items()
        ],
        "left_out": {"wmt22_en_hr": f"published:{name} has no outputs for it"},
        "data": [
            {
                "file": f"owner/repository/{sha[:40]}/text/{task}.txt",
                "sha256": sha,
                "licence": "MIT",
                "citation": citation,
            }
            for task in sizes
        ],
        "environment": environment | {"git": {"commit": sha[:40], "dirty": False}},
    }


def write_run(folder, *, run, scores, items, done=True):
    """Write one run folder and return it as the harness reads it."""
    (folder / "items").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(run), "utf-8")
    (folder / "scores.json").write_text(json.dumps({"schema": 1, "tasks": scores}), "utf-8")
    for task, records in items.items():
        # ASCII JSON carries lone surrogates as escapes, which UTF-8 could not
        lines = "".join(json.dumps(line) + "\n" for line in records)
        (folder / "items" / f"{task}.jsonl").write_text(lines, "utf-8")
    if done:
        (folder / "done").touch()
    return record.load(folder)


def contents(name, sizes, strength):
    """Return what `write_run` writes, to be changed before it is written."""
    rng = np.random.default_rng(7)
    return {
        "run": settings(name, sizes),
        "scores": {task: task_scores(task, items, strength) for task, items in sizes.items()},
        "items": {task: [item(task, index, rng, strength) for index in range(n)] for task, n in sizes.items()},
    }


SIZES = dict.fromkeys(TASKS, 45) | {"wmt22_zh_en": 2037}

HOSTILE = [
    "</script><script>window.struck = 1</script>",
    "<img src=x onerror='window.struck = 1'>",
    "<svg onload=window.struck=1>",
    "javascript:window.struck=1",
    "{{ 7 * 7 }}{% raw %}",
    "--></style><style>body{display:none}</style>",
    "\"><a href='https://example.invalid/'>away</a>",
    "left\u202eright\u2066\x00\x1b[31m\ud800end\udfff\r",
    "__proto__",
]
