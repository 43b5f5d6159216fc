"""A whole ``judge`` command: estimate, ask, write, for one opponent after the other, out of one purse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bayling_bench.config import ModelOptions, Shard
from bayling_bench.errors import BenchError, ModelError, RunError
from bayling_bench.judge import calibrate, calibrations, config, estimate, prices, protocol, results, run, tokens
from bayling_bench.judge import judging as judgings
from bayling_bench.judge.config import JudgeConfig
from bayling_bench.judge.judgements import Judgement
from bayling_bench.judge.judging import Judging
from bayling_bench.judge.purse import Purse
from bayling_bench.models import endpoint
from bayling_bench.models.endpoint import Endpoint
from bayling_bench.record import locked

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Session:
    """Everything that is ready before the first request."""

    asked: JudgeConfig
    judgings: list[Judging]
    server: Endpoint
    purse: Purse


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a command did."""

    results: list[Row]
    judgements: list[list[Judgement]]
    stopped: BaseException | None
    """Why it ended early."""


def open_session(asked: JudgeConfig, *, dry: bool = False) -> Session:
    """Return a session; BenchError for whatever can be refused before the first request.

    A ``dry`` one needs no key.
    """
    made = judgings.prepare(asked)
    model = config.model_of(asked.judge)
    server = replace(_server(model, asked.server, dry), timeout_s=asked.timeout_s)
    price = prices.find(model, server.public_url, asked.prices)
    purse = Purse(price, tokens.counter(server), asked.max_cost)
    estimate.require_price(purse, model)
    return Session(asked=asked, judgings=made, server=server, purse=purse)


def _server(model: str, options: ModelOptions, dry: bool) -> Endpoint:
    try:
        return endpoint.of(model, options)
    except ModelError:
        if not dry or options.base_url or options.api_key_file:
            raise
        return Endpoint(model=model, url=endpoint.DEFAULT_URL)


def lines(session: Session) -> list[str]:
    """Return what the session will ask and can cost."""
    estimates = [estimate.estimate(each, session.purse) for each in session.judgings]
    return list(estimate.lines(session.judgings, estimates, session.purse))


def told_dry(session: Session) -> str:
    """Return what a dry run sent, in words."""
    if session.purse.counter.how == tokens.BY_SERVER:
        return "Nothing was sent to the judge, apart from the prompts to its server's tokenizer, which counted them."
    return "Nothing was sent to the judge."


def judge(session: Session, caller: run.Caller) -> Finished:
    """Ask, write and return the results of every judging; one that stops ends those after it too."""
    written, given = [], []
    stopped: BaseException | None = None
    journals = [judging.open_journal() for judging in session.judgings]
    session.purse.spent_usd = sum(
        session.purse.cost(each) for journal in journals for each in journal.entries().values()
    )
    course = run.course(session.judgings, session.asked.retries)
    means = run.Means(server=session.server, purse=session.purse, course=course, caller=caller)
    wholes = [with_earlier(judging) for judging in session.judgings]
    for judging, whole in zip(session.judgings, wholes, strict=True):
        results.begin(whole, session.purse, caller.command)
        asked = run.ask(judging, means)
        stopped = asked.stopped
        if stopped is None or any(reply.came or reply.lost for each in asked.judged for _, reply in each.replies):
            judged = asked.judged if whole is judging else judgings.judge_all(whole, whole.open_journal())
            written.append(results.write(whole, judged, session.purse, caller.command, asked.tally))
            given.append([each.judgement for each in judged])
        if stopped is not None:
            break
    return Finished(results=written, judgements=given, stopped=stopped)


def set_aside(session: Session) -> list[str]:
    """Keep the replies of an earlier model apart, so that everything is judged again; return what was moved, in words.

    Raises RunError where there are none.
    """
    moved = [(judging.name, judgings.set_aside(judging)) for judging in session.judgings]
    told = [f"{name}: the replies of {snapshot} are kept apart" for name, snapshot in moved if snapshot]
    if not told:
        raise RunError(f"--new-snapshot: {session.judgings[0].folder} holds no replies of this judging to keep apart.")
    return told


