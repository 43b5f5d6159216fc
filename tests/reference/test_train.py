"""Training: it learns, it is the same however it is cut up, it goes on where it was killed, and it stops in time."""

from __future__ import annotations

import itertools
import json
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.torch_version import TorchVersion

from reference_model import attention, checkpoint, run_folder, session, settings
from reference_model.distributed import World
from reference_model.errors import TrainingError, UserError
from reference_model.network import make_network
from reference_model.run_folder import Data
from reference_model.session import Reporter
from reference_model.train import rate

QUIET = Reporter(say=lambda text: None, step=lambda step, total: None)


def train(config, data, folder, *changes, resume=False, reporter=QUIET) -> bool:
    return session.train(settings.load(str(config), changes), Data(data), folder, resume=resume, reporter=reporter)


def curve(folder: Path, figure="loss") -> list[float]:
    return [json.loads(line)[figure] for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def straight(small_config, small_data, tmp_path_factory) -> Path:
    """A run of twenty steps, undisturbed."""
    folder = tmp_path_factory.mktemp("runs") / "straight"
    assert train(small_config, small_data, folder)
    return folder


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    from reference_model.export import export

    out = folder.parent / f"{folder.name}-weights"
    shutil.rmtree(out, ignore_errors=True)
    export(folder, out, "float32")
    from safetensors.torch import load_file

    return load_file(out / "model.safetensors")


def test_the_loss_falls_from_that_of_guessing(small_config, small_data, tmp_path):
    assert train(small_config, small_data, tmp_path / "run", "optimizer.rate=2e-2", "optimizer.steps=40")
    losses = curve(tmp_path / "run")
    assert losses[0] == pytest.approx(math.log(400), rel=0.03)  # uniform over the vocabulary
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.slow
def test_twenty_steps_are_ten_a_kill_and_ten_bit_for_bit(straight, small_config, small_data, tmp_path):
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "reference_model.cli", "train", str(small_config), "--data", str(small_data)]
    child = subprocess.Popen(
        [*command, "-o", str(folder), "--set", "running.checkpoint_every=10"],
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not checkpoint.complete(folder / "checkpoints") and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert [path.name for path in checkpoint.complete(folder / "checkpoints")] == ["step-00000010"]
    assert train(small_config, small_data, folder, resume=True)
    assert curve(folder) == curve(straight)
    assert curve(folder, "gradient") == curve(straight, "gradient")
    ours, theirs = weights_of(folder), weights_of(straight)
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


SRUN = """#!/usr/bin/env bash
# Slurm's part: the same command on each of the nodes, here all on this machine
shift
for node in $(seq 0 $((SLURM_NNODES - 1))); do SLURM_NODEID=$node "$@" & jobs[node]=$!; done
for job in "${jobs[@]}"; do wait "$job" || failed=1; done
exit "${failed:-0}"
"""


JOBS = itertools.count(os.getpid())  # the port comes from the number of the job


def on_two_nodes(folder: Path, *arguments: object) -> subprocess.CompletedProcess:
    """Run launch/slurm.sh, and through it multi_node.sh and torchrun, where `srun` and `scontrol` are stand-ins."""
    (folder / "bin").mkdir()
    for name, text in (("srun", SRUN), ("scontrol", "#!/bin/sh\necho 127.0.0.1\n")):
        (folder / "bin" / name).write_text(text, encoding="utf-8")
        (folder / "bin" / name).chmod(0o755)
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHON": sys.executable, "SLURM_NNODES": "2", "SLURM_JOB_ID": str(next(JOBS)),
        "SLURM_JOB_NODELIST": "node[0-1]", "PER_NODE": "1",
    }  # fmt: skip
    script = Path(session.__file__).parent / "launch" / "slurm.sh"
    command = ["bash", str(script), *map(str, arguments)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        try:
            out, err = child.communicate(timeout=200)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)  # else the processes it started hold the pipes for ever
            raise
    return subprocess.CompletedProcess(command, child.returncode, out, err)


