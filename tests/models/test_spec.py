"""What ``--model`` may name, and the fingerprint that tells one model's answers from another's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bayling_bench.errors import ModelError
from bayling_bench.models import spec
from bayling_bench.models.spec import fingerprint, parse


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """A folder that looks like a Hugging Face model, and one GGUF file beside it, in the working folder."""
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "my-model"
    model.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    (model / "tokenizer.json").write_text("{}", encoding="utf-8")
    (model / "model.safetensors").write_bytes(bytes(range(256)) * 16)
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    return model


@pytest.mark.parametrize(
    ("text", "kind", "name", "label"),
    [
        ("my-model", "hf", "my-model", "my-model"),
        ("./my-model", "hf", "./my-model", "my-model"),
        ("my-model/", "hf", "my-model/", "my-model"),
        ("hf:my-model", "hf", "my-model", "my-model"),
        ("gpt2", "hf", "gpt2", "gpt2"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "hf", "HuggingFaceTB/SmolLM2-135M-Instruct", "SmolLM2-135M-Instruct"),
        ("hf:org/name_1.5", "hf", "org/name_1.5", "name_1.5"),
        ("small.gguf", "gguf", "small.gguf", "small.gguf"),
        ("gguf:small.gguf", "gguf", "small.gguf", "small.gguf"),
        ("vllm:my-model", "vllm", "my-model", "my-model"),
        ("vllm:org/name", "vllm", "org/name", "name"),
        ("openai:gpt-4o", "openai", "gpt-4o", "gpt-4o"),
        ("openai:llama3:8b", "openai", "llama3:8b", "llama3:8b"),
        ("openai:Qwen/Qwen2.5-7B", "openai", "Qwen/Qwen2.5-7B", "Qwen2.5-7B"),
        ("openai:/models/llama", "openai", "/models/llama", "llama"),
        ("published:bayling-13b", "published", "bayling-13b", "bayling-13b"),
    ],
)
def test_every_form_is_understood(folder: Path, text: str, kind: str, name: str, label: str):
    found = parse(text)
    assert (found.kind, found.name, found.text, found.label) == (kind, name, text, label)
    assert found.generates_only == (kind in ("openai", "published"))


def test_a_path_may_be_absolute_or_in_the_users_home(folder: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert parse(str(folder)).local_path == folder
    assert parse("~/my-model").local_path == folder
    assert parse("gguf:~/small.gguf").local_path == folder.parent / "small.gguf"
    assert parse("org/name").local_path is None and parse("openai:my-model").local_path is None


def test_the_working_folder_itself_has_a_name(folder: Path, monkeypatch):
    monkeypatch.chdir(folder)
    assert parse(".").label == "my-model"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("openai:", r"names no model after `openai:`\. For example: --model openai:NAME"),
        ("published:", "names no model after `published:`"),
        ("hf:", "names no model after `hf:`"),
        ("", "names no model"),
        ("missing.gguf", r"missing\.gguf: there is no such file.*Give the path of a \.gguf file"),
        ("gguf:missing", "there is no such file"),
        ("empty", r"the folder holds no config\.json"),
        ("notes.txt", "a file, but neither a Hugging Face folder nor a .gguf file"),
        ("./missing", "no such folder"),
        ("../missing", "no such folder"),
        ("/no/such/folder", "no such folder, and not of the form of a hub id.*Known forms: PATH, hf:PATH_OR_ID"),
        ("~/missing", "no such folder"),
        ("org/name/more", "no such folder"),
        ("opanai:gpt-4", "no such folder"),
        ("my model", "no such folder"),
        ("vllm:/no/such/folder", "no such folder"),
    ],
)
def test_what_names_no_model_is_refused_with_the_forms_that_do(folder: Path, text: str, complaint: str):
    (folder.parent / "empty").mkdir()
    (folder.parent / "notes.txt").touch()
    with pytest.raises(ModelError, match=complaint):
        parse(text)


def test_the_fingerprint_is_that_of_content_not_of_time_or_place(folder: Path, tmp_path: Path):
    before = fingerprint(folder)
    for file in folder.iterdir():
        os.utime(file, (1, 1))
    assert fingerprint(folder) == before
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert fingerprint(tmp_path / "elsewhere") == before


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_the_fingerprint_changes_with_one_byte(folder: Path, name: str):
    before = fingerprint(folder)
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    assert fingerprint(folder) != before


def test_the_fingerprint_changes_with_the_names_and_the_number_of_files(folder: Path):
    seen = {fingerprint(folder)}
    (folder / "tokenizer.json").rename(folder / "vocab.json")
    seen.add(fingerprint(folder))
    (folder / "added.json").touch()
    seen.add(fingerprint(folder))
    assert len(seen) == 3


def test_of_a_large_file_size_beginning_and_end_count(tmp_path: Path):
    model = tmp_path / "large.gguf"
    size = (spec._SAMPLES + 3) * spec._SAMPLE

    def changed(place: int, length: int = size) -> str:
        with model.open("wb") as file:
            file.truncate(length)
            file.seek(place)
            file.write(b"\1")
        return fingerprint(model)

    places = [0, size // 2, size - 1]
    assert len({*map(changed, places), changed(0, size + 1)}) == 4
    assert changed(0) == changed(0)


def test_a_run_folder_or_hidden_file_within_the_model_changes_nothing(folder: Path):
    before = fingerprint(folder)
    (folder / "runs" / "my-model-1a2b3c4d").mkdir(parents=True)
    (folder / "runs" / "my-model-1a2b3c4d" / "run.json").touch()
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").touch()
    assert fingerprint(folder) == before
