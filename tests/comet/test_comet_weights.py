"""A checkpoint is data: whatever would have to run is refused, whatever is not a checkpoint is named."""

from __future__ import annotations

import argparse
import os
import pickle
import shutil
import sys
import types
import zipfile
from pathlib import Path

import pytest
import torch
import yaml

from bayling_bench.comet import encoder, weights
from bayling_bench.comet.checkpoint import folder_of, model_file, open_checkpoint
from bayling_bench.errors import ModelError
from comet.conftest import metric_of


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"echo I ran > {self.path}",)


def opened(folder: Path):
    return open_checkpoint(folder_of(folder), "tiny", weights.read(model_file(folder)), "0" * 64)


def copy_of(checkpoint: Path, folder: Path, *, content: dict | None = None, hparams: dict | None = None) -> Path:
    """A checkpoint with some of its settings changed."""
    stated = yaml.safe_load((checkpoint / "hparams.yaml").read_text(encoding="utf-8"))
    loaded = torch.load(model_file(checkpoint), weights_only=True)
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "hparams.yaml").write_text(yaml.safe_dump({**stated, **(hparams or {})}), encoding="utf-8")
    torch.save({**loaded, **(content or {})}, model_file(folder))
    return folder


def test_pickled_code_is_refused_and_does_not_run(make_checkpoint, tmp_path: Path):
    trace = tmp_path / "trace"
    folder = copy_of(make_checkpoint(), tmp_path / "evil", content={"callbacks": Evil(trace)})
    with pytest.raises(ModelError, match=r"holds pickled code \(posix\.system\), which is never run"):
        weights.read(model_file(folder))
    assert not trace.exists()
    with model_file(folder).open("rb") as file:  # it is a real one: torch without weights_only runs it
        torch.load(file, weights_only=False)
    assert trace.read_text() == "I ran\n"


def test_classes_of_lightning_become_empty_stand_ins(make_checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    module = types.ModuleType("pytorch_lightning.callbacks")
    callback = type("ModelCheckpoint", (), {"__module__": module.__name__})
    attributes = type("AttributeDict", (dict,), {"__module__": module.__name__})
    module.ModelCheckpoint, module.AttributeDict = callback, attributes
    monkeypatch.setitem(sys.modules, "pytorch_lightning", types.ModuleType("pytorch_lightning"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    wanted = opened(make_checkpoint(pool="max")).settings
    hparams = weights.read(model_file(make_checkpoint(pool="max")))["hyper_parameters"]
    for name, container in {"dict": attributes(hparams), "namespace": argparse.Namespace(**hparams)}.items():
        content = {"callbacks": {callback: {"best": attributes(x=1)}}, "hyper_parameters": container}
        folder = copy_of(make_checkpoint(pool="max"), tmp_path / name, content=content)
        with monkeypatch.context() as without:
            without.delitem(sys.modules, "pytorch_lightning")
            without.delitem(sys.modules, module.__name__)
            assert opened(folder).settings == wanted


def test_what_is_no_checkpoint_is_named(make_checkpoint, tmp_path: Path):
    good = model_file(make_checkpoint())
    bad = {
        "text": b"version https://git-lfs.github.com/spec/v1\n",
        "old": pickle.dumps({"state_dict": {}}),
        "empty": b"",
        "cut": good.read_bytes()[:5000],
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelError, match=name):
            weights.read(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "zip", "w") as file:
        file.writestr("hello", "world")
    with pytest.raises(ModelError, match="zip"):
        weights.read(tmp_path / "zip")
    torch.save({"weights": {}}, tmp_path / "other")
    with pytest.raises(ModelError, match="no `state_dict`"):
        weights.read(tmp_path / "other")


@pytest.mark.parametrize(
    ("hparams", "message"),
    [
        ({"class_identifier": "xcomet_metric"}, "class_identifier 'xcomet_metric'.*Known: regression_metric"),
        ({"class_identifier": "regression_metrik"}, "Did you mean regression_metric"),
        ({"class_identifier": None}, "class_identifier None"),
    ],
)
def test_other_classes_are_named(make_checkpoint, tmp_path: Path, hparams: dict, message: str):
    with pytest.raises(ModelError, match=message):
        opened(copy_of(make_checkpoint(), tmp_path / "other", hparams=hparams))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("encoder_model", "RemBERT", "encoder_model 'RemBERT'.*Known: XLM-RoBERTa"),
        ("pool", "mean", "pool 'mean'"),
        ("activations", "Dance", "activations 'Dance'"),
        ("layer", "middle", "layer 'middle' is neither"),
        ("layer", True, "layer True is neither"),
        ("hidden_sizes", 48, "hidden_sizes 48 is not a list of numbers"),
        ("hidden_sizes", "48,24", "hidden_sizes '48,24' is not a list"),
        ("layer", 9, "layer 9 does not exist; the encoder has 0 to 3"),
        ("hidden_sizes", [7], "does not fit an estimator of its hidden_sizes"),
    ],
)
def test_settings_that_cannot_be_computed_are_named(make_checkpoint, tmp_path: Path, name: str, value, message: str):
    hparams = {**weights.read(model_file(make_checkpoint()))["hyper_parameters"], name: value}
    folder = copy_of(make_checkpoint(), tmp_path / "other", content={"hyper_parameters": hparams})
    with pytest.raises(ModelError, match=message):
        metric_of(folder).network()


@pytest.mark.parametrize("hparams", [["layer", "mix"], "layer: mix"])
def test_hyper_parameters_without_names_are_named(make_checkpoint, tmp_path: Path, hparams):
    folder = copy_of(make_checkpoint(), tmp_path / "other", content={"hyper_parameters": hparams})
    with pytest.raises(ModelError, match="its hyper_parameters are of type"):
        opened(folder)


def test_what_is_no_tensor_is_named(make_checkpoint, tmp_path: Path):
    folder = copy_of(make_checkpoint(), tmp_path / "other", content={"state_dict": {"encoder.model.x": 3}})
    with pytest.raises(ModelError, match=r"'encoder\.model\.x' of its `state_dict` is no tensor"):
        opened(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", '{"hidden_size": "32"}', "gives no encoder"),
        ("config.json", '{"hidden_size": 32, "num_attention_heads": 5}', "gives no encoder"),
        ("config.json", "[1]", "gives no encoder"),
        ("tokenizer.json", "{}", "its tokenizer cannot be read"),
        ("sentencepiece.bpe.model", "junk", "its tokenizer cannot be read"),
    ],
)
def test_an_encoder_of_bad_files_is_named(make_checkpoint, tmp_path: Path, name: str, content: str, message: str):
    place = tmp_path / "encoder"
    shutil.copytree(make_checkpoint() / "encoder", place)
    (place / name).write_text(content)
    with pytest.raises(ModelError, match=message) as raised:
        metric_of(make_checkpoint(), encoder=str(place)).network()
    assert str(place) in str(raised.value)