def interrupt(step, total):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_two_processes_give_the_same_curve_and_one_goes_on_where_they_stopped(
    straight, small_config, small_data, tmp_path
):
    """Issue 6: within 1e-5; the second half runs on another number of processes than the first."""
    folder = tmp_path / "two"
    with pytest.raises(KeyboardInterrupt):  # killed before its first checkpoint, as Slurm may do before it requeues
        train(small_config, small_data, folder, reporter=Reporter(say=lambda text: None, step=interrupt))
    changes = ("--set", "batch.micro=1", "--set", "running.recompute=true")
    done = on_two_nodes(tmp_path, small_config, small_data, folder, *changes)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "on 2 processes (cpu, fp32)" in done.stderr and "going on after step 0" in done.stderr
    assert max(abs(a - b) for a, b in zip(curve(folder), curve(straight), strict=True)) < 1e-5
    shutil.rmtree(folder / "checkpoints" / "step-00000020")
    assert train(small_config, small_data, folder, resume=True)  # from step 15, alone
    assert max(abs(a - b) for a, b in zip(curve(folder), curve(straight), strict=True)) < 1e-5


@pytest.mark.parametrize("change", ["batch.micro=1", "running.recompute=true", "running.loss_rows=3"])
def test_how_a_step_is_computed_does_not_change_what_is_learned(straight, small_config, small_data, tmp_path, change):
    assert train(small_config, small_data, tmp_path / "run", change)
    assert max(abs(a - b) for a, b in zip(curve(tmp_path / "run"), curve(straight), strict=True)) < 1e-5


def test_blocks_can_be_compiled(straight, small_config, small_data, tmp_path):
    """With a backend that traces and generates no code; `inductor` needs a compiler and minutes."""
    assert train(small_config, small_data, tmp_path / "run", "running.compile=aot_eager")
    assert max(abs(a - b) for a, b in zip(curve(tmp_path / "run"), curve(straight), strict=True)) < 1e-5


def test_attention_on_a_gpu_is_one_that_takes_what_it_is_given(monkeypatch):
    """Autocast mixes types, which flex_attention refused before torch 2.13 (pytorch issue 165468); FSDP does not."""
    chosen, world = settings.load("tiny"), World(0, 1, torch.device("cuda"))
    monkeypatch.setitem(sys.modules, "flash_attn", None)
    for version, capability, bf16, found in (
        ("2.6.0", (9, 0), True, "sdpa"), ("2.10.0", (9, 0), True, "sdpa"), ("2.11.0", (8, 0), True, "varlen"),
        ("2.13.0", (9, 0), True, "varlen"), ("2.11.0", (7, 5), True, "sdpa"), ("2.11.0", (9, 0), False, "sdpa"),
        ("2.13.0", (9, 0), False, "flex_attention"),
    ):  # fmt: skip
        monkeypatch.setattr(torch, "__version__", TorchVersion(version))
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, found=capability: found)
        assert attention.choose(chosen, world, bf16=bf16) == found
    asked = settings.changed(chosen, ["running.attention=varlen"])
    with pytest.raises(TrainingError, match=r"capability 8, bf16 and torch 2.11; here are cuda, fp32 and torch 2.13.0"):
        attention.choose(asked, world, bf16=False)
    monkeypatch.setattr(World, "together", True)
    monkeypatch.setattr(torch, "__version__", TorchVersion("2.6.0"))
    assert attention.choose(chosen, world, bf16=True) == "flex_attention"


def test_bf16_learns_too(straight, small_config, small_data, tmp_path):
    assert train(small_config, small_data, tmp_path / "run", "running.precision=bf16")
    assert curve(tmp_path / "run")[0] == pytest.approx(curve(straight)[0], rel=1e-2)
    assert curve(tmp_path / "run") != curve(straight)
    assert curve(tmp_path / "run")[-1] == pytest.approx(curve(straight)[-1], rel=3e-2)


def test_the_figures_of_a_step_are_those_of_the_data(straight, small_data):
    lines = [json.loads(line) for line in (straight / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 21))
    for line in lines:
        assert 0 < line["learned"] < line["tokens"] <= 4 * 192
        assert line["tokens_per_second"] == pytest.approx(line["tokens"] / line["seconds"])
        assert line["utilisation"] is None and line["memory"] > 1e7 and line["gradient"] > 0
    assert lines[-1]["left"] == 0 and lines[0]["left"] > lines[-2]["left"] > 0
    record = run_folder.read(straight)
    assert record["data"]["card"]["conversations"] == 300 and record["versions"]["torch"] == torch.__version__


