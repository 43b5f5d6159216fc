"""Brings a COMET checkpoint from the Hugging Face hub into its cache, with its encoder's configuration and tokenizer.

Only what scoring needs is downloaded: two files of the checkpoint, and no weights of the encoder, which are inside it.
``HF_ENDPOINT`` names another hub, ``HF_TOKEN`` opens gated repositories such as cometkiwi's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bayling_bench.comet import encoder, registry, weights
from bayling_bench.comet.checkpoint import model_file, open_checkpoint, sha256_of
from bayling_bench.errors import BenchError, DataError

_CHECKPOINT_FILES = ("hparams.yaml", "checkpoints/model.ckpt", "LICENSE*")


def fetch(metric: str, say: Callable[[str], None]) -> registry.Found:
    """Download what a metric needs, and write down its revision and sha256; files that are there stay.

    BenchError when the metric names a folder; DataError when the hub does not give it; ModelError when the weights are
    not those on record, or the checkpoint is of another format.
    """
    entry = registry.meaning(metric)
    if isinstance(entry, Path):
        raise BenchError(f"fetch {metric}: {entry} is on this machine; there is nothing to fetch.")
    say(f"fetching {entry.hub_id}" + (f" at {entry.revision}" if entry.revision else ""))
    folder = _snapshot(entry.hub_id, entry.revision, _CHECKPOINT_FILES)
    if not model_file(folder).is_file():
        raise DataError(f"{entry.hub_id} holds no checkpoints/model.ckpt, so it is no COMET checkpoint.")
    commit = folder.name
    registry.check_sha256(registry.recorded(replace(entry, revision=commit)), folder)
    digest = sha256_of(model_file(folder))
    opened = open_checkpoint(folder, entry.hub_id, weights.read(model_file(folder)), digest)
    for name in encoder.repositories(opened):
        say(f"fetching {name} (configuration and tokenizer)")
        _snapshot(name, encoder.REVISIONS.get(name), encoder.FILES)
    registry.record(registry.Entry(hub_id=entry.hub_id, revision=commit, sha256=digest))
    return registry.Found(folder, entry.hub_id, digest)


def _snapshot(hub_id: str, revision: str | None, patterns: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=list(patterns)))
    except GatedRepoError:
        raise DataError(
            f"{hub_id} is gated: accept its licence at https://huggingface.co/{hub_id}, then set HF_TOKEN (or `hf auth "
            "login`) and fetch again."
        ) from None
    except RevisionNotFoundError:
        raise DataError(f"{hub_id} has no revision {revision!r}. Leave out @REVISION for the newest.") from None
    except RepositoryNotFoundError:
        raise DataError(
            f"The hub has no repository {hub_id}, or it is private: check the name, or set HF_TOKEN."
        ) from None
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise DataError(
            f"{hub_id} could not be fetched ({str(error).strip().splitlines()[0][:200]}). What was downloaded stays: "
            "fetch again. Without a network, bring the folder from a machine that has one: --metrics comet:FOLDER."
        ) from None