def test_a_device_that_computes_nothing_is_named(make_checkpoint):
    with pytest.raises(ModelError, match="--comet device=meta"):
        metric_of(make_checkpoint(), device="meta").network()


def test_yaml_is_read_as_data(make_checkpoint, tmp_path: Path):
    folder = copy_of(make_checkpoint(), tmp_path / "other")
    (folder / "hparams.yaml").write_text("class_identifier: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(ModelError, match=r"hparams\.yaml cannot be read as plain YAML"):
        opened(folder)


def test_a_folder_without_weights_is_named(make_checkpoint, tmp_path: Path):
    folder = copy_of(make_checkpoint(), tmp_path / "other")
    assert folder_of(model_file(folder)) == folder
    model_file(folder).unlink()
    with pytest.raises(ModelError, match=r"model\.ckpt does not exist"):
        folder_of(folder)


def test_hparams_mark_models_that_were_trained_with_softmax(make_checkpoint):
    """Unbabel/wmt22-cometkiwi-da says sparsemax inside and sparsemax_patch beside; unbabel-comet then takes softmax."""
    shape = {"kind": "unified_metric", "input_segments": ("mt", "src"), "layer_transformation": "sparsemax"}
    assert opened(make_checkpoint(**shape)).settings.sparse
    assert not opened(make_checkpoint(**shape, more={"layer_transformation": "sparsemax_patch"})).settings.sparse


def test_a_missing_encoder_is_named_with_its_command(make_checkpoint, tmp_path: Path):
    hparams = {**weights.read(model_file(make_checkpoint()))["hyper_parameters"]}
    hparams["pretrained_model"] = "xlm-roberta-gigantic"
    folder = copy_of(make_checkpoint(), tmp_path / "bare", content={"hyper_parameters": hparams})
    with pytest.raises(
        ModelError, match=r"xlm-roberta-gigantic .* is not on this machine.*hf download xlm-roberta-gig"
    ):
        encoder.find(opened(folder), None)
    with pytest.raises(ModelError, match=r"holds no config\.json"):
        encoder.find(opened(folder), tmp_path)
    (folder / "encoder").symlink_to(make_checkpoint() / "encoder")
    assert encoder.find(opened(folder), None).configuration == folder / "encoder"


def test_the_pinned_and_whole_snapshot_of_an_encoder_is_taken(make_checkpoint, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    hparams = {
        **weights.read(model_file(make_checkpoint()))["hyper_parameters"],
        "pretrained_model": "xlm-roberta-large",
    }
    folder = copy_of(make_checkpoint(), tmp_path / "bare", content={"hyper_parameters": hparams})
    hub_id, commit = "FacebookAI/xlm-roberta-large", encoder.REVISIONS["FacebookAI/xlm-roberta-large"]
    snapshots = tmp_path / "hub" / f"models--{hub_id.replace('/', '--')}" / "snapshots"
    for number, name in enumerate((commit, "whole", "partial")):
        shutil.copytree(make_checkpoint() / "encoder", snapshots / name)
        os.utime(snapshots / name, (number, number))
    (snapshots / "partial" / "sentencepiece.bpe.model").unlink()
    assert encoder.find(opened(folder), None).configuration == snapshots / commit
    (snapshots / commit / "config.json").unlink()
    assert encoder.find(opened(folder), None).configuration == snapshots / "whole"


def test_an_encoder_of_another_size_is_named(make_checkpoint):
    other = make_checkpoint(units=64) / "encoder"
    with pytest.raises(ModelError, match=r"does not fit the encoder .* \d+ of another shape"):
        metric_of(make_checkpoint(), encoder=str(other)).network()
    fewer = make_checkpoint(layers=2) / "encoder"
    with pytest.raises(ModelError, match="mixture of layers does not fit an encoder of 2 layers"):
        metric_of(make_checkpoint(), encoder=str(fewer)).network()


def test_a_tokenizer_in_either_form_gives_the_same_ids(make_checkpoint, tmp_path: Path):
    files = encoder.find(opened(make_checkpoint()), None)
    from_model = encoder.Tokenizer(files, "XLM-RoBERTa", 128)
    from_model._backend.save(str(tmp_path / "tokenizer.json"))
    from_json = encoder.Tokenizer(encoder.EncoderFiles("x", files.configuration, tmp_path), "XLM-RoBERTa", 128)
    texts = ["", "Hello  world", "中文，你好。", "a <pad> b", "😀", "word " * 500]
    assert from_model(texts) == from_json(texts)
    assert max(map(len, from_json(texts))) == 126
