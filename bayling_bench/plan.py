"""What a run will do, before any model is loaded: tasks, files, settings, and everything that can be refused early."""

from __future__ import annotations

import functools
import logging
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bayling_bench import task_index
from bayling_bench.config import ModelOptions, RunConfig, Shard
from bayling_bench.data import published, store
from bayling_bench.data.catalogue import File
from bayling_bench.errors import BenchError, DataError, ModelError
from bayling_bench.journal import digest
from bayling_bench.models import spec as model_spec
from bayling_bench.models.spec import ModelSpec
from bayling_bench.task_index import Task


@dataclass(frozen=True)
class Plan:
    """What a run will do, before any model is loaded."""

    config: RunConfig
    spec: ModelSpec
    tasks: list[Task]
    left_out: dict[str, str] = field(default_factory=dict)
    """Tasks that were asked for but cannot be asked of this model, with the reason."""

    @property
    def files(self) -> list[File]:
        """Return every upstream file that the run reads."""
        files = task_index.files_of(self.tasks, self.config.options)
        if self.spec.kind == "published":
            form = self.config.options.prompt_form
            files += [file for task in self.tasks if (file := published.output_file(self.spec.name, task, form))]
        return files

    def generation(self) -> dict[str, dict[str, Any]]:
        """Return the generation settings of each task."""
        return {
            task.name: self.config.generation.for_task(task.suite, dict(task.config.get("generation_kwargs", {})))
            for task in self.tasks
            if not task.ranks_choices
        }


def make_plan(config: RunConfig) -> Plan:
    """Return the plan of a configuration.

    Raises BenchError for unknown tasks or models, and when nothing is left that the model could be asked.
    """
    spec = model_spec.parse(config.model)
    if spec.kind == "published":
        spec = ModelSpec(spec.kind, published.check_system(spec.name), spec.text)
    _refuse_idle_options(spec, config.model_options)
    tasks, left_out = [], {}
    for task in task_index.select(config.tasks):
        reason = _why_not(spec, task, config)
        if reason:
            left_out[task.name] = reason
        else:
            tasks.append(task)
    if not tasks:
        raise BenchError(
            f"--model {spec.text} can do none of the tasks asked for: {next(iter(left_out.values()))}. "
            "See `bayling-bench tasks`."
        )
    return Plan(config, spec, tasks, left_out)


def _refuse_idle_options(spec: ModelSpec, options: ModelOptions) -> None:
    """Raise BenchError for an option that this kind of model would ignore."""
    if options.base_url and spec.kind != "openai":
        raise BenchError(
            f"--base-url goes with --model openai:NAME, and the model is {spec.text}. Leave one of them out."
        )
    if options.chat_template and spec.generates_only:
        raise BenchError(f"--chat-template has no effect on {spec.text}, which renders its own prompts. Leave it out.")


def _why_not(spec: ModelSpec, task: Task, config: RunConfig) -> str | None:
    if task.ranks_choices and spec.generates_only:
        return f"{spec.kind}: models give no log-likelihoods"
    if spec.kind == "published" and published.output_file(spec.name, task, config.options.prompt_form) is None:
        return f"published:{spec.name} has no outputs for it (prompt form {config.options.prompt_form})"
    return None


def default_folder(plan: Plan) -> Path:
    """Return the folder that the same command always comes back to."""
    from bayling_bench.models.load import identity

    config = plan.config
    described = identity(plan.spec, config)
    if plan.spec.local_path is None:
        # A hub model has no fingerprint before its first download, and the folder must be the same afterwards.
        described.pop("fingerprint", None)
    chosen = [config.tasks, asdict(config.options), asdict(config.generation), config.limit, config.model_options.dtype]
    settings = digest(described, config.model_options.chat_template, chosen)[:8]
    return Path("runs") / f"{plan.spec.label.removesuffix('.gguf')}-{settings}"


def load_tasks(plan: Plan) -> dict[str, Any]:
    """Return the lm-eval tasks of a plan, with its generation settings.

    Raises DataError when upstream data is absent or damaged.
    """
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    from lm_eval.tasks import TaskManager

    from bayling_bench.scoring import process

    manager = TaskManager(
        include_defaults=False,
        include_path=str(task_index.tasks_path()),
        metadata=asdict(plan.config.options),
    )
    loaded = manager.load([task.name for task in plan.tasks])["tasks"]
    for name, settings in plan.generation().items():
        loaded[name].set_config(key="generation_kwargs", value=settings)
    for task in loaded.values():
        if task.config.process_results is process.translation:
            chosen = functools.partial(process.translation, metrics=plan.config.ngram_metrics)
            task.set_config(key="process_results", value=chosen)
        task.set_config(key="num_fewshot", value=0)
        task.set_fewshot_seed(seed=plan.config.generation.seed)
    return loaded


def require_data(plan: Plan) -> None:
    """Raise DataError, naming the command that fetches it, when upstream data of a plan is not on this machine."""
    absent = [file for file in plan.files if not store.is_present(file)]
    if absent:
        outputs = [plan.spec.text] if plan.spec.kind == "published" else []
        raise DataError(
            f"{len(absent)} files that the run reads are not on this machine, {absent[0].path} for one. "
            f"With a network: bayling-bench fetch {' '.join([*plan.config.tasks, *outputs])}. {store.WITHOUT_NETWORK}"
        )


def launched_shard(spec: ModelSpec, shard: Shard) -> Shard:
    """Return the shard of a process that ``accelerate launch`` or ``torchrun`` started, one a GPU.

    Raises ModelError without GPUs: there lm-eval's hf back-end reports one process, and each would do all the work.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1 or spec.kind not in ("hf", "gguf"):
        return shard
    import torch

    if shard.count > 1:
        raise ModelError(f"The launcher started {processes} processes, which are shards already. Leave out --shard.")
    if not torch.cuda.is_available():
        raise ModelError(
            f"The launcher started {processes} processes, but without GPUs lm-eval's hf back-end sees one, so each "
            f"would do all the work. Start {processes} commands instead: --shard 1/{processes} to "
            f"{processes}/{processes}."
        )
    return Shard(int(os.environ["RANK"]), processes)
