"""From a run to a Hugging Face folder that anything can load: safetensors, tokenizer with chat template, model card."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from reference_model import checkpoint, run_folder
from reference_model.errors import TrainingError
from reference_model.files import partial
from reference_model.loss import LossNetwork
from reference_model.network import make_network, merge_adapters
from reference_model.session import last_checkpoint

if TYPE_CHECKING:
    from reference_model.settings import Settings

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


def export(folder: Path, out: Path, dtype: str, step: int | None = None) -> Path:
    """Write the model of a run's last checkpoint, or that of ``step``, to folder ``out``; return the checkpoint.

    TrainingError where ``out`` exists or the run has no such checkpoint.
    """
    from transformers import AutoTokenizer, GenerationConfig

    if out.exists():
        raise TrainingError(f"{out} exists already. Name another folder with -o.")
    chosen = last_checkpoint(folder) if step is None else _checkpoint(folder, step)
    settings = run_folder.settings_of(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    network = LossNetwork(make_network(settings, tokenizer), rows=settings.running.loss_rows)
    checkpoint.load_weights(chosen, network)
    model = network.network
    if settings.adapter.rank:
        merge_adapters(model)
    model.to(dtype=DTYPES[dtype])  # pyright: ignore[reportCallIssue, reportArgumentType]  # transformers wraps it
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    for name, value in ids.items():
        setattr(model.config, name, value)
    model.generation_config = GenerationConfig(**ids)
    with partial(out) as beside:
        model.save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        (beside / "README.md").write_text(card(settings, run_folder.read(folder), chosen), encoding="utf-8")
    return chosen


def _checkpoint(folder: Path, step: int) -> Path:
    last_checkpoint(folder)
    found = {checkpoint.progress(path).step: path for path in checkpoint.complete(folder / "checkpoints")}
    if step not in found:
        raise TrainingError(f"{folder} has no checkpoint of step {step}; it has {', '.join(map(str, found))}.")
    return found[step]


def card(settings: Settings, record: dict[str, Any], chosen: Path) -> str:
    """Return the model card: what it was made from and how, with hashes."""
    reached, data = checkpoint.progress(chosen), record["data"]
    known = data["card"] or {}
    rows = [
        ("steps", f"{reached.step:,}"),
        ("tokens seen", f"{reached.tokens:,}"),
        ("weights at the start", settings.model.pretrained or "random"),
        ("conversations", f"{known['conversations']:,}" if known else "not recorded"),
        ("languages", ", ".join(known.get("languages", [])) or "not recorded"),
        ("sha256 of the conversations", f"`{data['sha256']}`"),
        ("checked against test sentences", _checked(known)),
        ("template", settings.template.name),
        ("versions", ", ".join(f"{name} {version}" for name, version in record["versions"].items())),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    sources = "".join(
        f"| {source['name']} | {source['format']} | {'-'.join(source['languages'])} | "
        f"{source['counts']['conversations']:,} | {_short(source['sha256'].values())} |\n"
        for source in known.get("sources", [])
    )
    listed = f"\n## Sources\n\n| name | form | languages | conversations | sha256 |\n|---|---|---|---|---|\n{sources}"
    note = f"\n{settings.note}\n" if settings.note else ""
    return (
        f"---\nlibrary_name: transformers\npipeline_tag: text-generation\n---\n\n# {settings.name}\n\n"
        f"Trained with `bayling-model`, the reference model of BayLing Bench (arXiv 2306.10968).\n{note}\n"
        f"| what | value |\n|---|---|\n{table}\n{listed if sources else ''}\n## Settings\n\n```json\n"
        f"{json.dumps(settings.to_json(), ensure_ascii=False, indent=1)}\n```\n"
    )


def _checked(known: dict[str, Any]) -> str:
    if "test_sentences" in known:
        return f"{known['test_sentences']['checked against']:,}"
    return "held out as the data was made" if "held out" in known else "not recorded"


def _short(digests: Iterable[str]) -> str:
    return " ".join(f"`{digest[:16]}`" for digest in digests)
