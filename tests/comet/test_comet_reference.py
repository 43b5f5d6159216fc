"""Segment scores are unbabel-comet's, to 1e-5 in fp32, for every class, encoder, pooling and mixture of layers.

Expected: unbabel-comet 2.2.7 in an environment of its own (``bayling-bench comet install-reference``), which loads the
same checkpoints by its own loader. Segments: plain ones, empty ones, very long ones, Chinese, Japanese, emoji, special
tokens typed as text, repeated ones.
"""

from __future__ import annotations

import subprocess
from itertools import cycle, product
from pathlib import Path

import pytest
import torch
from conftest import Cli

from bayling_bench.comet import reference, registry, verify
from bayling_bench.comet.checkpoint import model_file
from bayling_bench.comet.scorer import Segment
from comet.conftest import metric_of, segments

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unbabel")]

REGRESSION, REFERENCELESS, UNIFIED = "regression_metric", "referenceless_regression_metric", "unified_metric"
MIXTURES = (
    {"layer": "mix", "layer_transformation": "softmax", "layer_norm": True},
    {"layer": "mix", "layer_transformation": "sparsemax", "layer_norm": False},
    {"layer": 2, "layer_norm": False},
)
POOLINGS = ("avg", "max", "cls", "default")
SEGMENTS = (("mt", "src"), ("mt", "ref"), ("mt", "src", "ref"))

OTHERS = ("XLM-RoBERTa-XL", "MiniLM", "BERT")

SHAPES = [
    *({"pool": pool, **mixture} for pool, mixture in product(POOLINGS, MIXTURES)),
    *(
        {"kind": REFERENCELESS, "pool": pool, **mixture}
        for pool, mixture in zip(POOLINGS, cycle(MIXTURES), strict=False)
    ),
    *({"kind": UNIFIED, "input_segments": parts, **mixture} for parts, mixture in product(SEGMENTS, MIXTURES)),
    *({"encoder_model": name, "kind": kind} for name, kind in product(OTHERS, (REGRESSION, UNIFIED))),
    *({"encoder_model": name, "pool": pool} for name, pool in zip(OTHERS, ("cls", "default", "max"), strict=True)),
    {"encoder_model": "BERT", "kind": UNIFIED, "input_segments": ("mt", "src")},
    *({"activations": name, "final_activation": "Sigmoid"} for name in ("Sigmoid", "Softsign", "Hardtanh", "tanh")),
    {"kind": UNIFIED, "layer_transformation": "sparsemax", "more": {"layer_transformation": "sparsemax_patch"}},
]


def jobs_of(checkpoints: list[Path], scored: list[Segment]) -> list[reference.Job]:
    return [
        reference.Job(
            checkpoint=model_file(checkpoint), systems=[scored], encoders=metric_of(checkpoint).encoder_folders
        )
        for checkpoint in checkpoints
    ]


def test_scores_are_those_of_unbabel_comet(make_checkpoint):
    checkpoints = [make_checkpoint(**{"seed": seed, **shape}) for seed, shape in enumerate(SHAPES)]
    scored = segments()
    theirs = reference.run_all(jobs_of(checkpoints, scored))
    spread = []
    for shape, checkpoint, found in zip(SHAPES, checkpoints, theirs, strict=True):
        ours = metric_of(checkpoint, batch_tokens=300).score(scored, "A")
        assert ours == pytest.approx(found.scores[0], abs=1e-5), shape
        spread.append(max(ours) - min(ours))
    assert min(spread) > 1e-3, "scores that are all alike would agree with anything"


def test_one_segment_alone_and_twenty_alike(make_checkpoint):
    checkpoints = [make_checkpoint(kind=kind) for kind in (REGRESSION, UNIFIED)]
    one = Segment("Die Brücke ist gesperrt.", "The bridge is closed.", "The bridge is shut.")
    asked = [(checkpoint, scored) for checkpoint in checkpoints for scored in ([one], [one] * 20)]
    found = reference.run_all([jobs_of([checkpoint], scored)[0] for checkpoint, scored in asked])
    for (checkpoint, scored), theirs in zip(asked, found, strict=True):
        assert metric_of(checkpoint).score(scored, "A") == pytest.approx(theirs.scores[0], abs=1e-5)