def reparse(folder: Path) -> list[Row]:
    """Read the saved completions of every judging in a folder again, with no call, and return the new results.

    Raises RunError when there are none, or when the answers are no longer those that were judged.
    """
    found = [*results.read_all(folder), *results.begun(folder)]
    if not found:
        raise RunError(
            f"{folder} holds no judgements to read again. `bayling-bench judge {folder} --against …` makes some."
        )
    return [_reparse(folder, earlier) for earlier in found]


def _reparse(folder: Path, earlier: Row) -> Row:
    judging = _rebuilt(folder, earlier)
    if judging.name != earlier["name"]:
        raise RunError(
            f"{folder}: the answers are no longer those that {earlier['name']} judged. Judge them: give the command in "
            f"{judging.folder / earlier['name']}.json again."
        )
    usage = earlier["usage"]
    price = None if usage["price"] is None else prices.Price(**usage["price"])
    purse = Purse(price, replace(tokens.at_most(), how=usage["counted"]))
    with locked(judging.completions, Shard()):
        judged = judgings.judge_all(judging, judging.open_journal())
        return results.write(judging, judged, purse, earlier["command"], None)


def with_earlier(judging: Judging) -> Judging:
    """Return a judging with the questions that its results tell of already: other tasks, or more of the same.

    Raises BenchError where these can no longer be read.
    """
    if not judging.results_file.exists():
        return judging
    return _joined(judging, _rebuilt(judging.folder.parent, results.read(judging.results_file)))


def _rebuilt(folder: Path, earlier: Row) -> Judging:
    """Return the judging that results were written of."""
    values, settings = dict(earlier["protocol"]), earlier["settings"]
    values.pop("sha256")
    where = folder if (folder / "run.json").exists() and settings["run"] and not settings["samples"] else None
    made = None
    selections = settings.get("selections", [{name: settings[name] for name in ("tasks", "limit", "references")}])
    for selection in selections:
        asked = JudgeConfig(
            judge=earlier["judge"]["spec"],
            protocol=protocol.build(values, f"the protocol of {earlier['name']}"),
            run=str(where) if where and not str(settings["run"]).startswith("published:") else settings["run"],
            samples=tuple(settings["samples"]),
            against=(settings["against"],) if settings["against"] else (),
            tasks=tuple(selection["tasks"]),
            limit=selection["limit"],
            references=selection["references"],
            output=folder,
            server=ModelOptions(base_url=earlier["judge"]["base_url"]),
            seed=settings["seed"],
        )
        (part,) = judgings.prepare(asked)
        made = part if made is None else _joined(made, part)
    assert made is not None
    return replace(made, settings={**settings, "selections": selections})


def _joined(judging: Judging, earlier: Judging) -> Judging:
    """Return a judging with the items of an earlier one that it lacks."""
    places = {item.place for item in judging.items}
    more = [item for item in earlier.items if item.place not in places]
    if not more or earlier.name != judging.name:
        return judging
    selections = [*earlier.settings["selections"], *judging.settings["selections"]]
    tasks = {
        task: number for number, task in enumerate(dict.fromkeys(item.first.task for item in [*more, *judging.items]))
    }
    items = sorted([*more, *judging.items], key=lambda item: (tasks[item.first.task], item.first.index))
    return replace(judging, items=items, settings={**judging.settings, "selections": selections})


def calibration_config(asked: JudgeConfig) -> JudgeConfig:
    """Return the configuration that asks about the published pairs; BenchError for a protocol that compares nothing."""
    if asked.protocol.kind != "pairwise":
        raise BenchError(f"--calibrate compares verdicts, and the protocol {asked.protocol.name} gives none.")
    home = asked.output or calibrations.default_folder()
    return replace(
        asked,
        run=f"published:{calibrate.reviews.SYSTEM}",
        against=tuple(f"published:{system}" for system in calibrate.opponents()),
        output=home / "runs",
    )


def calibrated(finished: Finished, output: Path | None) -> tuple[Row, Path]:
    """Write the calibration record of finished judgings where reports find it, and return it with its place.

    ``output`` takes a second one. Raises RunError where that would replace a record of more pairs.
    """
    found = calibrate.record(list(zip(finished.results, finished.judgements, strict=True)))
    written = [calibrate.write(found, folder) for folder in (calibrations.default_folder(), output) if folder]
    return found, written[-1]
