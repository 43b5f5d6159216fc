"""Export: transformers loads the folder and finds the model, its template and its end token; so does the harness."""

from __future__ import annotations

import json

import pytest
import torch

from reference_model import run_folder, session, settings
from reference_model.conversation import Message, load_template, render
from reference_model.errors import TrainingError
from reference_model.export import export
from reference_model.run_folder import Data
from reference_model.session import Reporter

from .made_up_texts import made_up_pairs


@pytest.fixture(scope="module")
def run(small_config, small_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    chosen = settings.load(str(small_config), ["optimizer.steps=10"])
    quiet = Reporter(say=lambda text: None, step=lambda step, total: None)
    assert session.train(chosen, Data(small_data), folder, resume=False, reporter=quiet)
    return folder


@pytest.fixture(scope="module")
def exported(run):
    export(run, run.parent / "model", "float32")
    return run.parent / "model"


def test_transformers_loads_what_was_trained(run, exported):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(exported), AutoTokenizer.from_pretrained(exported)
    source, target = made_up_pairs(1, seed=9)[0]
    talk = (Message(role="user", content=source), Message(role="assistant", content=target))
    ids = tokenizer.apply_chat_template([message.__dict__ for message in talk], return_dict=True)["input_ids"]
    ours = render(talk, load_template("chatml"), tokenizer)
    assert ids == ours.ids
    assert tokenizer.eos_token == "<|im_end|>" and model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert type(model).__name__ == "LlamaForCausalLM" and model.config.tie_word_embeddings
    with torch.no_grad():
        loss = model(torch.tensor([ids]), labels=torch.tensor([ids])).loss
    assert 3 < float(loss) < 6.5  # ten steps: better than nothing, worse than learned
    assert (exported / "model.safetensors").is_file() and not (exported / "pytorch_model.bin").exists()


def test_the_card_says_from_what_and_how(run, exported):
    card = (exported / "README.md").read_text(encoding="utf-8")
    record = run_folder.read(run)
    assert record["data"]["sha256"] in card and record["data"]["card"]["sources"][0]["sha256"]["a.en"][:16] in card
    assert "| steps | 10 |" in card and "| conversations | 300 |" in card and "| languages | en, zh |" in card
    written = card.partition("```json\n")[2].partition("```")[0]
    assert json.loads(written) == record["settings"]


def test_an_earlier_checkpoint_and_a_smaller_type_can_be_asked_for(run, tmp_path):
    from safetensors.torch import load_file

    assert export(run, tmp_path / "five", "bfloat16", step=5).name == "step-00000005"
    weights = load_file(tmp_path / "five" / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "five" / "config.json").read_text())["dtype"] == "bfloat16"


def test_what_cannot_be_exported_is_said(run, exported, tmp_path):
    with pytest.raises(TrainingError, match="exists already"):
        export(run, exported, "float32")
    with pytest.raises(TrainingError, match=r"no checkpoint of step 7; it has 5, 10"):
        export(run, tmp_path / "x", "float32", step=7)
    with pytest.raises(TrainingError, match="holds no run"):
        export(tmp_path, tmp_path / "x", "float32")
    assert not (tmp_path / "x").exists()
