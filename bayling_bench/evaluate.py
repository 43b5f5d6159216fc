"""Plan and model in, responses out: lm-eval builds the requests, the model answers in batches, the journal keeps all.

Batches are cut from the whole plan, longest prompts first as lm-eval does it, before anything is known of what is
already answered. So a resumed run, or any number of shards, computes each batch just as one undisturbed process does,
and the records come out the same. The turns of a conversation stay in the batch of their first turn.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lm_eval.api.instance import Instance

from bayling_bench.config import Shard
from bayling_bench.journal import Entry, Failure, Journal, Response, digest
from bayling_bench.models.details import Detail

LOGLIKELIHOOD = "loglikelihood"
_LEAST_ROOM = 16


@dataclass(frozen=True)
class Keys:
    """Makes journal keys: everything that could change an answer goes into them."""

    identity: dict[str, Any]
    """Model, revision, template."""
    generation: dict[str, dict[str, Any]]
    """Generation settings of each task."""
    seed: int

    def document(self, task: Any, doc: dict[str, Any]) -> str:
        """Return the part of the key that a task's settings and one document decide."""
        name = task.config.task
        settings = self.generation.get(name, {})
        seed = self.seed if settings.get("do_sample") else None
        return digest(self.identity, settings, seed, name, task.VERSION, doc)

    @staticmethod
    def request(document: str, turn: int, prompt: str) -> str:
        """Return the key of one request."""
        return digest(document, turn, prompt)


@dataclass(eq=False)
class Unit:
    """All requests of one document: stages one after the other, the requests of a stage together."""

    task: str
    item: int
    key: str
    stages: list[list[Instance]]
    order: tuple[int, str] = (0, "")
    failure: Failure | None = None

    @property
    def kind(self) -> str:
        """Return what decides which units may share a batch: request type and generation settings."""
        first = self.stages[0][0]
        settings = {} if first.request_type == LOGLIKELIHOOD else first.arguments[1]
        return json.dumps([first.request_type, settings], sort_keys=True)


@dataclass
class Progress:
    """How far a process is; ``report`` is called after each response."""

    total: int
    report: Callable[[Progress], None] = lambda _: None
    done: int = 0
    generated: int = 0
    failed: int = 0
    tokens: int = 0

    def count(self, entry: Entry, fresh: bool) -> None:
        """Count one response, fresh or found in the journal."""
        self.done += 1
        self.generated += fresh
        self.failed += entry.error is not None
        self.tokens += (entry.tokens or 0) if fresh else 0
        self.report(self)


def prompt_of(instance: Instance) -> str:
    """Return the text that a request shows to the model; of a ranked choice, question and choice."""
    arguments = instance.args
    return "".join(arguments) if instance.request_type == LOGLIKELIHOOD else arguments[0]


def build_units(tasks: dict[str, Any], model: Any, keys: Keys, *, chat: bool, limit: int | None) -> list[Unit]:
    """Return the units of all tasks, with the requests that lm-eval builds for them."""
    units: list[Unit] = []
    for name, task in tasks.items():
        task.build_all_requests(
            limit=limit,
            rank=0,
            world_size=1,
            apply_chat_template=chat,
            chat_template=model.apply_chat_template if chat else None,
        )
        by_document: dict[int, list[Instance]] = defaultdict(list)
        for instance in task.instances:
            by_document[instance.doc["index"]].append(instance)
        for item, requests in by_document.items():
            together = requests[0].request_type == LOGLIKELIHOOD
            stages = [requests] if together else [[request] for request in requests]
            units.append(Unit(name, item, keys.document(task, requests[0].doc), stages))
    return units


def cut_batches(units: list[Unit], model: Any, batch_size: int | None, shard: Shard) -> list[list[Unit]]:
    """Return the batches of one shard; without ``batch_size`` one a kind, with the shard's share of its units."""
    kinds: dict[str, list[Unit]] = defaultdict(list)
    if batch_size is None:
        for unit in units[shard.index :: shard.count]:
            kinds[unit.kind].append(unit)
        return list(kinds.values())
    for unit in units:
        prompt = prompt_of(unit.stages[0][0])
        unit.order = (-_length(model, prompt), prompt)
        kinds[unit.kind].append(unit)
    batches = []
    for members in kinds.values():
        members.sort(key=lambda unit: unit.order)
        batches += [members[start : start + batch_size] for start in range(0, len(members), batch_size)]
    return batches[shard.index :: shard.count]