def test_a_run_from_source_that_is_not_installed_has_a_record_too(small_config, small_data, tmp_path, monkeypatch):
    def version(package):
        if package == "bayling-bench":
            raise PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr(run_folder, "version", version)
    assert train(small_config, small_data, tmp_path / "run", "optimizer.steps=1")
    assert run_folder.read(tmp_path / "run")["versions"]["bayling-bench"] == "unknown"


def test_metrics_go_to_tensorboard_where_it_is_installed(straight, small_config, small_data, tmp_path, monkeypatch):
    """TensorBoard is not among our dependencies: a stand-in takes what its writer would."""
    written = []

    class Writer:
        def __init__(self, folder, purge_step):
            written.append((folder, purge_step))

        def add_scalar(self, name, value, step):
            written.append((name, value, step))

        def close(self):
            written.append("closed")

    changes = ("optimizer.steps=2", "running.tensorboard=true")
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(TrainingError, match="pip install tensorboard"):
        train(small_config, small_data, tmp_path / "without", *changes)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=Writer))
    assert train(small_config, small_data, tmp_path / "with", *changes)
    assert written[0] == (str(tmp_path / "with" / "tensorboard"), 1) and written[-1] == "closed"
    assert [value for name, value, *_ in written[1:-1] if name == "loss"] == curve(tmp_path / "with")


def test_the_last_checkpoints_stay(straight):
    assert [path.name for path in checkpoint.complete(straight / "checkpoints")] == ["step-00000015", "step-00000020"]
    assert checkpoint.progress(straight / "checkpoints" / "step-00000020").tokens == sum(curve(straight, "tokens"))


def test_a_signal_ends_a_run_with_a_checkpoint(straight, small_config, small_data, tmp_path):
    def stop(step, total):
        if step.step == 7:
            os.kill(os.getpid(), signal.SIGTERM)

    reporter = Reporter(say=lambda text: None, step=stop)
    assert not train(small_config, small_data, tmp_path / "run", reporter=reporter)
    assert [path.name for path in checkpoint.complete(tmp_path / "run" / "checkpoints")][-1] == "step-00000008"
    assert train(small_config, small_data, tmp_path / "run", resume=True)
    assert curve(tmp_path / "run") == curve(straight)


def test_what_is_not_finite_changes_no_weight(small_config, small_data, tmp_path):
    with pytest.raises(TrainingError, match=r"Step 2: .*the norm of its gradient (nan|inf).*weights are as they were"):
        train(small_config, small_data, tmp_path / "run", "optimizer.rate=1e30", "running.checkpoint_every=1")
    assert len(curve(tmp_path / "run")) == 1
    kept = checkpoint.complete(tmp_path / "run" / "checkpoints")
    assert [path.name for path in kept] == ["step-00000001"]
    assert all(torch.isfinite(weight).all() for weight in weights_of(tmp_path / "run").values())


