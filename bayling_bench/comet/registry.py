"""Which checkpoint a metric's name means, and where it lies on this machine.

``comet`` is Unbabel/wmt22-comet-da, the paper's metric, and ``cometkiwi`` Unbabel/wmt22-cometkiwi-da, both at a pinned
revision; ``comet:PATH_OR_ID`` is any other checkpoint, ``ID@REVISION`` one revision of it. The variable
``BAYLING_BENCH_COMET`` gives ``comet`` another meaning on a machine. Checkpoints of the hub lie in its own cache, which
unbabel-comet uses too; what ``fetch`` brought, and its sha256, is written to ``comet/fetched.json`` in our cache.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from bayling_bench.comet.checkpoint import folder_of, model_file, sha256_of
from bayling_bench.config import COMET_METRICS, check_metric
from bayling_bench.data import store
from bayling_bench.errors import ModelError
from bayling_bench.record import write_json

VARIABLE = "BAYLING_BENCH_COMET"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A checkpoint on the hub, as it must be."""

    hub_id: str
    revision: str | None = None
    """Commit, tag or branch; None: the one fetched, or the newest."""
    sha256: str | None = None
    """Of ``model.ckpt``; None where nothing is known of it yet."""
    reads_references: bool | None = None
    """Whether scores depend on a reference; None where nothing is known of it yet."""


KNOWN = {
    "comet": Entry(
        hub_id="Unbabel/wmt22-comet-da",
        revision="2760a223ac957f30acfb18c8aa649b01cf1d75f2",
        sha256="e213091cde220f97b89f8bdfa750c458cfea741ad62affb455b59900210ff2af",
        reads_references=True,
    ),
    "cometkiwi": Entry(
        hub_id="Unbabel/wmt22-cometkiwi-da",
        revision="1ad785194e391eebc6c53e2d0776cada8f83179a",
        sha256="4f357aa38b0737dcd502f166238c99711ff3419d7b5c8cdf9cde08525a8e7858",
        reads_references=False,
    ),
}

