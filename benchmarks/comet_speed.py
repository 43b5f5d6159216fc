"""Speed of our COMET against unbabel-comet's Python API: fp32, CPU, the same threads, the same segments, in one run.

The checkpoint has random weights (a regression metric over a small XLM-R with a mixture of all layers), since the
published one needs hours on a CPU; the segments are real: WMT22's Chinese-English sources and reference A with the
outputs of official systems. The sides take turns, each in new processes; loading a network is not timed.

- separate: each system in a run of its own, as a leaderboard grows. unbabel-comet encodes source and reference again
  each time; we read their vectors from disk, after the first system.
- single: all systems in one call. unbabel-comet with its cache of whole batches, as its command line uses it.
- alone: one system, nothing known beforehand; the sum over all systems.

Needs the WMT22 data (``bayling-bench fetch all``, or a mirror) and ``bayling-bench comet install-reference``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bayling_bench.comet import made_up, metric, reference, registry
from bayling_bench.comet.scorer import Scorer, Segment
from bayling_bench.comet.vectors import Vectors
from bayling_bench.config import CometOptions
from bayling_bench.data import catalogue, store, wmt22

LEAST = {"separate": 2.2, "single": 1.1, "alone": 1.1}
"""Wanted: our speed over unbabel-comet's, by processor time: the clock of a machine that others use tells little."""

Systems = list[list[Segment]]
Time = tuple[float, float]
"""Seconds by the clock, and of the processor."""


def main() -> None:
    """Run both sides in turn, and print seconds, ratios and the largest difference of scores."""
    arguments = parse()
    if arguments.checkpoint is not None:
        timed_side(arguments)
        return
    systems = read(arguments)
    shape = made_up.Shape(
        units=arguments.units, layers=arguments.layers, vocabulary=8000, max_positions=514, hidden_sizes=(256, 128)
    )
    with tempfile.TemporaryDirectory() as place:
        texts = [text for system in systems for segment in system for text in segment]
        checkpoint = made_up.write(Path(place) / "checkpoint", shape, texts)
        print(f"{len(systems)} systems of {len(systems[0])} segments; {shape.layers} layers of {shape.units} units")
        times: dict[str, list[tuple[Time, Time]]] = {name: [] for name in LEAST}
        for repeat in range(arguments.repeats):
            order = (theirs, ours) if repeat % 2 == 0 else (ours, theirs)
            found = {side.__name__: side(checkpoint, systems, arguments) for side in order}
            for name in LEAST:
                times[name].append((found["theirs"][0][name], found["ours"][0][name]))
                print(
                    f"  {name}: unbabel-comet {times[name][-1][0][0]:.2f} s, we {times[name][-1][1][0]:.2f} s",
                    flush=True,
                )
            apart = max(
                abs(one - other)
                for mine, others in zip(found["ours"][1], found["theirs"][1], strict=True)
                for one, other in zip(mine, others, strict=True)
            )
            print(f"  largest difference of a segment score: {apart:.1e}")
            assert apart <= 1e-5, "the two do not compute the same"
    show(times)


def show(times: dict[str, list[tuple[Time, Time]]]) -> None:
    """Print medians and the ratio of each claim, by the clock and by processor time."""
    print(f"{'':10} {'unbabel-comet':>14} {'we':>9} {'times as fast':>14} {'by processor':>13} {'wanted':>7}")
    for name, pairs in times.items():
        their, our = (statistics.median(side[0] for side in sides) for sides in zip(*pairs, strict=True))
        ratio, processor = (statistics.median(one[part] / other[part] for one, other in pairs) for part in (0, 1))
        verdict = "ok" if processor >= LEAST[name] else "TOO SLOW"
        print(f"{name:10} {their:12.2f} s {our:7.2f} s {ratio:14.2f} {processor:13.2f} {LEAST[name]:7} {verdict}")