@dataclass
class Generator:
    """Asks the model for what the journal does not have."""

    model: Any
    journal: Journal
    seed: int
    progress: Progress
    _waiting: dict[Any, deque[tuple[Unit, Instance]]] = field(default_factory=dict)
    _started: float = 0.0
    _share: int = 1

    def run(self, batches: list[list[Unit]]) -> None:
        """Answer all batches, stage by stage; every response is in the journal as soon as the back-end reports it."""
        self.model.set_cache_hook(self)
        for batch in batches:
            for stage in range(max(len(unit.stages) for unit in batch)):
                self._run_stage([unit for unit in batch if stage < len(unit.stages)], stage)

    def _run_stage(self, units: list[Unit], stage: int) -> None:
        asked: list[tuple[Unit, Instance]] = []
        missing = 0
        for unit in units:
            for request in unit.stages[stage]:
                if unit.failure is not None:
                    self._record(unit, request, Failure("earlier_turn_failed", unit.failure.reason))
                elif (known := self._known(unit, request)) is not None:
                    self._take(unit, request, known, fresh=False)
                    if known.error is None:
                        asked.append((unit, request))
                elif (failure := self._does_not_fit(unit, request)) is not None:
                    self._record(unit, request, failure)
                else:
                    missing += 1
                    asked.append((unit, request))
        if missing:
            # A batch that was cut short is computed whole again: its numerics depend on who shares it.
            whole = getattr(self.model, "batch_sensitive", True)
            self._ask([pair for pair in asked if whole or not pair[1].resps])

    def _known(self, unit: Unit, request: Instance) -> Entry | None:
        entry = self.journal.get(Keys.request(unit.key, request.idx, prompt_of(request)))
        return None if entry is None or (entry.error is not None and entry.error.retry) else entry

    def _ask(self, asked: list[tuple[Unit, Instance]]) -> None:
        requests = [request for _, request in asked]
        self._waiting = defaultdict(deque)
        for unit, request in asked:
            self._waiting[self._place(request.request_type, request.args)].append((unit, request))
        self._started, self._share = time.monotonic(), len(requests)
        if requests[0].request_type != LOGLIKELIHOOD and requests[0].arguments[1].get("do_sample"):
            _seed_sampling(self.seed, asked[0])
        responses = self._method(requests[0].request_type)(requests, disable_tqdm=True)
        for request, response in zip(requests, responses, strict=True):
            place = self._place(request.request_type, request.args)
            if any(request is waiting for _, waiting in self._waiting[place]):
                self.add_partial(request.request_type, request.args, response)
        getattr(self.model, "details", deque()).clear()

    def _method(self, request_type: str) -> Callable[..., list[Any]]:
        return self.model.loglikelihood if request_type == LOGLIKELIHOOD else self.model.generate_until

    @staticmethod
    def _place(request_type: str, arguments: tuple[Any, ...]) -> Any:
        return tuple(arguments) if request_type == LOGLIKELIHOOD else arguments[0]

    def add_partial(self, attr: str, req: Any, res: Any) -> None:
        """Take one response from the back-end: lm-eval's cache hook, called as each item is finished."""
        waiting = self._waiting.get(self._place(attr, req))
        if waiting:
            unit, request = waiting.popleft()
            details: deque[Detail] = getattr(self.model, "details", deque())
            detail = details.popleft() if details else Detail()
            if not request.resps:
                self._record(unit, request, res, detail)

    def _record(self, unit: Unit, request: Instance, result: Response | Failure, detail: Detail | None = None) -> None:
        detail = detail or Detail()
        prompt = prompt_of(request) if not (unit.failure and request.idx) else ""
        failed = isinstance(result, Failure)
        seconds = detail.seconds
        if seconds is None:
            seconds = round((time.monotonic() - self._started) / self._share, 4) if self._started else None
        entry = Entry(
            key=Keys.request(unit.key, request.idx, prompt),
            task=unit.task,
            item=unit.item,
            turn=request.idx,
            prompt=prompt,
            response=None if failed else result,
            tokens=detail.tokens,
            seconds=seconds,
            finish_reason=detail.finish_reason,
            error=result if failed else None,
        )
        self.journal.append(entry)
        self._take(unit, request, entry, fresh=True)

    def _take(self, unit: Unit, request: Instance, entry: Entry, *, fresh: bool) -> None:
        if entry.error is not None:
            unit.failure = unit.failure or entry.error
        else:
            request.resps = [entry.response]
        self.progress.count(entry, fresh)

    def _does_not_fit(self, unit: Unit, request: Instance) -> Failure | None:
        """Return a failure for a prompt that leaves no room to answer; shorten the answer where room is scarce.

        lm-eval would cut off the beginning of the prompt in silence.
        """
        room = getattr(self.model, "max_length", None)
        if room is None or not hasattr(self.model, "tok_encode"):
            return None
        known = request is unit.stages[0][0]
        length = -unit.order[0] if known else _length(self.model, prompt_of(request))
        ranked = request.request_type == LOGLIKELIHOOD
        settings = {} if ranked else request.arguments[1]
        wanted = settings.get("max_gen_toks", 0)
        if room - length < min(wanted, _LEAST_ROOM):
            return Failure("prompt_too_long", f"{length} tokens, and the model's context holds {room}")
        if not ranked and room - length < wanted:
            request.arguments = (request.arguments[0], {**settings, "max_gen_toks": room - length})
        return None


def _length(model: Any, text: str) -> int:
    encode = getattr(model, "tok_encode", None)
    return len(encode(text)) if encode else len(text)


def _seed_sampling(seed: int, first: tuple[Unit, Instance]) -> None:
    """Seed the sampling of one batch by its content, so that it comes out the same whenever it is computed."""
    torch = sys.modules.get("torch")
    if torch is not None:
        unit, request = first
        torch.manual_seed(int(digest(seed, unit.key, request.idx)[:15], 16))


def requests_in(units: list[Unit]) -> Iterator[Instance]:
    """Yield every request of the units."""
    for unit in units:
        for stage in unit.stages:
            yield from stage
