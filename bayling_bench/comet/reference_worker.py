"""Runs inside unbabel-comet's own environment, and imports nothing of ours: scores the segments of a job file.

``python reference_worker.py JOB RESULT``: JOB is ``{"checkpoint": PATH, "encoders": {NAME: DIR}, "batch_size": 16,
"embedding_cache": false, "threads": 1, "systems": [[{"src", "mt", "ref"}]]}``; RESULT gets ``{"scores": [[…]],
"seconds": […]}``, the seconds of each system's predict alone.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path


def main(job_file: str, result_file: str) -> None:
    """Score a job, and write the result."""
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    import torch
    from comet import load_from_checkpoint  # pyright: ignore

    torch.set_num_threads(job["threads"])
    # An encoder's name is looked up as a folder first, from where we are.
    os.chdir(Path(job_file).parent)
    for name, encoder in job["encoders"].items():
        _stand_in(Path(name), encoder)
    model = load_from_checkpoint(job["checkpoint"], local_files_only=True)
    # Whatever is set up at the first call is nobody's speed.
    model.predict(job["systems"][0][:16], batch_size=job["batch_size"], gpus=0, progress_bar=False)
    if job["embedding_cache"]:
        model.set_embedding_cache()
    scores, seconds = [], []
    for system in job["systems"]:
        start = time.perf_counter()
        found = model.predict(system, batch_size=job["batch_size"], gpus=0, progress_bar=False)
        seconds.append(time.perf_counter() - start)
        scores.append(found["scores"])
    Path(result_file).write_text(json.dumps({"scores": scores, "seconds": seconds}), encoding="utf-8")


def _stand_in(place: Path, encoder: str) -> None:
    """Let a folder answer to an encoder's name."""
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(encoder, target_is_directory=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