def parse() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=int, default=11, help="official systems of one direction (default: 11)")
    parser.add_argument("--segments", type=int, default=200, help="segments of each (default: 200)")
    parser.add_argument("--direction", default="zh-en", help="zh-en or en-zh (default: zh-en)")
    parser.add_argument("--units", type=int, default=256, help="of the random encoder (default: 256)")
    parser.add_argument("--layers", type=int, default=4, help="of the random encoder (default: 4)")
    parser.add_argument("--threads", type=int, default=1, help="of each side (default: 1)")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each side (default: 3)")
    parser.add_argument("--checkpoint", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def read(arguments: argparse.Namespace) -> Systems:
    """Return the first segments of each system, as they are spread over the test set."""
    source, target = arguments.direction.split("-")
    pattern = f"txt/system-outputs/generaltest2022.{arguments.direction}.hyp.*.{target}"
    outputs = [file for file in catalogue.match(wmt22.REPOSITORY, pattern) if store.is_present(file)]
    if len(outputs) < arguments.systems:
        sys.exit(f"{len(outputs)} systems of {arguments.direction} are on this machine: bayling-bench fetch all")
    sources = store.read_lines(wmt22.source_file(source, target))
    references = store.read_lines(wmt22.reference_files(source, target)[0])
    step = max(1, len(sources) // arguments.segments)
    chosen = range(0, len(sources), step)[: arguments.segments]
    return [
        [Segment.of(sources[number], lines[number], references[number]) for number in chosen]
        for lines in map(store.read_lines, outputs[: arguments.systems])
    ]


def theirs(checkpoint: Path, systems: Systems, arguments: argparse.Namespace) -> tuple[dict[str, Time], list]:
    """Return unbabel-comet's seconds and scores."""
    file = registry.model_file(checkpoint)
    separate = reference.run(reference.Job(checkpoint=file, systems=systems, threads=arguments.threads))
    together = [segment for system in systems for segment in system]
    single = reference.run(
        reference.Job(checkpoint=file, systems=[together], threads=arguments.threads, embedding_cache=True)
    )
    # Without its cache, a system in a run of its own is a system alone.
    apart = (sum(separate.seconds), sum(separate.processor))
    at_once = (sum(single.seconds), sum(single.processor))
    return {"separate": apart, "single": at_once, "alone": apart}, separate.scores


def ours(checkpoint: Path, _: Systems, arguments: argparse.Namespace) -> tuple[dict[str, Time], list]:
    """Return our seconds and scores, from a process of its own, which reads the systems itself."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "result.json"
        command = [sys.executable, __file__, *sys.argv[1:], "--checkpoint", str(checkpoint), "--out", str(out)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads), "TOKENIZERS_PARALLELISM": "false"}
        subprocess.run(command, check=True, env=environment)
        found = json.loads(out.read_text(encoding="utf-8"))
    return found["times"], found["scores"]


def timed_side(arguments: argparse.Namespace) -> None:
    """Time our side, and write seconds and scores."""
    import torch

    torch.set_num_threads(arguments.threads)
    systems = read(arguments)
    found = registry.find(f"comet:{arguments.checkpoint}")
    loaded = metric.Metric(found, metric.Use(CometOptions(device="cpu")), keep=False)
    network = loaded.network()
    with tempfile.TemporaryDirectory() as place:

        def scored(segments: list[Segment], store_name: str) -> tuple[Time, list[float]]:
            """Score with the vectors of a file, opened anew as a new run would."""
            start, used = time.perf_counter(), time.process_time()
            vectors = Vectors(Path(place) / store_name, network.units)
            scores = Scorer(network, vectors, metric.BATCH_TOKENS["cpu"]).score(segments)
            vectors.close()
            return (time.perf_counter() - start, time.process_time() - used), scores

        scored(systems[0][:16], "warm")
        separate = [scored(system, "separate") for system in systems]
        single, _ = scored([segment for system in systems for segment in system], "single")
        alone = [scored(system, f"alone{number}")[0] for number, system in enumerate(systems)]
    times = {"separate": total([taken for taken, _ in separate]), "single": single, "alone": total(alone)}
    result = {"times": times, "scores": [scores for _, scores in separate]}
    arguments.out.write_text(json.dumps(result), encoding="utf-8")


def total(times: list[Time]) -> Time:
    """Return the sum of times."""
    return sum(taken[0] for taken in times), sum(taken[1] for taken in times)


if __name__ == "__main__":
    main()