def test_a_disk_that_fills_leaves_the_last_checkpoint_whole(small_config, small_data, tmp_path):
    """A limit on the size of files stands for the full disk: writing fails the same way, with an OSError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(step, total):
        if step.step == 7:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))

    try:
        with pytest.raises(TrainingError, match=r"step-00000010 could not be written .*Earlier checkpoints are whole"):
            train(small_config, small_data, tmp_path / "run", reporter=Reporter(say=lambda text: None, step=fill))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-00000005"]
    assert train(small_config, small_data, tmp_path / "run", resume=True)


def test_lora_trains_its_matrices_alone_and_is_merged_on_export(straight, small_config, small_data, tmp_path):
    weights_of(straight)
    changes = [f"model.pretrained={straight.parent / 'straight-weights'}", "adapter.rank=4", "optimizer.rate=1e-2"]
    assert train(small_config, small_data, tmp_path / "lora", *changes, "running.recompute=true")
    before, after = weights_of(straight), weights_of(tmp_path / "lora")
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if "_proj" in name}
    assert curve(tmp_path / "lora")[-1] < curve(tmp_path / "lora")[0] < curve(straight)[0]
    stored = sum(path.stat().st_size for path in (tmp_path / "lora").glob("checkpoints/step-00000020/*"))
    whole = sum(path.stat().st_size for path in straight.glob("checkpoints/step-00000020/*"))
    assert stored < whole  # the frozen weights are not kept again and again


def test_weights_take_on_a_template_whose_tokens_they_lack(straight, small_config, small_data, tmp_path):
    """BayLing's form on a ChatML model: `<s>` and `</s>` are added, the embedding grows, and the export has both."""
    from transformers import AutoTokenizer

    weights_of(straight)
    (tmp_path / "opening.txt").write_text("Two speak here.\n\n", encoding="utf-8")
    changes = [
        f"model.pretrained={straight.parent / 'straight-weights'}", "template.name=bayling_v1",
        f"template.opening_file={tmp_path / 'opening.txt'}", "optimizer.steps=3",
    ]  # fmt: skip
    with pytest.raises(UserError, match=r"no single token </s>.*tokenizer\.add_tokens=true"):
        train(small_config, small_data, tmp_path / "run", *changes)
    assert train(small_config, small_data, tmp_path / "run", *changes, "tokenizer.add_tokens=true")
    weights = weights_of(tmp_path / "run")["model.embed_tokens.weight"]
    assert weights.shape == (402, 32)
    with pytest.raises(TrainingError, match="LoRA does not train the embedding"):
        train(small_config, small_data, tmp_path / "lora", *changes, "tokenizer.add_tokens=true", "adapter.rank=2")
    assert train(small_config, small_data, tmp_path / "again", *changes, "tokenizer.add_tokens=true")
    assert torch.equal(weights_of(tmp_path / "again")["model.embed_tokens.weight"], weights)  # new rows by the seed
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "run-weights")
    text = tokenizer.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False, add_generation_prompt=True)
    assert text == "<s>Two speak here.\n\n### Instruction:\nx\n### Response:\n" and tokenizer.eos_token == "</s>"


