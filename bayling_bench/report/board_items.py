"""The items of a board's systems whose published outputs are on this machine, scored item by item.

The same statistics that give the board's numbers give those of its items, and come from where they are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bayling_bench import task_index
from bayling_bench.audit import answers, exams, judge, kept
from bayling_bench.audit import comet as comet_scores
from bayling_bench.audit import translation as translations
from bayling_bench.audit.measures import MEASURES
from bayling_bench.audit.reach import NotInReach, NoValue
from bayling_bench.audit.session import Session
from bayling_bench.config import TaskOptions
from bayling_bench.data import published, reviews
from bayling_bench.documents import Document
from bayling_bench.leaderboard import Board, Figure
from bayling_bench.report import judged, places
from bayling_bench.report.items import Item, Part
from bayling_bench.scoring import constraints, off_target, translation

Columns = dict[str, Sequence[Any]]
"""Scores, and what rules read, by key: one value an item."""
_INTERNAL = ("prompt", "references", "target", "index")


def part(board: Board, system: str, task: str, states: Sequence[str]) -> Part | None:
    """Return a system's answers to a task in these states of the data; None where they are not on this machine."""
    prompt = "zh" if "prompt:zh" in states[0].split("|") else "en"
    try:
        texts = _texts(board.outputs_of(system), task, prompt)
        scores, flags, more = _scored(board, system, task, prompt, [turns[0] for turns in texts])
    except (NotInReach, NoValue):
        return None
    options = TaskOptions(prompt_form=prompt)
    documents = task_index.all_tasks()[task].documents(options)
    verdicts = _verdicts(system, task)
    items = [
        _item(document, texts[place], {key: column[place] for key, column in scores.items()}, place)
        for place, document in enumerate(documents)
    ]
    return Part(
        system=system,
        states=list(states),
        items=[
            _with(item, flags.get(place, ()), {**more.get(place, {}), **verdicts.get(place, {})})
            for place, item in enumerate(items)
        ],
    )


def _texts(outputs: str, task: str, prompt: str) -> list[tuple[str, ...]]:
    """Return every turn's answer to each item."""
    first = answers.first_answers(outputs, task, prompt)
    asked = task_index.all_tasks()[task]
    if asked.suite != "bayling80" or not outputs.startswith("published:"):
        return [(text,) for text in first]
    file = answers.output_file(outputs, task, prompt)
    turns = len(answers.documents(task)[0]["turns"])
    return [answer.texts[:turns] for answer in published.answers(file, answers.documents(task))]


def _item(document: Document, texts: Sequence[str], scores: Mapping[str, float | None], place: int) -> Item:
    references = document.get("references") or ([document["target"]] if document["target"] else [])
    return Item(
        index=document.get("index", place),
        doc={name: value for name, value in document.items() if name not in _INTERNAL},
        references=references,
        users=document.get("turns", [document["prompt"]])[: len(texts)],
        turns=[{"response": text} for text in texts],
        columns=dict(scores),
    )


def _with(item: Item, flags: Sequence[str], more: dict[str, Any]) -> Item:
    return Item(**{**vars(item), "flags": flags, "more": more})


def _scored(
    board: Board, system: str, task: str, prompt: str, texts: Sequence[str]
) -> tuple[Columns, dict[int, list[str]], dict[int, dict[str, Any]]]:
    """Return scores, and flags and other facts by the item's place."""
    suite, outputs = task_index.all_tasks()[task].suite, board.outputs_of(system)
    if suite == "wmt22":
        scores, flags = _translation(task, texts)
        return scores | _comet(board, system, task, prompt), flags, {}
    if suite == "interactive":
        scores, flags = _interactive(task, texts)
        return scores, flags, {}
    if suite in places.EXAMS:
        return _exam(outputs, task)
    return {}, {}, {}


def _translation(task: str, texts: Sequence[str]) -> tuple[Columns, dict[int, list[str]]]:
    documents = answers.documents(task)
    target = documents[0]["target_language"]
    references = [document["references"] for document in documents]
    scores: Columns = {
        metric: translation.sentence_scores(metric, kept.segment_statistics(metric, target, texts, references)).tolist()
        for metric in ("bleu", "chrf")
    }
    rows = translations.checked(task, texts)
    names = np.array(off_target.FLAGS[: rows.shape[1]])
    flags = {place: names[row == 1].tolist() for place, row in enumerate(rows) if (row == 1).any()}
    return scores, flags


def _comet(board: Board, system: str, task: str, prompt: str) -> Columns:
    if prompt != "en":
        return {}
    figure = _figure_of(board, system, task)
    direction = task.removeprefix("wmt22_").replace("_", "-")
    found = comet_scores.segment_scores(Session(board, MEASURES), figure, direction, "comet", "paper")
    return {} if found is None else {"comet": [100 * score for score in found.scores]}


