"""Hugging Face folders, hub ids and GGUF files, through lm-eval's ``hf`` back-end."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import torch
from lm_eval.models import huggingface as back_end

from bayling_bench.config import ModelOptions
from bayling_bench.errors import ModelError
from bayling_bench.models.details import Detail
from bayling_bench.models.spec import ModelSpec

CPU_BATCH_SIZE = 16
# lm-eval's registering decorator hides the class from type checkers.
_HFLM: Any = back_end.HFLM


class HuggingFace(_HFLM):
    """lm-eval's back-end, which also tells how long each answer was and whether it ended by itself."""

    batch_sensitive = True

    def __init__(self, **kwargs: Any) -> None:
        self.details: deque[Detail] = deque()
        super().__init__(**kwargs)

    def _model_generate(self, context: torch.Tensor, max_length: int, stop: list[str], **kwargs: Any) -> torch.Tensor:
        output = super()._model_generate(context=context, max_length=max_length, stop=stop, **kwargs)
        start = context.shape[1]
        for row in output[:, start:].tolist():
            self.details.append(self._detail(row, max_length - start, stop))
        return output

    def _detail(self, tokens: list[int], budget: int, stop: list[str]) -> Detail:
        ends = self.model.generation_config.eos_token_id
        ends = {self.eot_token_id, *(ends if isinstance(ends, list) else [ends])}
        length = next((place + 1 for place, token in enumerate(tokens) if token in ends), None)
        if length is not None:
            return Detail(length, "stop")
        text = self.tok_decode(tokens, skip_special_tokens=False)  # type: ignore[arg-type]
        ended = len(tokens) < budget or any(word in text for word in stop)
        return Detail(len(tokens), "stop" if ended else "length")


def load(spec: ModelSpec, options: ModelOptions, batch_size: int | None) -> HuggingFace:
    """Load a model; ``batch_size`` None finds the largest that fits (16 on CPU).

    Raises ModelError when the files cannot be had or read.
    """
    arguments: dict[str, Any] = {"pretrained": spec.name, "revision": options.revision or "main"}
    if spec.kind == "gguf":
        path = Path(spec.name).expanduser().resolve()
        arguments |= {"pretrained": str(path.parent), "gguf_file": path.name}
    elif spec.local_path is not None:
        arguments["pretrained"] = str(spec.local_path.resolve())
    on_gpu = torch.cuda.is_available() and not (options.device or "").startswith("cpu")
    try:
        model = HuggingFace(
            **arguments,
            dtype=options.dtype,
            device=options.device or ("cuda" if on_gpu else "cpu"),
            batch_size=batch_size or ("auto" if on_gpu else CPU_BATCH_SIZE),
            trust_remote_code=options.trust_remote_code,
        )
    except ImportError as error:
        raise ModelError(f"--model {spec.text}: {error}. For GGUF files: pip install 'bayling-bench[gguf]'.") from error
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"--model {spec.text} cannot be loaded: {_first_line(error)}{_hint(spec)}") from error
    if model.batch_size == "auto":
        model.batch_size_per_gpu = model._detect_batch_size()
    return model


def _hint(spec: ModelSpec) -> str:
    if spec.local_path is not None:
        return ""
    return f" Without network: `hf download {spec.name}` where there is one, and give the folder that it prints."


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