_HUB_ID = re.compile(r"(?P<hub_id>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


class NoCheckpoint(ModelError):
    """A COMET checkpoint is not on this machine; the message names the command that brings it."""


@dataclass(frozen=True)
class Found:
    """A checkpoint folder on this machine."""

    folder: Path
    name: str
    """For signatures."""
    sha256: str


def key_of(metric: str) -> str:
    """Return a metric's name in tables: ``comet``, ``cometkiwi``, or ``comet:`` and the checkpoint's short name."""
    if metric in COMET_METRICS:
        return metric
    text = metric.removeprefix("comet:")
    path = Path(text).expanduser().absolute()
    if not path.exists():
        path = Path(text.partition("@")[0])
    return f"comet:{(path.parent.parent if path.suffix == '.ckpt' else path).name}"


def meaning(metric: str) -> Entry | Path:
    """Return the hub checkpoint or the path that a metric means. BenchError when it is neither."""
    check_metric(metric)
    text = metric.removeprefix("comet:")
    if metric == "comet":
        text = os.environ.get(VARIABLE) or metric
    if text in KNOWN:
        return KNOWN[text]
    path = Path(text).expanduser()
    if path.exists():
        return path
    match = _HUB_ID.fullmatch(text)
    if match is None or text.startswith((".", "~")):
        raise NoCheckpoint(
            f"COMET checkpoint {text}: there is no such folder, and it is no hub id of the form OWNER/NAME. "
            "For example: --metrics comet, or --metrics comet:path/to/wmt22-comet-da"
        )
    pinned = next((entry for entry in KNOWN.values() if entry.hub_id == match["hub_id"]), None)
    if pinned and match["revision"] in (None, pinned.revision):
        return pinned
    return Entry(hub_id=match["hub_id"], revision=match["revision"])


def name_of(metric: str) -> str:
    """Return the name that signatures give a metric's checkpoint, whether or not it is on this machine."""
    text = metric.removeprefix("comet:")
    if text in KNOWN:
        return KNOWN[text].hub_id
    return text.partition("@")[0] if _HUB_ID.fullmatch(text) and not Path(text).exists() else Path(text).name


def known(metric: str) -> Entry | None:
    """Return what is known of a metric's published checkpoint, whatever a name means on this machine."""
    text = metric.removeprefix("comet:")
    by_id = {name: entry for entry in KNOWN.values() for name in (entry.hub_id, f"{entry.hub_id}@{entry.revision}")}
    return KNOWN.get(text) or (None if Path(text).exists() else by_id.get(text))


def find(metric: str) -> Found:
    """Return the checkpoint of a metric.

    NoCheckpoint when it is not on this machine; ModelError when it is of another format, or its weights are not those
    of the record.
    """
    meant = meaning(metric)
    if isinstance(meant, Path):
        folder = folder_of(meant)
        digest = sha256_of(model_file(folder))
        published = next((entry.hub_id for entry in KNOWN.values() if entry.sha256 == digest), None)
        return Found(folder, published or folder.absolute().name, digest)
    expected = recorded(meant)
    folder = _cached(expected)
    if folder is None:
        asked = metric if metric in COMET_METRICS else f"comet:{meant.hub_id}"
        raise NoCheckpoint(
            f"COMET's checkpoint {meant.hub_id} is not on this machine. With a network: bayling-bench fetch {asked}. "
            "Without: bring its folder here (hparams.yaml, checkpoints/model.ckpt) and give --metrics comet:FOLDER, or "
            f"set {VARIABLE}=FOLDER."
        )
    check_sha256(expected, folder)
    return Found(folder, meant.hub_id, sha256_of(model_file(folder)))


def check_sha256(entry: Entry, folder: Path) -> None:
    """Raise ModelError unless the weights in a folder are those that are expected."""
    found = sha256_of(model_file(folder))
    if entry.sha256 is not None and found != entry.sha256:
        raise ModelError(
            f"{model_file(folder)} is not the file on record for {entry.hub_id}: damaged, or of another revision.\n"
            f"  expected sha256 {entry.sha256}\n  found    sha256 {found}\n"
            f"Remove it and `bayling-bench fetch comet:{entry.hub_id}`; to score with it as it is, "
            f"--metrics comet:{folder}"
        )


def record(entry: Entry) -> None:
    """Write down what was fetched: ``revision`` is the commit; the last one written is what no revision means."""
    kept = _fetched()
    key = f"{entry.hub_id}@{entry.revision}"
    kept.pop(key, None)
    kept[key] = {"sha256": str(entry.sha256)}
    write_json(_record_file(), kept)


def recorded(entry: Entry) -> Entry:
    """Return the entry with what ``fetch`` wrote down of it, where nothing else is known."""
    if entry.sha256 is not None:
        return entry
    commits = [key.partition("@")[2] for key in _fetched() if key.partition("@")[0] == entry.hub_id]
    commit = _commit_of(entry) if entry.revision else next(reversed(commits), None)
    if commit not in commits:
        return entry
    return Entry(hub_id=entry.hub_id, revision=commit, sha256=_fetched()[f"{entry.hub_id}@{commit}"]["sha256"])


def _cached(entry: Entry) -> Path | None:
    """Return the checkpoint's folder in the hub's cache: of the revision, or else of any whose weights are expected."""
    from huggingface_hub.constants import HF_HUB_CACHE

    repository = Path(HF_HUB_CACHE) / f"models--{entry.hub_id.replace('/', '--')}"
    commit = _commit_of(entry)
    snapshots = [folder for folder in (repository / "snapshots").glob("*") if model_file(folder).is_file()]
    named = [folder for folder in snapshots if folder.name == commit]
    if named or entry.sha256 is None:
        return (named or [None])[0]
    return next((folder for folder in snapshots if sha256_of(model_file(folder)) == entry.sha256), None)


def _commit_of(entry: Entry) -> str | None:
    """Return the commit that an entry's tag or branch, or main, stood for when it was last looked up."""
    from huggingface_hub.constants import HF_HUB_CACHE

    repository = Path(HF_HUB_CACHE) / f"models--{entry.hub_id.replace('/', '--')}"
    reference = repository / "refs" / (entry.revision or "main")
    return reference.read_text().strip() if reference.is_file() else entry.revision


def _fetched() -> dict[str, dict[str, str]]:
    """Return the record, ``{"OWNER/NAME@COMMIT": {"sha256": …}}``, without what is not of this form."""
    try:
        kept = json.loads(_record_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {
        key: value
        for key, value in kept.items()
        if "@" in key and isinstance(value, dict) and isinstance(value.get("sha256"), str)
    }


def _record_file() -> Path:
    return store.cache_dir() / "comet" / "fetched.json"
