"""``run`` and ``score``: from a configuration to a finished record, across kills and processes."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bayling_bench import __version__, provenance, record, task_index
from bayling_bench import plan as planning
from bayling_bench.config import COMET_IF_PRESENT, CometOptions, ModelOptions, RunConfig, Shard
from bayling_bench.data import mini, miniature
from bayling_bench.errors import RunError
from bayling_bench.models.spec import ModelSpec


def settings_of(plan: planning.Plan, model: Any) -> dict[str, Any]:
    """Return what must be equal for two commands to work on the same run."""
    generation = plan.generation()
    return {
        "model": model.identity,
        "chat_template": {
            "source": model.template.source,
            "name": model.template.name,
            "sha256": model.template.sha256,
        },
        "options": asdict(plan.config.options),
        "generation": asdict(plan.config.generation),
        "limit": plan.config.limit,
        "tasks": [
            {
                "name": task.name,
                "suite": task.suite,
                "version": task.config["metadata"]["version"],
                "items": min(task.items, plan.config.limit or task.items),
                "languages": task.languages,
                "generation": generation.get(task.name, {}),
            }
            for task in plan.tasks
        ],
        "data": _data(plan),
    }


def _data(plan: planning.Plan) -> list[dict[str, str]]:
    """Return every file that the run reads, with hash, licence and citation."""
    suites = {task.suite for task in plan.tasks}
    own = [data.provenance() for name, data in (("mini", mini), ("miniature", miniature)) if name in suites]
    return own + [
        {"file": file.tail, "sha256": file.sha256, "licence": file.licence, "citation": file.citation}
        for file in plan.files
    ]


def open_run(folder: Path, plan: planning.Plan, model: Any, command: str) -> record.Run:
    """Return the run of a folder, made new or found with the same settings.

    Raises RunError naming what differs when the folder holds another run.
    """
    settings = settings_of(plan, model)
    config = _recorded(plan.config, model.identity.get("base_url"))
    found = record.create(
        folder,
        {
            "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "bayling_bench": __version__,
            "command": command,
            **settings,
            "left_out": plan.left_out,
            "batch_size": model.batch_size,
            "config": config,
            "environment": provenance.environment(),
        },
    )
    wanted = json.loads(json.dumps(settings))
    different = [name for name, value in wanted.items() if found.settings.get(name) != value]
    if different:
        details = "; ".join(_difference(name, found.settings.get(name), wanted[name]) for name in different)
        raise RunError(f"{folder} holds a run of other settings ({details}). Choose another folder with -o.")
    return found


def _difference(name: str, old: Any, new: Any) -> str:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                return _difference(f"{name}.{key}", old.get(key), new.get(key))
    if isinstance(old, list) or isinstance(new, list):
        return f"{name} differ"
    return f"{name}: {str(old)[:60]} there, {str(new)[:60]} asked for"


@dataclass(frozen=True)
class Outcome:
    """How a run stands after a command."""

    run: record.Run
    generated: int
    """Responses made by this process."""
    missing: int
    """Requests that no process has finished yet."""
    too_many_unscored: str | None = None
    """Why the run counts as failed, if it does."""


@dataclass(frozen=True)
class Caller:
    """Who started a run, and what they want to hear of it."""

    command: str = "bayling-bench run"
    """The command line, without secrets."""
    report: Callable[[Any], None] = lambda _: None
    """Called with an ``evaluate.Progress`` after each response."""
    say: Callable[[str], None] = lambda _: None
    """Called with lines for the user."""
    comet: Callable[[int, int], None] = lambda _done, _total: None
    """Called with texts that COMET has encoded, and texts in all."""


def run(config: RunConfig, folder: Path | None, shard: Shard, caller: Caller) -> Outcome:
    """Generate what is missing, then score: the whole of ``bayling-bench run``.

    Raises BenchError with everything finished kept.
    """
    plan = planning.make_plan(config)
    shard = planning.launched_shard(plan.spec, shard)
    planning.require_data(plan)
    _require_comet(plan)
    folder = folder or planning.default_folder(plan)
    for name, reason in plan.left_out.items():
        caller.say(f"left out: {name} ({reason})")
    with record.locked(folder, shard):
        caller.say(f"run folder: {folder}")
        if (done := _done_already(plan, folder)) is not None:
            caller.say("finished before; nothing to do")
            return Outcome(done, 0, 0)
        tasks = planning.load_tasks(plan)
        generated, found = _generate(plan, folder, tasks, shard, caller)
    return _conclude(plan, found, tasks, caller, generated)


def _require_comet(plan: planning.Plan) -> None:
    """Raise ModelError before anything is generated when a COMET checkpoint that was named cannot be had."""
    if any(metric != COMET_IF_PRESENT for metric in plan.config.comet_metrics):
        from bayling_bench.comet import columns

        columns.prepare(plan.config, plan.tasks)


def _done_already(plan: planning.Plan, folder: Path) -> record.Run | None:
    """Return the run of a folder when it is complete and of these settings, as far as they show without the model."""
    if not (folder / "done").exists():
        return None
    from bayling_bench.models.load import identity

    found = record.load(folder)
    known = identity(plan.spec, plan.config)
    known.pop("dtype", None)
    same = all(found.settings["model"].get(name) == value for name, value in known.items())
    config = found.settings["config"]
    asked = json.loads(json.dumps(_recorded(plan.config, known.get("base_url"))))
    return found if same and config == asked and found.settings["data"] == _data(plan) else None


def _recorded(config: RunConfig, base_url: str | None) -> dict[str, Any]:
    """Return a configuration as the record keeps it: without what must not or need not stand there."""
    values = config.to_json()
    values["model_options"] |= {"base_url": base_url, "api_key_file": None}
    values["metrics"] = [_absolute("comet:", metric) for metric in config.metrics]
    values["comet"]["encoder"] = config.comet.encoder and _absolute("", config.comet.encoder)
    return values


def _absolute(prefix: str, value: str) -> str:
    """Return a value that is a prefix and a path with the path absolute: `score` may be called from elsewhere."""
    path = Path(value.removeprefix(prefix)).expanduser()
    return f"{prefix}{path.absolute()}" if value.startswith(prefix) and path.exists() else value


def _generate(
    plan: planning.Plan, folder: Path, tasks: dict[str, Any], shard: Shard, caller: Caller
) -> tuple[int, record.Run]:
    from bayling_bench import evaluate
    from bayling_bench.journal import Journal
    from bayling_bench.models.load import load

    batch_size = record.load(folder).settings["batch_size"] if (folder / "run.json").exists() else None
    caller.say(f"loading {plan.spec.text}")
    model = load(plan.spec, plan.config, plan.tasks, batch_size)
    found = open_run(folder, plan, model, caller.command)
    if found.settings["batch_size"] != model.batch_size:
        # Another process of this run was first to find a size; batches are cut by its.
        model.lm.batch_size_per_gpu = found.settings["batch_size"]
    journal = Journal(found.responses, shard.index)
    for place in journal.damaged:
        caller.say(f"warning: {place} is damaged; that response is made again")
    keys = keys_of(plan, found)
    units = evaluate.build_units(tasks, model.lm, keys, chat=model.template.applies, limit=plan.config.limit)
    batches = evaluate.cut_batches(units, model.lm, found.settings["batch_size"], shard)
    total = sum(1 for batch in batches for _ in evaluate.requests_in(batch))
    progress = evaluate.Progress(total, caller.report)
    generator = evaluate.Generator(model.lm, journal, plan.config.generation.seed, progress)
    try:
        generator.run(batches)
    finally:
        journal.close()
    return progress.generated, found


def keys_of(plan: planning.Plan, found: record.Run) -> Any:
    """Return the maker of journal keys for a run: what stands in its record, so that scoring needs no model."""
    from bayling_bench.evaluate import Keys

    identity = {"model": found.settings["model"], "template": found.settings["chat_template"]["sha256"]}
    return Keys(identity, plan.generation(), plan.config.generation.seed)


def score(
    folder: Path, metrics: tuple[str, ...] = (), comet: CometOptions | None = None, caller: Caller | None = None
) -> Outcome:
    """Score saved responses again, without the model, by other metrics if any are named: ``bayling-bench score``."""
    found = record.load(folder)
    plan = plan_of(found)
    chosen = replace(plan.config, metrics=metrics or plan.config.metrics, comet=comet or plan.config.comet)
    plan = replace(plan, config=chosen)
    return _conclude(plan, found, planning.load_tasks(plan), caller or Caller(), None)


def plan_of(found: record.Run) -> planning.Plan:
    """Return the plan that a run folder was made by."""
    config = RunConfig.from_json(found.settings["config"])
    tasks = task_index.select(task["name"] for task in found.settings["tasks"])
    parsed = found.settings["model"]
    spec = ModelSpec(parsed["kind"], parsed["spec"].partition(":")[2] or parsed["spec"], parsed["spec"])
    return planning.Plan(config, spec, tasks, found.settings["left_out"])


def _conclude(
    plan: planning.Plan,
    found: record.Run,
    tasks: dict[str, Any],
    caller: Caller,
    generated: int | None,
) -> Outcome:
    """Score, and mark the run as done when nothing failed.

    ``generated`` responses were made just now, and then scoring waits for the others; None scores what there is.
    """
    from bayling_bench import replay, scores
    from bayling_bench.comet import columns
    from bayling_bench.comet.scorer import Listener
    from bayling_bench.journal import Journal

    with record.scoring(found.folder):
        journal = Journal(found.responses)
        items = replay.collect(tasks, journal.entries().values(), keys_of(plan, found), plan.config.limit)
        missing = sum(item.expected - len(item.entries) for rows in items.values() for item in rows)
        if missing and generated is not None:
            return Outcome(found, generated, missing)
        fitting = sum(len(item.entries) for rows in items.values() for item in rows)
        if missing and (found.finished or (journal.entries() and not fitting)):
            raise RunError(
                f"{found.folder}: {missing} of the saved responses do not fit the tasks and data of today (another "
                "version of a task, of its data or of this program). Nothing was changed; run the model again with -o."
            )
        comet = columns.prepare(plan.config, plan.tasks, Listener(caller.comet, caller.say), found)
        # All of COMET comes before anything is written: what stops it leaves the record as it was.
        beside = {task.name: comet.of(task, items[task.name]) for task in plan.tasks}
        rows = {}
        for task in plan.tasks:
            # One task at a time: all requests and samples at once would be the run's peak of memory.
            lm_task, responses = tasks.pop(task.name), items.pop(task.name)
            results = replay.metrics(task.name, lm_task, responses)
            rows[task.name], lines = scores.task_record(task, plan.config, responses, results, beside.pop(task.name))
            found.write_items(task.name, lines)
        found.write_scores(rows, comet.notes)
        failed = _too_many_unscored(plan, rows)
        if not missing and not failed:
            found.finish()
    return Outcome(found, generated or 0, missing, failed)


def _too_many_unscored(plan: planning.Plan, rows: Mapping[str, Mapping[str, Any]]) -> str | None:
    unscored = sum(sum(row["unscored"].values()) - row["unscored"].get("not_generated", 0) for row in rows.values())
    total = sum(row["items"] for row in rows.values())
    allowed = plan.config.max_unscored
    if unscored <= allowed * total:
        return None
    reasons: dict[str, int] = {}
    for row in rows.values():
        for reason, count in row["unscored"].items():
            reasons[reason] = reasons.get(reason, 0) + count
    named = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return f"{unscored} of {total} items are unscored ({named}), more than --max-unscored {allowed:g} allows"


def resumed(folder: Path, given: ModelOptions, max_unscored: float | None) -> RunConfig:
    """Return the configuration of the run in ``folder``, with what may change or is never recorded as ``given``."""
    config = RunConfig.from_json(record.load(folder).settings["config"])
    options = replace(
        config.model_options,
        base_url=given.base_url or config.model_options.base_url,
        api_key_file=given.api_key_file,
        concurrency=given.concurrency,
        device=given.device or config.model_options.device,
    )
    allowed = config.max_unscored if max_unscored is None else max_unscored
    return replace(config, model_options=options, max_unscored=allowed)
