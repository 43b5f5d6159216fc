"""A server that nobody here wrote, with a model far too small to judge: ``transformers serve`` with SmolLM2-135M."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Cli, cli_environment, read_lines
from judge_runs import make_run, words
from model_server import served

from bayling_bench.judge import results

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exported(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2 as a folder of plain weights: the server takes no GGUF file of this kind."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("models") / "smollm2"
    where = {"pretrained_model_name_or_path": smollm2.parent, "gguf_file": smollm2.name}
    packed = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    config = packed.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(packed.state_dict())
    plain.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**where).save_pretrained(folder)
    return folder


@pytest.fixture
def address(exported: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a running server."""
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(exported), "--device", "cpu", "--port"]
    with served(lambda port: [*command, str(port)], tmp_path / "server.log", cli_environment()) as url:
        yield url


def test_the_record_says_that_the_verdict_of_a_tiny_judge_cannot_be_read(address, exported, cli: Cli, tmp_path):
    make_run(tmp_path / "one", "one", words("one", 8))
    make_run(tmp_path / "two", "two", words("two", 2))
    command = (
        "judge", tmp_path / "one", "--against", tmp_path / "two", "-j", f"openai:{exported}", "--base-url", address,
        "-p", "bayling_2023", "--limit", 1, "--set", "max_tokens=8", "--no-report",
    )  # fmt: skip
    done = cli(*command)
    (found,) = results.read_all(tmp_path / "one")
    assert found["complete"] and found["overall"]["items"] == 1
    (failure,) = found["overall"]["failures"]
    assert failure in ("parse_failure", "truncation", "refusal") and found["overall"]["judged"] == 0
    assert done.returncode == 2 and "questions have no verdict" in done.stderr and "Traceback" not in done.stderr
    assert found["judge"]["snapshot"] and found["usage"]["tokens"] >= 4 and found["usage"]["prompt_tokens"] > 400
    (row,) = read_lines(tmp_path / "one" / "judgements" / f"{found['name']}.jsonl")
    assert (row["attempts"], row["scores"], row["failure_kind"]) == (2, None, failure)
