"""`bayling-model serve`: the command for each engine, and a real server that OpenAI's client and the harness ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from model_server import served

from reference_model import serve
from reference_model.conversation import jinja, load_template
from reference_model.errors import ModelError
from reference_model.model_source import Source
from reference_model.serve import Address
from reference_model.settings import TemplateChoice

from .made_up_texts import llama_like
from .test_chat import generated, make_model

OWN = TemplateChoice(name="")
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def model(chatml_tokenizer, tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("served") / "model", chatml_tokenizer, 2048)


@pytest.fixture
def vllm(tmp_path, monkeypatch):
    """A program of that name on the PATH, which tells how it was called."""
    program = tmp_path / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s|" "$@"\nexit 7\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    return program


def test_vllm_serves_where_it_is_installed_and_transformers_elsewhere(model, vllm, monkeypatch):
    address = Address(host="0.0.0.0", port=8001)
    tail = ["--host", "0.0.0.0", "--port", "8001", "--dtype", "half"]
    source, more = Source(str(model)), ["--dtype", "half"]
    transformers = [str(BIN / "transformers"), "serve", str(model), *tail]
    assert serve.command(source, "auto", address, OWN, more) == [str(vllm), "serve", str(model), *tail]
    assert serve.command(source, "transformers", address, OWN, more) == transformers
    vllm.unlink()
    assert serve.command(source, "auto", address, OWN, more) == transformers
    monkeypatch.setattr(serve, "version", lambda name: "4.57.1")
    assert serve.command(source, "auto", address, OWN, [])[1:4] == ["serve", "--force-model", str(model)]


def test_a_tokenizer_without_a_form_is_served_with_a_named_one(vllm, tmp_path):
    folder = make_model(tmp_path / "plain", llama_like(), 64)
    with pytest.raises(ModelError, match="--template NAME"):
        serve.command(Source(str(folder)), "auto", Address(), OWN, [])
    (tmp_path / "opening.txt").write_text("Below is a dialog.\n")
    form = TemplateChoice(name="bayling_v1", opening_file=str(tmp_path / "opening.txt"))
    words = serve.command(Source(str(folder)), "auto", Address(), form, [])
    written = Path(words[words.index("--chat-template") + 1])
    assert written.read_text() == jinja(load_template("bayling_v1", opening_file=tmp_path / "opening.txt"))
    written.unlink()


def test_what_cannot_be_served_is_told(model, tmp_path, monkeypatch):
    source = Source(str(model))
    monkeypatch.setenv("PATH", str(tmp_path))
    for arguments, words in (
        ((source, "vlm", Address(), OWN, []), "Did you mean vllm"),
        ((source, "vllm", Address(), OWN, []), r"pip install 'bayling-bench\[vllm\]'"),
        ((source, "auto", Address(), TemplateChoice(name="chatml"), []), "--template needs vLLM"),
        ((Source(str(tmp_path), "x.gguf"), "auto", Address(), OWN, []), "reads GGUF files"),
    ):
        with pytest.raises(ModelError, match=words):
            serve.command(*arguments)
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"fastapi and uvicorn is missing\. pip install 'transformers\[serving\]'"):
        serve.command(source, "auto", Address(), OWN, [])
    with pytest.raises(ModelError, match="--port 70000"):
        Address(port=70000)
    assert Address(host="::1").url == "http://[::1]:8000/v1"


def verb(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "reference_model.cli", "serve", *map(str, arguments)]


def test_the_server_takes_this_process_over(model, vllm):
    done = subprocess.run(verb(model, "--port", 9000, "--", "--seed", 3), capture_output=True, text=True)
    assert done.returncode == 7
    assert done.stdout == f"serve|{model}|--host|127.0.0.1|--port|9000|--seed|3|"
    assert f"bayling-bench run --model openai:{model} --base-url http://127.0.0.1:9000/v1" in done.stderr
    done = subprocess.run(verb(model, "--print"), capture_output=True, text=True, check=True)
    assert done.stdout == f"{vllm} serve {model} --host 127.0.0.1 --port 8000\n"


@pytest.mark.slow
def test_transformers_serves_what_the_client_and_the_harness_ask(model, tmp_path):
    from openai import OpenAI

    def words(port: int) -> list[str]:
        return verb(model, "--engine", "transformers", "--port", port, "--", "--dtype", "float32")

    with served(words, tmp_path / "log", {**os.environ, "HF_HUB_OFFLINE": "1"}) as url:
        talk = [{"role": "system", "content": "Kurz."}, {"role": "user", "content": "I drink tea."}]
        client = OpenAI(base_url=url, api_key="none")
        said = client.chat.completions.create(model=str(model), messages=talk, temperature=0, max_tokens=5)  # type: ignore
        assert said.choices[0].message.content == generated(model, talk, 5)
        done = subprocess.run(
            [
                BIN / "bayling-bench", "run", "--model", f"openai:{model}", "--base-url", url, "--limit", "2",
                "--tasks", "mini_translation_en_de", "--set", "max_tokens=4", "-o", tmp_path / "run", "--no-report",
            ],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        rows = [json.loads(line) for line in (tmp_path / "run" / "items" / "mini_translation_en_de.jsonl").open()]
        assert len(rows) == 2 and all(row["turns"][0]["response"] for row in rows)
