"""What a run is asked to do: one definition an option, checked once, passed whole.

A generation profile is data. ``default`` decodes greedily with the task's own limits; ``paper`` follows the decoding of
the BayLing authors' scripts: beam 5 for translation, temperature 0.7 for BayLing-80, at most 150 new tokens for
interactive translation (arXiv 2306.10968 and the scripts of its repository).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from bayling_bench.errors import BenchError, did_you_mean

PROMPT_FORMS = ("en", "zh")
REFERENCE_SETS = ("A", "all")
LABEL_STATES = ("head", "2023-06")
NGRAM_METRICS = ("bleu", "chrf", "ter")
COMET_METRICS = ("comet", "cometkiwi")
COMET_IF_PRESENT = "comet-if-present"
"""COMET where its checkpoint is on this machine, else a note in the record that says how to get it."""
DEFAULT_METRICS = (*NGRAM_METRICS, COMET_IF_PRESENT)
DEFAULT_SEED = 1234

PROFILES: dict[str, dict[str, dict[str, Any]]] = {
    "default": {},
    "paper": {
        "wmt22": {"num_beams": 5, "do_sample": False, "max_gen_toks": 1024},
        "interactive": {"num_beams": 5, "do_sample": False, "max_gen_toks": 150},
        "bayling80": {"do_sample": True, "temperature": 0.7, "max_gen_toks": 1024},
    },
}

_SETTING_NAMES = {"max_tokens": "max_gen_toks", "max_new_tokens": "max_gen_toks", "stop": "until"}
_FRACTIONS = ("temperature", "top_p", "repetition_penalty")
_RANGES = {
    "max_gen_toks": (1, 1_000_000),
    "temperature": (0, 100),
    "num_beams": (1, 1000),
    "top_p": (1e-9, 1),
    "top_k": (0, 1_000_000),
    "repetition_penalty": (1e-9, 100),
}
_SETTINGS = (*_RANGES, "do_sample", "until")


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """Choices that change what a task asks or what it is scored against; passed to tasks as lm-eval metadata."""

    prompt_form: str = "en"
    """Language of translation instructions: ``en`` or ``zh`` (the paper's two prompt forms)."""
    reference_set: str = "A"
    """``A``: the paper's single reference (``B`` where WMT22 has no A); ``all``: every reference of the direction."""
    label_state: str = "head"
    """Exam labels: ``head`` (AGIEval today) or ``2023-06`` (the state that the paper's figures used)."""

    def __post_init__(self) -> None:
        _one_of("--prompt", self.prompt_form, PROMPT_FORMS)
        _one_of("--references", self.reference_set, REFERENCE_SETS)
        _one_of("--labels", self.label_state, LABEL_STATES)


@dataclass(frozen=True, kw_only=True)
class Generation:
    """How text is generated."""

    profile: str = "default"
    """Name in ``PROFILES``."""
    overrides: dict[str, Any] = field(default_factory=dict)
    """Settings that win over profile and task, under lm-eval's names."""
    seed: int = DEFAULT_SEED
    """Seed of every sampled answer."""

    def __post_init__(self) -> None:
        _one_of("--profile", self.profile, PROFILES)

    def for_task(self, suite: str, own: dict[str, Any]) -> dict[str, Any]:
        """Return lm-eval ``generation_kwargs`` for a task of ``suite`` whose YAML states ``own``."""
        merged = {**own, **PROFILES[self.profile].get(suite, {}), **self.overrides}
        if "do_sample" not in self.overrides and "temperature" in self.overrides:
            merged["do_sample"] = self.overrides["temperature"] > 0
        if not merged.get("do_sample"):
            merged.pop("temperature", None)
        return merged


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """How a model is loaded or reached."""

    revision: str | None = None
    """Commit, tag or branch on the hub."""
    dtype: str = "auto"
    """``auto`` (as the checkpoint says), ``float32``, ``bfloat16`` or ``float16``."""
    device: str | None = None
    """``cpu``, ``cuda``, ``cuda:1`` …; None picks the GPU where there is one."""
    batch_size: str = "auto"
    """A number, or ``auto``: 16 on CPU, the largest that fits on a GPU (found once and kept in the record)."""
    chat_template: str | None = None
    """None: the tokenizer's own; a file; a name; or ``none`` for base models."""
    base_url: str | None = None
    """Address of an OpenAI-compatible server."""
    api_key_file: str | None = None
    """File holding the key, instead of ``OPENAI_API_KEY``. Never recorded."""
    concurrency: int = 16
    """Requests under way at once, for servers."""
    trust_remote_code: bool = False
    """Run Python code that the model's repository carries."""

    def __post_init__(self) -> None:
        _one_of("--dtype", self.dtype, ("auto", "float32", "bfloat16", "float16"))
        if self.batch_size != "auto" and not (self.batch_size.isdecimal() and int(self.batch_size) > 0):
            raise BenchError(f"--batch-size {self.batch_size!r} is neither a positive number nor `auto`.")
        if self.concurrency < 1:
            raise BenchError(f"--concurrency {self.concurrency} must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class CometOptions:
    """How COMET is computed.

    Precision and encoder change what comes out, and stand in the signature. So do, in bf16, device and batch size, by
    rounding; in fp32 by less than 1e-5.
    """

    device: str | None = None
    """``cpu``, ``cuda``, ``cuda:1`` …; None picks the GPU where there is one."""
    precision: str = "fp32"
    """``fp32``, or ``bf16`` for an encoder in bfloat16."""
    batch_tokens: int | None = None
    """Tokens a batch; None: 512 on CPU, 16,384 on a GPU. It is halved where memory runs out."""
    encoder: str | None = None
    """Folder with the configuration and tokenizer of the checkpoint's encoder."""

    def __post_init__(self) -> None:
        _one_of("--comet precision", self.precision, ("fp32", "bf16"))
        if self.batch_tokens is not None and self.batch_tokens < 1:
            raise BenchError(f"--comet batch_tokens={self.batch_tokens} must be at least 1.")

    @classmethod
    def parse(cls, pairs: list[str]) -> CometOptions:
        """Return the options of ``NAME=VALUE`` strings; BenchError for an unknown name or a value of another kind."""
        known = [field.name for field in fields(cls)]
        values: dict[str, Any] = {}
        for pair in pairs:
            name, equals, value = pair.partition("=")
            if not equals or not value or name not in known:
                raise BenchError(
                    f"--comet {pair!r} is not NAME=VALUE with a known name.{did_you_mean(name, known)} "
                    f"Known: {', '.join(known)}; for example --comet precision=bf16."
                )
            if name == "batch_tokens" and not value.isdecimal():
                raise BenchError(f"--comet {pair!r}: a number of tokens is needed, for example batch_tokens=4096.")
            values[name] = int(value) if name == "batch_tokens" else value
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that ``bayling-bench run`` was asked for."""

    model: str
    """Model specification, for example ``hf:PATH`` or ``published:bayling-13b``."""
    tasks: tuple[str, ...]
    """Names of tasks, in the order in which they are reported."""
    options: TaskOptions = field(default_factory=TaskOptions)
    """Choices within tasks."""
    generation: Generation = field(default_factory=Generation)
    """Decoding."""
    model_options: ModelOptions = field(default_factory=ModelOptions)
    """Loading."""
    limit: int | None = None
    """Only the first ``limit`` items of each task."""
    metrics: tuple[str, ...] = DEFAULT_METRICS
    """Metrics of translation tasks, ``comet:PATH_OR_ID`` among them; of n-gram metrics TER takes most of the time."""
    comet: CometOptions = field(default_factory=CometOptions)
    """How COMET is computed."""
    max_unscored: float = 0.01
    """Share of unscored items above which the run fails at its end."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise BenchError(f"--limit {self.limit} must be at least 1.")
        for metric in self.metrics:
            check_metric(metric)
        if not 0 <= self.max_unscored <= 1:
            raise BenchError(f"--max-unscored {self.max_unscored} must lie between 0 and 1.")

    @property
    def ngram_metrics(self) -> tuple[str, ...]:
        """Return the metrics that sacrebleu computes."""
        return tuple(metric for metric in self.metrics if metric in NGRAM_METRICS)

    @property
    def comet_metrics(self) -> tuple[str, ...]:
        """Return the others, each a COMET checkpoint."""
        return tuple(metric for metric in self.metrics if metric not in NGRAM_METRICS)

    def to_json(self) -> dict[str, Any]:
        """Return this configuration as JSON values, for the run record."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> RunConfig:
        """Return the configuration that ``to_json`` wrote; the default metrics of before COMET are those of today."""
        metrics = tuple(values["metrics"])
        nested = {
            "tasks": tuple(values["tasks"]),
            "metrics": DEFAULT_METRICS if "comet" not in values and metrics == NGRAM_METRICS else metrics,
            "options": TaskOptions(**values["options"]),
            "generation": Generation(**values["generation"]),
            "model_options": ModelOptions(**values["model_options"]),
            "comet": CometOptions(**values.get("comet", {})),
        }
        return cls(**{**values, **nested})


@dataclass(frozen=True)
class Shard:
    """One of ``count`` independent processes that share a run folder."""

    index: int = 0
    """From 0."""
    count: int = 1
    """Number of processes."""

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``I/N`` with I from 1 to N."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise BenchError(f"--shard {text!r} is not of the form I/N with 1 <= I <= N, for example --shard 1/4.")
        return cls(int(match[1]) - 1, int(match[2]))

    def __str__(self) -> str:
        return f"{self.index + 1}/{self.count}"


def check_metric(metric: str) -> None:
    """Raise BenchError unless a metric of translations is of this name, or ``comet:`` and a path or hub id."""
    if metric.startswith("comet:") and metric.removeprefix("comet:"):
        return
    known = (*NGRAM_METRICS, *COMET_METRICS)
    if metric not in (*known, COMET_IF_PRESENT):
        raise BenchError(
            f"--metrics {metric!r} is unknown.{did_you_mean(metric, known)} Known: {', '.join(known)}, and "
            "comet:PATH_OR_ID for a COMET checkpoint of your own."
        )


def parse_settings(pairs: list[str]) -> dict[str, Any]:
    """Return generation settings from ``NAME=VALUE`` strings of ``--set``, under lm-eval's names.

    Raises BenchError for an unknown name or a value of the wrong kind.
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        key = _SETTING_NAMES.get(name, name)
        if not equals or key not in _SETTINGS:
            known = [*_SETTINGS, *_SETTING_NAMES]
            raise BenchError(
                f"--set {pair!r} is not NAME=VALUE with a known name.{did_you_mean(name, known)} "
                f"Known: {', '.join(sorted(known))}; for example --set max_tokens=256."
            )
        value = _setting_value(key, text)
        settings[key] = [*settings.get(key, []), value] if key == "until" else value
    if settings.get("do_sample") and settings.get("temperature") == 0:
        raise BenchError("--set do_sample=true with temperature=0: sampling needs a temperature above 0.")
    return settings


def _setting_value(key: str, text: str) -> Any:
    try:
        if key == "do_sample":
            return {"true": True, "false": False}[text.lower()]
        if key == "until":
            return _stop_string(text)
        value = float(text) if key in _FRACTIONS else int(text)
    except (ValueError, KeyError):
        raise BenchError(f"--set {key}={text!r}: the value is not of the kind that {key} takes.") from None
    least, most = _RANGES[key]
    if not least <= value <= most:
        raise BenchError(f"--set {key}={text}: must lie between {least} and {most}.")
    return value


def _stop_string(text: str) -> str:
    """Return a stop string in which ``\\n`` and ``\\t``, which are hard to type in a shell, are what they stand for."""
    if not text:
        raise ValueError("a stop string without characters would stop everything")
    return text.replace("\\n", "\n").replace("\\t", "\t")


def _one_of(option: str, value: str, known: Any) -> None:
    if value not in known:
        raise BenchError(f"{option} {value!r} is unknown.{did_you_mean(value, known)} Known: {', '.join(known)}.")


def read_text_option(option: str, path: str) -> str:
    """Return the text of a file named by an option; BenchError when it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{option} {path}: cannot be read ({error}).") from None
