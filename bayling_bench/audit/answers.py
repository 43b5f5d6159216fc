"""A system's answers to a task, wherever they lie: BayLing's release, WMT22's submissions, or a run folder."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from bayling_bench import record, task_index
from bayling_bench.audit.reach import NotInReach, NoValue, require
from bayling_bench.config import TaskOptions
from bayling_bench.data import catalogue, published, wmt22
from bayling_bench.documents import Documents
from bayling_bench.errors import DataError

ORIGINS = "published:SYSTEM (BayLing's release), wmt22:NAME (a submission to WMT22) or run:FOLDER"


def first_answers(outputs: str, task: str, prompt: str = "en") -> tuple[str, ...]:
    """Return a system's first answer to each item of a task of the index.

    ``outputs`` is one of `ORIGINS`; ``prompt`` is the prompt's language, ``en`` or ``zh``. Raises NotInReach where the
    answers or the questions are not on this machine, NoValue where nobody released any, DataError where they do not
    belong together.
    """
    TaskOptions(prompt_form=prompt)  # refuses another language
    require(_questions(task), f"bayling-bench fetch {task}")
    origin, _, name = outputs.partition(":")
    if origin == "run":
        return _of_run(Path(name), task, prompt)
    require([output_file(outputs, task, prompt)], _fetch(origin, name))
    return _read(outputs, task, prompt)


@lru_cache(maxsize=256)
def _read(outputs: str, task: str, prompt: str) -> tuple[str, ...]:
    origin = outputs.partition(":")[0]
    file = output_file(outputs, task, prompt)
    if origin == "wmt22":
        found = published.align(file, published.read_lines(file), documents(task))
    else:
        found = published.answers(file, documents(task))
    return tuple(answer.texts[0] for answer in found)


def _of_run(folder: Path, task: str, prompt: str) -> tuple[str, ...]:
    if not folder.is_dir():
        raise NotInReach(str(folder), f"bayling-bench run -o {folder} -m MODEL -t {task}")
    run = record.load(folder)
    if not run.finished:
        raise NotInReach(f"the end of {folder}", f"bayling-bench run --resume {folder}")
    if prompt != run.settings["options"]["prompt_form"] and documents(task)[0].get("source"):
        what = f"{task} of {folder}, asked for in {prompt!r},"
        raise NotInReach(what, f"bayling-bench run -t {task} --prompt {prompt}")
    found = []
    for place, (item, document) in enumerate(zip(run.items(task), documents(task), strict=False)):
        if item["index"] != place or any(document.get(name) != value for name, value in item["doc"].items()):
            raise DataError(f"{folder / 'items' / task}.jsonl, line {place + 1}: the item is not that of {task} today.")
        found += [] if item["unscored"] else [item["turns"][0]["response"]]
    if len(found) != len(documents(task)):
        what = f"the whole of {task} of {folder} ({len(found)} of {len(documents(task))} items answered)"
        raise NotInReach(what, f"bayling-bench run -m {run.settings['model']['spec']} -t {task}")
    return tuple(found)


@lru_cache(maxsize=128)
def _questions(task: str) -> list[catalogue.File]:
    return task_index.all_tasks()[task].files(TaskOptions())


@lru_cache(maxsize=1024)
def output_file(outputs: str, task: str, prompt: str) -> catalogue.File:
    """Return the catalogue entry of a system's outputs; NoValue where there are none."""
    origin, _, name = outputs.partition(":")
    asked = task_index.all_tasks()[task]
    if origin == "wmt22":
        source, target = asked.languages
        return catalogue.find(
            wmt22.REPOSITORY, f"txt/system-outputs/generaltest2022.{source}-{target}.hyp.{name}.{target}"
        )
    if origin != "published":
        raise DataError(f"outputs {outputs!r}: answers are read from {ORIGINS}")
    file = published.output_file(published.check_system(name), asked, prompt)
    if file is None:
        raise NoValue(f"{name}: no answers to {task} were released")
    return file


@lru_cache(maxsize=64)
def documents(task: str, labels: str = "head") -> Documents:
    """Return the items of a task of the index, once read."""
    return task_index.all_tasks()[task].documents(TaskOptions(label_state=labels))


def _fetch(origin: str, name: str) -> str:
    return "bayling-bench fetch all" if origin == "wmt22" else f"bayling-bench fetch published:{name}"