def test_a_run_is_not_begun_twice_nor_gone_on_with_otherwise(straight, small_config, small_data, tmp_path):
    with pytest.raises(TrainingError, match="already holds a run"):
        train(small_config, small_data, straight)
    (tmp_path / "mine" / "checkpoints").mkdir(parents=True)
    with pytest.raises(TrainingError, match="mine is not empty"):
        train(small_config, small_data, tmp_path / "mine")
    assert (tmp_path / "mine" / "checkpoints").is_dir()
    with pytest.raises(TrainingError, match=r"other settings: optimizer.rate: 0.001 -> 0.5"):
        train(small_config, small_data, straight, "optimizer.rate=0.5", resume=True)
    with pytest.raises(TrainingError, match=r"holds no run"):
        train(small_config, small_data, tmp_path / "none", resume=True)
    shutil.copytree(small_data, tmp_path / "other")
    (tmp_path / "other" / "conversations.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"is not what the run .* was begun with: sha256"):
        train(small_config, tmp_path / "other", straight, resume=True)
    (straight / "metrics.jsonl").rename(tmp_path / "metrics.jsonl")
    with pytest.raises(TrainingError, match="already holds a run"):  # checkpoints are not thrown away
        train(small_config, small_data, straight)
    (tmp_path / "metrics.jsonl").rename(straight / "metrics.jsonl")
    with (
        run_folder.alone(straight),
        pytest.raises(TrainingError, match="Another command is training"),
    ):
        train(small_config, small_data, straight, resume=True)


def test_where_the_first_process_cannot_begin_the_others_say_so_and_end(
    small_config, small_data, tmp_path, monkeypatch
):
    class Second(World):
        def sum(self, *values):
            return [value + 1 for value in values]

    monkeypatch.setattr(session, "joined", lambda: nullcontext(Second(1, 2, torch.device("cpu"))))
    with pytest.raises(TrainingError, match="Another process has failed"):
        train(small_config, small_data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_of_another_shape_is_refused(straight, small_config, small_data, tmp_path):
    shutil.copytree(straight, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    record["settings"]["model"]["inner"] = 48
    (tmp_path / "run" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(TrainingError, match=r"step-00000020 is damaged or of another model: .*Size mismatch"):
        train(small_config, small_data, tmp_path / "run", "model.inner=48", resume=True)


@pytest.mark.parametrize("name", [".metadata", "progress.json", "__0_0.distcp"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_serves(
    straight, small_config, small_data, tmp_path, name, capfd
):
    shutil.copytree(straight, tmp_path / "run")
    last = tmp_path / "run" / "checkpoints" / "step-00000020"
    os.truncate(last / name, 5)
    with pytest.raises(TrainingError, match=r"step-00000020 is damaged .* remove that folder"):
        train(small_config, small_data, tmp_path / "run", resume=True)
    assert "Traceback" not in capfd.readouterr().err
    shutil.rmtree(last)
    assert train(small_config, small_data, tmp_path / "run", resume=True)
    assert curve(tmp_path / "run") == curve(straight)


def test_a_run_killed_while_an_old_checkpoint_is_removed_keeps_no_half_of_it(
    small_config, small_data, tmp_path, monkeypatch
):
    def killed(path):
        (next(path.glob("*.distcp"))).unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "shutil", SimpleNamespace(rmtree=killed))
    with pytest.raises(KeyboardInterrupt):
        train(small_config, small_data, tmp_path / "run", "running.checkpoint_every=1", "running.keep=1")
    monkeypatch.undo()
    whole = checkpoint.complete(tmp_path / "run" / "checkpoints")
    assert [path.name for path in whole] == ["step-00000002"] and list(whole[0].glob("*.distcp"))
    assert train(small_config, small_data, tmp_path / "run", "running.checkpoint_every=1", resume=True)
    assert not list((tmp_path / "run" / "checkpoints").glob("*.partial"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("batch.sequences=5", "not a multiple of batch.micro"),
        ("model.from_scratch=false", "name no weights to start from"),
        ("running.attention=flash_attention_2", r"running\.attention = 'flash_attention_2' cannot be used here"),
        ("running.compile=inducto", r"running\.compile = 'inducto' is unknown\. Did you mean inductor"),
        ("model.pretrained=./no/where", r"tokenizer of '\./no/where' cannot be loaded"),
        ("template.name=chatm", "Did you mean chatml"),
        ("template.name=bayling_v1", "template.opening_file"),
    ],
)
def test_what_cannot_be_trained_is_said_before(small_config, small_data, tmp_path, change, words):
    with pytest.raises(UserError, match=words):
        train(small_config, small_data, tmp_path / "run", change)
    assert train(small_config, small_data, tmp_path / "run", "optimizer.steps=1")  # the same folder serves after that


def test_too_little_data_for_a_step_is_said(small_config, small_data, tmp_path):
    with pytest.raises(TrainingError, match=r"one step takes 5000: --set batch.sequences="):
        train(small_config, small_data, tmp_path / "run", "optimizer.steps=0", "batch.sequences=5000", "batch.micro=1")


def test_the_rate_rises_then_follows_a_cosine():
    chosen = settings.Optimizer(rate=2.0, warmup=0.1, final=0.1)
    rates = [rate(chosen, step, 100) for step in range(100)]
    assert rates[:3] == pytest.approx([0.2, 0.4, 0.6])
    assert max(rates) == rates[9] == rates[10] == 2.0
    assert rates[55] == pytest.approx(2.0 * (0.1 + 0.9 * 0.5))  # half-way through the cosine
    assert rates[99] == pytest.approx(0.2, abs=1e-3)
    assert all(a > b for a, b in itertools.pairwise(rates[10:]))


def test_processes_that_hold_no_weights_take_the_configuration_of_the_weights(straight, small_config, tmp_path):
    """Weights whose rotary base and epsilon are not those of the settings; only the first process holds them."""
    from transformers import AutoTokenizer

    weights_of(straight)
    weights = shutil.copytree(straight.parent / "straight-weights", tmp_path / "weights")
    config = json.loads((weights / "config.json").read_text(encoding="utf-8"))
    config["rms_norm_eps"] = 0.01
    config.setdefault("rope_parameters", config)["rope_theta"] = 10.0
    (weights / "config.json").write_text(json.dumps(config), encoding="utf-8")
    chosen = settings.load(str(small_config), [f"model.pretrained={weights}"])
    tokenizer = AutoTokenizer.from_pretrained(weights)
    real, empty = (make_network(chosen, tokenizer, real=real).model for real in (True, False))
    assert {weight.device.type for weight in empty.parameters()} == {"meta"}
    assert real.norm.variance_epsilon == empty.norm.variance_epsilon == 0.01
    assert real.config.to_dict() == {**empty.config.to_dict(), "dtype": real.config.to_dict()["dtype"]}