def _figure_of(board: Board, system: str, task: str) -> Figure:
    """Return the board's COMET figure of a system on a task, or one that nobody published."""
    for figure in board.figures:
        rule, arguments = board.rule_of(figure)
        place = places.of_measure(figure, rule.measure, arguments) if figure.system == system else None
        if place is not None and (place.task, place.metric) == (task, "comet"):
            return figure
    return Figure("report", task, system, "comet", float("nan"), None, "not published")


def _interactive(task: str, texts: Sequence[str]) -> tuple[Columns, dict[int, list[str]]]:
    documents, texts = answers.documents(task), [text.strip() for text in texts]
    target = documents[0]["target_language"]
    references = [document["references"] for document in documents]
    rows = kept.segment_statistics("bleu", target, texts, references)
    met = [
        constraints.satisfied(text, document["constraints"]) for text, document in zip(texts, documents, strict=True)
    ]
    echoes = [
        constraints.echoes(text, document["constraints"]) for text, document in zip(texts, documents, strict=True)
    ]
    scores: Columns = {
        "constraint_micro": [sum(each) / len(each) for each in met],
        "bleu": translation.sentence_scores("bleu", rows).tolist(),
    }
    return scores, {place: ["echo"] for place, echo in enumerate(echoes) if echo}


def _exam(outputs: str, task: str) -> tuple[Columns, dict[int, list[str]], dict[int, dict[str, Any]]]:
    subset = task_index.all_tasks()[task].config["dataset_kwargs"]["subset"]
    strict = exams.outcomes(outputs, subset, "head", "strict")
    scores: Columns = {
        "acc": [int(each == 1) for each in exams.outcomes(outputs, subset, "head", "paper")],
        "acc_strict": [None if each == exams.UNREAD else each for each in strict],
        "acc|labels:2023-06": [int(each == 1) for each in exams.outcomes(outputs, subset, "2023-06", "paper")],
    }
    flags = {place: ["unparsed"] for place, each in enumerate(strict) if each == exams.UNREAD}
    read = exams.read(outputs, subset)
    columns: Columns = {"read|paper": [one for one, _ in read], "read|strict": [other for _, other in read]}
    return scores | columns, flags, {}


def _verdicts(system: str, task: str) -> dict[int, dict[str, Any]]:
    """Return what GPT-4's published reviews say of a system's answers, by the item's place."""
    found: dict[int, list[dict[str, Any]]] = {}
    for each, own in _reviews(system, task):
        scores, verdict = each["scores"], each["verdict"]
        entry = {
            "judge": judged.PUBLISHED_JUDGE,
            "opponent": each["system2"] if own == 0 else each["system1"],
            "scores": scores if own == 0 or scores is None else scores[::-1],
            "verdict": verdict if own == 0 else {"win": "lose", "lose": "win"}.get(str(verdict), verdict),
            "evidence": each["evidence"],
            "order": "first" if own == 0 else "second",
        }
        found.setdefault(each["item"], []).append(entry)
    return {item: {"verdicts": said} for item, said in found.items()}


def _reviews(system: str, task: str) -> Iterator[tuple[Any, int]]:
    """Yield the reviews of a system's answers to a task, and its place in each: 0 for BayLing, 1 for an opponent."""
    files = [file for file in judged.FILES if judged.task_of(file) == task]
    for opponent, name in reviews.OPPONENTS.items():
        if system not in (reviews.SYSTEM, name):
            continue
        own = 0 if system == reviews.SYSTEM else 1
        for file in files:
            try:
                given = judge.reviews_of(opponent, file)
            except NotInReach:
                continue
            for each in given:
                yield each, own


def parts_of(board: Board, cells: Mapping[Any, Any]) -> dict[str, list[tuple[str, list[str]]]]:
    """Return for each task the systems, and the states that one set of their answers serves, that have numbers there.

    Exams are answered once, whatever labels they are scored against; another form of the prompt is another answer.
    """
    found: dict[str, dict[tuple[str, bool], dict[str, None]]] = {}
    for (system, place), cell in cells.items():
        if cell.source == "reproduced" and place.task in task_index.all_tasks():
            asked_in_chinese = "prompt:zh" in place.state.split("|")
            found.setdefault(place.task, {}).setdefault((system, asked_in_chinese), {})[place.state] = None
    if judged.uses_reviews(board):
        reviewed = [reviews.SYSTEM, *reviews.OPPONENTS.values()]
        for task in map(judged.task_of, judged.FILES):
            found.setdefault(task, {}).update({(name, False): {"": None} for name in reviewed if name in board.systems})
    return {
        task: [(system, sorted(states, key=_plain_first)) for (system, _), states in of.items()]
        for task, of in found.items()
    }


def _plain_first(state: str) -> tuple[bool, str]:
    return (state not in ("", "labels:head", "prompt:zh"), state)
