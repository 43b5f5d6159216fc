"""COMET in runs and audits: raw in records, times 100 in tables, with interval, signature and guards; or a note."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import Cli

from bayling_bench import compare, leaderboard, record, statistics
from bayling_bench import run as runs
from bayling_bench.audit import comet as comet_scores
from bayling_bench.audit import rows, translation
from bayling_bench.comet import reference, registry
from bayling_bench.comet.kept import Kept
from bayling_bench.comet.metric import Metric
from bayling_bench.comet.scorer import Segment
from bayling_bench.config import CometOptions, Generation, ModelOptions, RunConfig, Shard
from bayling_bench.display import metrics
from bayling_bench.errors import ModelError, RunError
from bayling_bench.report import chosen, page, tables
from comet.conftest import metric_of

pytestmark = pytest.mark.slow
TASKS = ("mini_translation_en_de", "mini_interactive_en_zh", "mini_exam_zh_mc")
TRANSLATIONS = TASKS[:2]


def run(model: Path, folder: Path, metrics: tuple[str, ...] | None, seed: int = 1, say=lambda _: None) -> record.Run:
    asked = RunConfig(
        model=str(model), tasks=TASKS, limit=8, model_options=ModelOptions(batch_size="4", device="cpu"),
        generation=Generation(overrides={"max_gen_toks": 8, "do_sample": True, "temperature": 1.0}, seed=seed),
        **({} if metrics is None else {"metrics": metrics}),
    )  # fmt: skip
    return runs.run(asked, folder, Shard(), runs.Caller(say=say)).run


@pytest.fixture
def tiny(make_checkpoint) -> Path:
    return make_checkpoint()


@pytest.fixture
def scored(tiny_model: Path, tiny: Path, tmp_path: Path) -> record.Run:
    return run(tiny_model, tmp_path / "scored", ("bleu", f"comet:{tiny}"))


def test_records_are_raw_and_tables_times_100(scored: record.Run, tiny: Path):
    key = f"comet:{tiny.name}"
    for task in TRANSLATIONS:
        items = list(scored.items(task))
        documents = [item["doc"] | {"references": item["references"]} for item in items]
        wanted = metric_of(tiny, keep=False).score(
            [
                Segment.of(doc["source"], item["turns"][0]["response"], doc["references"][0])
                for doc, item in zip(documents, items, strict=True)
            ],
            "1",
        )
        found = [item["scores"][key] for item in items]
        assert found == pytest.approx(wanted, abs=2e-6)
        score = scored.scores["tasks"][task]["metrics"][key]
        assert score["value"] == pytest.approx(np.mean(found)) and score["n"] == 8 and score["unit"] == "raw"
        assert (score["low"], score["high"]) == tuple(statistics.bootstrap_mean(found) or ())
        assert score["signature"] == metric_of(tiny).signature("1")
        assert "source_copied" in scored.scores["tasks"][task]["metrics"]
        assert f"| {100 * score['value']:.2f} [" in tables.to_markdown([scored])
        lines = list(csv.DictReader(io.StringIO(tables.to_csv([scored]))))
        (line,) = [line for line in lines if (line["task"], line["metric"]) == (task, key)]
        assert float(line["value"]) == score["value"]
    assert key not in scored.scores["tasks"]["mini_exam_zh_mc"]["metrics"]


def test_guards_stand_beside_comet(scored: record.Run, tiny: Path, tiny_model: Path, tmp_path: Path):
    other = run(tiny_model, tmp_path / "other", ("bleu",), seed=2)
    with_comet, without = page.render([scored, scored]), page.render([other, other])
    boards = [json.loads(re.search(r'id="board">(.*?)</script>', text)[1]) for text in (with_comet, without)]
    cells = [[cell for cell in board["cells"] if cell["metric"].startswith("comet")] for board in boards]
    assert len(cells[0]) == 2 * len(TRANSLATIONS) and not cells[1]
    assert all({"source_copied", "wrong_language"} & set(cell["guards"]) for cell in cells[0])
    assert f"COMET ({cells[0][0]['metric'].partition(':')[2]})" in with_comet


def test_two_runs_are_compared_by_their_segment_scores(
    tiny_model: Path, tiny: Path, scored: record.Run, tmp_path: Path
):
    other = run(tiny_model, tmp_path / "other", (f"comet:{tiny}",), seed=2)
    options = compare.Options(resamples=200, force=True)
    compared = compare.compare(scored, other, options)
    found = [row for row in compared.rows if row.metric.startswith("comet")]
    shown = {(row.task, row.metric) for row in compare.tables._shown(compared)}
    unfaulty = [row for row in compared.rows if row.metric in metrics.GUARDS and not row.value_a and not row.value_b]
    assert unfaulty and {(row.task, row.metric) for row in unfaulty} <= shown
    assert [row.task for row in found] == list(TRANSLATIONS)
    for row in found:
        values = [[item["scores"][row.metric] for item in one.items(row.task)] for one in (scored, other)]
        assert row.difference == pytest.approx(100 * (np.mean(values[1]) - np.mean(values[0])))
        assert row.p_randomization is not None and row.p_holm is not None and row.unit == "points"
        assert row.gained == sum(second > first for first, second in zip(*values, strict=True))


def test_without_a_checkpoint_the_default_says_what_is_missing(
    tiny_model: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    found = run(tiny_model, tmp_path / "run", None)
    (note,) = found.scores["notes"]
    assert "COMET is missing" in note and "bayling-bench fetch comet" in note
    assert note in page.render([found]) and "bayling-bench fetch comet" in tables.to_markdown([found])
    assert {"bleu", "chrf", "ter"} <= set(found.scores["tasks"][TASKS[0]]["metrics"])
    with pytest.raises(RunError, match=r"has no comet .*bayling-bench score .* --metrics bleu,chrf,ter,comet"):
        chosen.choose(found, ("comet",))
    monkeypatch.setenv(registry.VARIABLE, str(tiny))
    again = runs.score(found.folder).run
    assert "notes" not in again.scores and "comet" in again.scores["tasks"][TASKS[0]]["metrics"]
    shown = chosen.choose(again, ("comet", "chrf")).scores["tasks"][TASKS[0]]["metrics"]
    assert {"comet", "chrf", "source_copied"} <= set(shown) and not {"bleu", "ter"} & set(shown)


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() for path in [*folder.glob("items/*"), folder / "scores.json"]
    }


def test_what_stops_comet_leaves_the_record_as_it_was(scored: record.Run, tiny: Path, monkeypatch, cache: Path):
    before, score, asked = files_of(scored.folder), Metric.score, []

    def fail_second(self, *arguments):
        asked.append(arguments)
        if len(asked) == 2:
            raise ModelError("no memory for a segment.")
        return score(self, *arguments)

    monkeypatch.setattr(Metric, "score", fail_second)
    with pytest.raises(ModelError, match="The responses are kept"):
        runs.score(scored.folder, ("chrf", f"comet:{tiny}"), CometOptions(precision="bf16"))
    assert len(asked) == 2 and files_of(scored.folder) == before


def test_scores_of_a_checkpoint_that_is_gone_are_kept(
    tiny_model: Path, make_checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    lent = tmp_path / "lent"
    lent.symlink_to(make_checkpoint())
    monkeypatch.setenv(registry.VARIABLE, str(lent))
    folder = run(tiny_model, tmp_path / "run", None).folder
    named = run(tiny_model, tmp_path / "named", (f"comet:{lent}",)).folder
    before = {each: files_of(each) for each in (folder, named)}
    monkeypatch.delenv(registry.VARIABLE)
    lent.unlink()
    again = runs.score(folder).run.scores
    (note,) = again.pop("notes")
    assert "scores of before are kept" in note and "bayling-bench fetch comet" in note
    assert again == json.loads(before[folder]["scores.json"])
    items = [path for path in before[folder] if path.startswith("items")]
    assert all(files_of(folder)[path] == before[folder][path] for path in items)
    assert "comet:lent" in runs.score(named).run.scores["tasks"][TASKS[0]]["metrics"]

    values = json.loads(before[folder]["scores.json"])
    values["tasks"][TASKS[0]]["metrics"]["comet"]["texts"] = "0" * 64  # scores of other responses
    (folder / "scores.json").write_text(json.dumps(values))
    again = runs.score(folder).run.scores
    assert [("comet" in again["tasks"][task]["metrics"]) for task in TRANSLATIONS] == [False, True]
    assert len(again["notes"]) == 2
    (named / "scores.json").write_text(before[named]["scores.json"].replace('"texts": "', '"texts": "0'))
    with pytest.raises(registry.NoCheckpoint, match="lent"):
        runs.score(named)


@pytest.mark.parametrize(
    ("part", "other"),
    [("sha:e213091cde22", "sha:000000000000"), ("version:1+0", "version:2+0"), ("refs:A", "refs:none"),
     ("precision:fp32", "precision:bf16"), ("model:Unbabel/wmt22-comet-da", "model:Unbabel/wmt22-comet-de")],
)  # fmt: skip
def test_kept_scores_without_a_checkpoint_are_of_the_published_weights(part: str, other: str):
    right = (
        "COMET|model:Unbabel/wmt22-comet-da|sha:e213091cde22|precision:fp32|encoder:xlm-roberta-large@0123456789ab"
        "|refs:A|version:1+0.1.0"
    )
    assert part in right
    for signature, fits in ((right, True), (right.replace(part, other), False)):
        assert comet_scores._fits(Kept(signature, "", ()), None, "comet", "A") is fits
        assert comet_scores._fits(Kept(signature, "", ()), None, "comet:Unbabel/wmt22-comet-da", "A") is fits


def test_a_named_checkpoint_that_is_missing_ends_the_run_at_once(tiny_model: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(registry.NoCheckpoint, match="bayling-bench fetch cometkiwi"):
        run(tiny_model, tmp_path / "run", ("cometkiwi",))


def test_a_checkpoint_of_the_default_that_cannot_be_used_is_noted(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    broken = tmp_path / "broken"
    (broken / "checkpoints").mkdir(parents=True)
    (broken / "hparams.yaml").write_text("class_identifier: regression_metric\n")
    (broken / "checkpoints" / "model.ckpt").write_text("version https://git-lfs.github.com/spec/v1\n")
    monkeypatch.setenv(registry.VARIABLE, str(broken))
    found = run(tiny_model, tmp_path / "run", None)
    assert "is no checkpoint that can be read" in found.scores["notes"][0] and found.finished
    with pytest.raises(ModelError, match="is no checkpoint that can be read"):
        run(tiny_model, tmp_path / "named", ("comet",))
    assert not (tmp_path / "named" / "responses").exists(), "nothing is generated in vain"


def test_the_command_line(cli: Cli, tiny_model: Path, tiny: Path, tmp_path: Path):
    command = ("-m", tiny_model, "-t", TASKS[0], "--limit", 4, "--device", "cpu", "-o", "out", "--set", "max_tokens=8")
    (tmp_path / tiny.name).symlink_to(tiny)
    twice = f"comet:./{tiny.name},chrf,chrf,comet:./{tiny.name}"
    done = cli("run", *command, "--metrics", twice, "--comet", "batch_tokens=64")
    assert done.returncode == 0, done.stderr
    asked = json.loads((tmp_path / "out" / "run.json").read_text())["config"]["metrics"]
    assert asked == [f"comet:{tmp_path / tiny.name}", "chrf"]
    assert f"comet:{tiny.name}" in done.stdout and "source_copied" in done.stdout and "bleu" not in done.stdout
    value = json.loads((tmp_path / "out" / "scores.json").read_text())["tasks"][TASKS[0]]["metrics"]
    assert f"{100 * value[f'comet:{tiny.name}']['value']:.2f}" in done.stdout
    done = cli("score", "out", "--metrics", f"comet:{tiny}", "--comet", "precision=bf16")
    assert done.returncode == 0 and "chrf" not in done.stdout, done.stderr
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())["tasks"][TASKS[0]]["metrics"]
    assert "|precision:bf16|" in scores[f"comet:{tiny.name}"]["signature"]
    elsewhere = {"BAYLING_BENCH_DATA": str(tmp_path / "elsewhere")}  # or it would be in the cache
    done = cli("score", "out", "--metrics", f"comet:{tiny}", "--comet", "device=abacus", env=elsewhere)
    assert done.returncode == 2 and "cannot be loaded on --comet device=abacus" in done.stderr
    assert "Traceback" not in done.stderr


BOARD = """
title = "Made up"
figures = ["figures.csv"]
[systems.bayling-13b]
outputs = "published:bayling-13b"
[[rules]]
task = "wmt22-(?P<direction>.+)"
metric = "comet.*_x100"
measure = "comet"
arguments = { checkpoint = "comet:CHECKPOINT" }
decimals = 2
also = [{ label = "source copied, %", measure = "source_copied", arguments = { direction = "{direction}" } }]
[[tables]]
title = "Translation"
tasks = ["wmt22-zh-en"]
systems = ["bayling-13b"]
metrics = ["comet_x100", "comet_wrong_x100"]
decimals = 2
"""
EXPLANATIONS = """
[[explanations]]
name = "comet"
kind = "needs COMET weights"
metric = "comet.*"
task = "wmt22-(?P<direction>.+)"
reason = "No weights."
evidence = "None."
check = { not_computed = true, outputs_aligned = "{direction}" }
"""


def verdicts(folder: Path) -> dict[str, rows.Row]:
    return {row.figure.metric: row for row in rows.audit(leaderboard.load(str(folder)))}


@pytest.mark.mirror
def test_published_figures_turn_from_explained_to_equal_or_differs(
    mirror: Path, make_checkpoint, cli: Cli, tmp_path: Path, unbabel: None
):
    """A board of made-up figures: one that unbabel-comet gives for this checkpoint, one that it does not."""
    tiny = make_checkpoint(layers=1, units=16, max_positions=66)
    board, hidden = tmp_path / "board", tmp_path / "hidden"
    board.mkdir()
    checkpoint = tmp_path / "checkpoint"
    (board / "board.toml").write_text(BOARD.replace("CHECKPOINT", str(checkpoint)))
    (board / "explanations.toml").write_text(EXPLANATIONS)
    segments = [Segment.of(*parts) for parts in translation.segments("published:bayling-13b", "zh-en", "A")]
    job = reference.Job(checkpoint=registry.model_file(tiny), systems=[segments], batch_size=128)
    right = 100 * np.mean(reference.run(job).scores[0])
    (board / "figures.csv").write_text(
        "group,task,system,metric,value,items,source\n"
        f"translation,wmt22-zh-en,bayling-13b,comet_x100,{right:.2f},1875,made up\n"
        "translation,wmt22-zh-en,bayling-13b,comet_wrong_x100,99.99,1875,made up\n"
    )

    checkpoint.mkdir()
    with pytest.raises(ModelError, match="is not a COMET checkpoint"):  # there, and of another format
        verdicts(board)
    checkpoint.rmdir()
    assert {row.verdict for row in verdicts(board).values()} == {"explained"}
    assert {row.kind for row in verdicts(board).values()} == {"needs COMET weights"}

    checkpoint.symlink_to(tiny, target_is_directory=True)
    found = verdicts(board)
    assert found["comet_x100"].verdict == "equal" and found["comet_wrong_x100"].verdict == "differs"
    assert found["comet_x100"].reproduced == pytest.approx(right, abs=1e-3) and found["comet_x100"].interval
    assert "|precision:fp32|" in found["comet_x100"].found
    assert found["comet_x100"].others["source copied, %"].value > 1

    done = cli("audit", board, "--format", "readme", "-o", board)
    assert done.returncode == 1 and "1 equal" in done.stderr and "1 differ" in done.stderr
    kept_files = sorted(path.name for path in (board / "segments").iterdir())
    assert kept_files == [f"{metric}.wmt22-zh-en.bayling-13b.json" for metric in ("comet_wrong_x100", "comet_x100")]
    assert (
        f"**{right:.2f}**" in (board / "README.md").read_text() and "source copied" in (board / "README.md").read_text()
    )

    checkpoint.rename(hidden)
    without = verdicts(board)
    assert without["comet_x100"].verdict == "equal" and without["comet_wrong_x100"].verdict == "differs"
    assert without["comet_x100"].reproduced == found["comet_x100"].reproduced

    kept_file = board / "segments" / kept_files[1]
    kept_file.write_text(kept_file.read_text().replace("fp32", "bf16"))
    assert verdicts(board)["comet_x100"].kind == "needs COMET weights", "scores of another precision are not used"
    values = json.loads(kept_file.read_text().replace("bf16", "fp32"))
    kept_file.write_text(json.dumps({**values, "segments": "0" * 64}))
    assert verdicts(board)["comet_x100"].kind == "needs COMET weights", "scores of other texts are not used"
