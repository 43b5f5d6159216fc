"""Runs inside unbabel-comet's own environment, and imports nothing of ours: scores the segments of a job file.

``python reference_worker.py JOBS RESULTS``: JOBS is a list of ``{"checkpoint": PATH, "encoders": {NAME: DIR},
"batch_size": 16, "embedding_cache": false, "threads": 1, "systems": [[{"src", "mt", "ref"}]]}``; RESULTS gets a list of
``{"scores": [[…]], "seconds": […], "processor": […]}``, the times of each system's predict alone.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path


def main(jobs_file: str, results_file: str) -> None:
    """Score the jobs of a file, and write the results."""
    jobs = json.loads(Path(jobs_file).read_text(encoding="utf-8"))
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    results = [score(job, Path(jobs_file).parent / f"job{number}") for number, job in enumerate(jobs)]
    Path(results_file).write_text(json.dumps(results), encoding="utf-8")


def score(job: dict, place: Path) -> dict:
    """Return scores and times of a job."""
    import torch
    from comet import load_from_checkpoint  # pyright: ignore

    torch.set_num_threads(job["threads"])
    place.mkdir()
    os.chdir(place)
    _answer(job["encoders"])
    model = load_from_checkpoint(job["checkpoint"], local_files_only=True)
    options = {"batch_size": job["batch_size"], "gpus": 0, "progress_bar": False}
    # Whatever is set up at the first call is nobody's speed.
    model.predict(job["systems"][0][:16], **options)
    if job["embedding_cache"]:
        model.set_embedding_cache()
    scores, seconds, processor = [], [], []
    for system in job["systems"]:
        start, used = time.perf_counter(), time.process_time()
        scores.append(model.predict(system, **options)["scores"])
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return {"scores": scores, "seconds": seconds, "processor": processor}


_FOLDERS: dict[str, str] = {}
"""Folders of the job's encoders, by the names that its checkpoint gives them."""


def _answer(encoders: dict[str, str]) -> None:
    """Let folders answer to encoders' names, whatever those are: a checkpoint must not say what is written where."""
    from comet.encoders import str2encoder  # pyright: ignore

    if not _FOLDERS:
        loaders = {encoder: encoder.from_pretrained for encoder in set(str2encoder.values())}
        for encoder, loader in loaders.items():
            encoder.from_pretrained = _loader(loader)
    _FOLDERS.clear()
    _FOLDERS.update(encoders)
    for name, folder in encoders.items():
        # MiniLM asks for its tokenizer by a name of its own, which is looked up as a folder first, from where we are.
        if re.fullmatch(r"\w[\w.-]*", name):
            Path(name).symlink_to(folder, target_is_directory=True)


def _loader(loader: Callable) -> Callable:
    """Return an encoder's loader that reads the job's folders."""

    def load(name: str, *arguments: object, **options: object) -> object:
        return loader(_FOLDERS.get(name, name), *arguments, **options)

    return load


if __name__ == "__main__":
    main(*sys.argv[1:])