def test_checkpoints_that_unbabel_comet_saved_itself(make_checkpoint, tmp_path: Path, cache: Path):
    """Its own class, saved by Lightning's trainer: what published checkpoints are, callbacks and loops included."""
    script = f"""
import os, sys, warnings
from pathlib import Path
import pytorch_lightning, torch, yaml
from comet.models import str2model
warnings.filterwarnings("ignore")
words = {{"input_segments": ["mt", "src"], "word_level_training": True, "word_layer": 2}}
for kind, extra in (("regression_metric", {{}}), ("unified_metric", words)):
    torch.manual_seed(1)
    model = str2model[kind](pretrained_model={str(make_checkpoint() / "encoder")!r}, load_pretrained_weights=False,
                            hidden_sizes=[16], **extra)
    folder = Path({str(tmp_path)!r}) / kind
    callbacks = [pytorch_lightning.callbacks.ModelCheckpoint(folder), pytorch_lightning.callbacks.EarlyStopping("x")]
    trainer = pytorch_lightning.Trainer(logger=False, accelerator="cpu", callbacks=callbacks, default_root_dir=folder)
    trainer.strategy.connect(model)
    trainer.save_checkpoint(folder / "checkpoints" / "model.ckpt")
    (folder / "hparams.yaml").write_text(yaml.safe_dump({{"class_identifier": kind}}))
"""
    python = cache / "comet" / "reference" / "bin" / "python"
    done = subprocess.run([str(python), "-I", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    checkpoints = [tmp_path / REGRESSION, tmp_path / UNIFIED]
    for checkpoint, found in zip(checkpoints, reference.run_all(jobs_of(checkpoints, segments())), strict=True):
        assert metric_of(checkpoint).score(segments(), "A") == pytest.approx(found.scores[0], abs=1e-5)


def test_verify_prints_the_largest_difference(make_checkpoint, cli: Cli, cache: Path, tmp_path: Path):
    checkpoint = make_checkpoint()
    done = cli("comet", "verify", checkpoint, "--encoder", checkpoint / "encoder")
    assert done.returncode == 0, done.stderr
    assert "segments            48" in done.stdout and "they agree to 1e-05" in done.stdout
    assert metric_of(checkpoint).signature("mini") in done.stdout


def test_verify_takes_files_and_fails_where_scores_differ(make_checkpoint, cli: Cli, tmp_path: Path):
    for name, text in {"s": "a\nb\n", "t": "c\nd\n", "r": "e\n"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = cli("comet", "verify", make_checkpoint(), "-s", "s", "-t", "t", "-r", "r")
    assert done.returncode == 2 and "r has 1 lines, s has 2" in done.stderr
    done = cli("comet", "verify", make_checkpoint(), "-s", "s", "-t", "t")
    assert done.returncode == 2 and "--source, --translation and --reference" in done.stderr
    done = cli("comet", "verify", make_checkpoint(), "-s", "s", "-t", "t", "-r", "s", "--comet", "precision=bf16")
    assert done.returncode == 1 and "the scores differ by more than 1e-05" in done.stderr
    assert "our bf16 with unbabel-comet's fp32" in done.stdout
    assert "segments            2" in done.stdout and "|precision:bf16|" in done.stdout


@pytest.mark.parametrize("name", ["ABSOLUTE/made/by/checkpoint", "../outside/encoder", "xlm-roberta-base/inside"])
def test_a_checkpoint_makes_nothing_outside(make_checkpoint, tmp_path: Path, name: str):
    """The name of its encoder is a path; unbabel-comet still gets the encoder, and nothing is made at that path."""
    content = torch.load(model_file(make_checkpoint()), weights_only=True)
    content["hyper_parameters"]["pretrained_model"] = name.replace("ABSOLUTE", str(tmp_path))
    checkpoint, inside = tmp_path / "checkpoint", make_checkpoint() / "encoder"
    (checkpoint / "checkpoints").mkdir(parents=True)
    (checkpoint / "hparams.yaml").write_text((make_checkpoint() / "hparams.yaml").read_text())
    torch.save(content, model_file(checkpoint))
    before = {path: sorted(path.iterdir()) for path in (tmp_path, inside)}
    found = metric_of(checkpoint, encoder=str(inside))
    verdict = verify.verify(found, segments())
    assert verdict.agree and {path: sorted(path.iterdir()) for path in (tmp_path, inside)} == before


def test_a_failure_of_unbabel_comet_is_told(make_checkpoint, tmp_path: Path):
    checkpoint = tmp_path / "bare"
    (checkpoint / "checkpoints").mkdir(parents=True)
    torch.save({"state_dict": {}}, registry.model_file(checkpoint))
    job = reference.Job(checkpoint=model_file(checkpoint), systems=[[Segment("a", "b", "c")]])
    with pytest.raises(Exception, match=r"unbabel-comet failed on .*bare(.|\n)*hparams\.yaml file is missing"):
        reference.run(job)
