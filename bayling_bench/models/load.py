"""From a specification to a loaded LM, with its chat template and the identity that its answers are kept under."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayling_bench.config import RunConfig
from bayling_bench.errors import ModelError
from bayling_bench.models import templates
from bayling_bench.models.spec import ModelSpec, fingerprint
from bayling_bench.task_index import Task


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to answer."""

    lm: Any
    """lm-eval's ``LM``."""
    template: templates.ChatTemplate
    identity: dict[str, Any]
    """What stands in ``run.json`` under ``model``; part of every journal key."""
    batch_size: int | None
    """Requests in one batch; None for models that take requests one by one."""


def load(spec: ModelSpec, config: RunConfig, tasks: list[Task], batch_size: int | None) -> LoadedModel:
    """Load the model that answers ``tasks``; ``batch_size`` is that of an earlier part of the same run, or None.

    Raises ModelError when the model cannot be loaded or lacks a chat template that a task needs.
    """
    options = config.model_options
    if batch_size is None and options.batch_size != "auto":
        batch_size = int(options.batch_size)
    if spec.kind == "published":
        from bayling_bench.models.published import Published

        lm: Any = Published(spec.name, tasks, config.options.prompt_form)
        return LoadedModel(lm, templates.ChatTemplate("published"), identity(spec, config), None)
    if spec.kind == "baseline":
        from bayling_bench.models import baseline

        return LoadedModel(baseline.load(spec), templates.ChatTemplate("baseline"), identity(spec, config), None)
    if spec.kind == "openai":
        from bayling_bench.models import chat_api

        lm = chat_api.load(spec, options, config.generation.seed)
        return LoadedModel(lm, templates.ChatTemplate("server"), identity(spec, config), None)
    lm = _load_weights(spec, config, batch_size)
    template = templates.resolve(options.chat_template, _own_template(lm.tokenizer))
    _require_template(spec, template, tasks)
    templates.install(template, lm.tokenizer)
    described = identity(spec, config) | _loaded_identity(lm)
    return LoadedModel(lm, template, described, int(lm.batch_size) if spec.kind != "vllm" else batch_size or 256)


def identity(spec: ModelSpec, config: RunConfig) -> dict[str, Any]:
    """Return what identifies the model's answers, as far as it is known without loading it."""
    options = config.model_options
    described: dict[str, Any] = {"spec": spec.text, "kind": spec.kind, "name": spec.label, "revision": options.revision}
    if spec.kind == "openai":
        from bayling_bench.models.endpoint import DEFAULT_URL, redact_url

        return described | {"base_url": redact_url(options.base_url or DEFAULT_URL)}
    if spec.kind == "published":
        return described
    if spec.kind == "baseline":
        from bayling_bench.models import conversations

        read = {"fingerprint": fingerprint(conversations.file_of(spec.data))} if spec.data else {}
        return described | read
    path = spec.local_path or _hub_snapshot(spec, options.revision)
    if path is not None:
        described["fingerprint"] = fingerprint(path)
    return described | {"dtype": options.dtype}


def _load_weights(spec: ModelSpec, config: RunConfig, batch_size: int | None) -> Any:
    if spec.kind == "vllm":
        from bayling_bench.models import vllm

        return vllm.load(spec, config.model_options, config.generation.seed)
    from bayling_bench.models import huggingface

    return huggingface.load(spec, config.model_options, batch_size)


def _loaded_identity(lm: Any) -> dict[str, Any]:
    model = getattr(lm, "model", None)
    if model is None or not hasattr(model, "generation_config"):
        return {}
    settings = model.generation_config.to_diff_dict()
    settings.pop("transformers_version", None)
    return {"dtype": str(model.dtype).removeprefix("torch."), "generation_config": settings}


def _own_template(tokenizer: Any) -> str | None:
    own = getattr(tokenizer, "chat_template", None)
    return own.get("default") if isinstance(own, dict) else own


def _require_template(spec: ModelSpec, template: templates.ChatTemplate, tasks: list[Task]) -> None:
    conversations = [task.name for task in tasks if task.multi_turn]
    if conversations and not template.applies:
        raise ModelError(
            f"--model {spec.text} has no chat template, and {', '.join(conversations)} are conversations. Give "
            f"--chat-template FILE or one of {', '.join(templates.NAMED)}, or choose other tasks with --tasks."
        )


def _hub_snapshot(spec: ModelSpec, revision: str | None) -> Path | None:
    """Return the folder of a hub model that was downloaded before, or None."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(spec.name, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError):
        return None
