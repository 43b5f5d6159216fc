"""Serving: a model is handed over to a server that others keep, vLLM or ``transformers serve``.

Either takes the chat template from the tokenizer, where an export carries it. The command replaces this process, so
that signals and exit code are the server's own.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from reference_model.conversation import jinja, load_template
from reference_model.errors import ModelError, did_you_mean
from reference_model.model_source import Source
from reference_model.settings import TemplateChoice

ENGINES = ("auto", "vllm", "transformers")
SERVING = ("fastapi", "uvicorn")
"""What `transformers serve` needs beside transformers."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a server listens."""

    host: str = "127.0.0.1"
    """Name or address; 0.0.0.0 for all of this machine's."""
    port: int = 8000
    """TCP port."""

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise ModelError(f"--port {self.port} is no port: 1 to 65535.")

    @property
    def url(self) -> str:
        """Return the base address for a client on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/v1"


def command(source: Source, engine: str, address: Address, form: TemplateChoice, more: Sequence[str]) -> list[str]:
    """Return the command that serves a model, with the server's own options ``more`` at its end.

    Raises ModelError for a model that servers do not take and for an engine that is unknown or not installed.
    """
    if engine not in ENGINES:
        raise ModelError(f"--engine {engine!r} is unknown.{did_you_mean(engine, ENGINES)} Known: {', '.join(ENGINES)}.")
    if source.gguf_file:
        raise ModelError(f"{source}: servers are given folders and hub ids; `bayling-model chat` reads GGUF files.")
    if not form.name and not _has_template(source):
        raise ModelError(f"The tokenizer in {source} has no chat template. With vLLM, name the form: --template NAME")
    program = _vllm() if engine in ("auto", "vllm") else None
    if program:
        chosen = ["--chat-template", _template_file(source, form)] if form.name else []
        model = ["serve", source.name, *chosen]
    elif engine == "vllm":
        raise ModelError("--engine vllm: vLLM is not installed. pip install 'bayling-bench[vllm]', or another engine.")
    else:
        program, model = _transformers(), ["serve", *_forced(source)]
        if form.name:
            raise ModelError("--template needs vLLM; transformers serves the template that the tokenizer carries.")
    return [program, *model, "--host", address.host, "--port", str(address.port), *more]


def hand_over(words: Sequence[str]) -> NoReturn:
    """Become the server."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(words[0], list(words))


def _has_template(source: Source) -> bool:
    """Return whether a folder's tokenizer carries a template; True for a hub id, which the server will look at."""
    folder = Path(source.name)
    if not folder.is_dir() or (folder / "chat_template.jinja").is_file():
        return True
    config = folder / "tokenizer_config.json"
    return config.is_file() and bool(json.loads(config.read_text(encoding="utf-8")).get("chat_template"))


def _vllm() -> str | None:
    """Return vLLM's program: of this environment, or one on the PATH, as its dependencies often want it."""
    return _beside("vllm") or shutil.which("vllm")


def _transformers() -> str:
    missing = [name for name in SERVING if find_spec(name) is None]
    program = _beside("transformers")
    if missing or program is None:
        raise ModelError(
            f"No server is installed: not vLLM, and of transformers' own {' and '.join(missing) or 'the program'} is "
            "missing. pip install 'transformers[serving]', or on a machine with GPUs pip install 'bayling-bench[vllm]'."
        )
    return program


def _beside(name: str) -> str | None:
    return shutil.which(name, path=str(Path(sys.executable).parent))


def _forced(source: Source) -> list[str]:
    """Return how ``transformers serve`` is told its model: by option before version 5."""
    return [source.name] if int(version("transformers").split(".")[0]) >= 5 else ["--force-model", source.name]


def _template_file(source: Source, form: TemplateChoice) -> str:
    """Write a template for vLLM to read, and return the file's name; the server may start again, so it stays."""
    tokenizer = None
    if (Path(source.name) / "tokenizer_config.json").is_file():
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(source.name)
    opening = Path(form.opening_file) if form.opening_file else None
    text = jinja(load_template(form.name, opening_file=opening, tokenizer=tokenizer))
    with tempfile.NamedTemporaryFile(
        "w", suffix=".jinja", prefix=f"{Path(form.name).stem}-", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    return file.name
