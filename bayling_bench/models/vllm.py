"""vLLM, through lm-eval's back-end of that name."""

from __future__ import annotations

from typing import Any

from bayling_bench.config import ModelOptions
from bayling_bench.errors import ModelError
from bayling_bench.models.spec import ModelSpec


def load(spec: ModelSpec, options: ModelOptions, seed: int) -> Any:
    """Load a model into vLLM.

    Raises ModelError when vLLM is not installed or cannot load the model.
    """
    from lm_eval.api.registry import get_model

    try:
        vllm: Any = get_model("vllm")
        return vllm(
            pretrained=spec.name,
            revision=options.revision,
            dtype=options.dtype,
            trust_remote_code=options.trust_remote_code,
            batch_size="auto",
            seed=seed,
        )
    except ImportError as error:
        raise ModelError(f"--model {spec.text}: vLLM is not installed. pip install 'bayling-bench[vllm]'.") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"--model {spec.text} cannot be loaded by vLLM: {error}") from error
