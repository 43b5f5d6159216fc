"""``bayling-bench comet``: unbabel-comet beside us, and our scores against its."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from bayling_bench.errors import BenchError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="COMET beside unbabel-comet: install it in an environment of its own, and verify that scores agree.",
    epilog="COMET itself needs none of this: `--metrics comet` of `run` and `score` computes it here.",
)

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--comet", metavar="NAME=VALUE",
        help="How COMET is computed: device=cuda:1, precision=bf16 [default: fp32], batch_tokens=4096, encoder=DIR. "
        "Repeatable.",
    ),
]  # fmt: skip


@app.command("install-reference")
def install_reference() -> None:
    """Install unbabel-comet 2.2.7 and what it pins into an environment of its own, in the cache (about 2 GB)."""
    from bayling_bench import terminal
    from bayling_bench.comet import reference

    if not reference.is_installed():
        with terminal.err.status("pip is at work") if terminal.err.is_terminal else contextlib.nullcontext():
            reference.install(terminal.say)
    typer.echo(f"unbabel-comet is installed: {reference.folder()}")


@app.command(
    epilog="Examples:  comet verify comet  ·  comet verify ./wmt22-comet-da --encoder ./xlm-roberta-large  ·  "
    "comet verify cometkiwi -s source.txt -t system.txt"
)
def verify(
    checkpoint: Annotated[str, typer.Argument(metavar="CHECKPOINT", help="comet, cometkiwi, a folder or a hub id.")],
    source: Annotated[Path | None, typer.Option("--source", "-s", help="Source sentences, one a line.")] = None,
    translation: Annotated[Path | None, typer.Option("--translation", "-t", help="Their translations.")] = None,
    reference_file: Annotated[Path | None, typer.Option("--reference", "-r", help="Their references.")] = None,
    encoder: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder with the encoder's configuration and tokenizer.")
    ] = None,
    settings: Settings = None,
) -> None:
    """Score the same segments with unbabel-comet and with our code, and print the largest difference.

    Without files: 48 segments of our own, with empty, very long, Chinese and Japanese ones. Exit code 1 when a
    segment differs by more than 0.00001.
    """
    from bayling_bench import terminal
    from bayling_bench.comet import metric, registry
    from bayling_bench.comet import verify as verifying
    from bayling_bench.config import CometOptions

    options = CometOptions.parse([*(settings or []), *([f"encoder={encoder}"] if encoder else [])])
    name = checkpoint if checkpoint in registry.KNOWN or checkpoint.startswith("comet:") else f"comet:{checkpoint}"
    found = metric.Metric(registry.find(name), metric.Use(options), keep=False)
    segments = _segments(source, translation, reference_file, needed=found.reads_references)
    verdict = verifying.verify(found, segments, terminal.say)
    typer.echo(found.signature("given" if source else "mini"))
    worst = max(range(len(segments)), key=lambda number: verdict.differences[number])
    means = [sum(scores) / len(segments) for scores in (verdict.ours, verdict.theirs)]
    if options.precision != "fp32":
        typer.echo(f"compared            our {options.precision} with unbabel-comet's fp32")
    typer.echo(f"segments            {len(segments)}")
    typer.echo(f"mean score          {means[0]:.6f} ours, {means[1]:.6f} unbabel-comet")
    typer.echo(
        f"largest difference  {verdict.differences[worst]:.2g} (segment {worst + 1}: {segments[worst].mt[:60]!r})"
    )
    if not verdict.agree:
        terminal.fail(f"the scores differ by more than {verifying.TOLERANCE:g}")
        raise typer.Exit(1)
    typer.echo(f"they agree to {verifying.TOLERANCE:g}")


def _segments(source: Path | None, translation: Path | None, reference: Path | None, *, needed: bool) -> list:
    from bayling_bench.comet import verify as verifying

    if source is None and translation is None and reference is None:
        return verifying.samples()
    if source is None or translation is None or (reference is None and needed):
        wanted = "--source, --translation and --reference" if needed else "--source and --translation"
        raise BenchError(f"comet verify: files go together: give {wanted}, or none of them for our own segments.")
    return verifying.read_segments(source, translation, reference)


def fetch(targets: list[str], *, plainly: bool) -> list[str]:
    """Fetch the targets of ``bayling-bench fetch`` that name COMET checkpoints; return the others.

    BenchError unless it is to be done ``plainly``: the hub's cache is neither checked nor exported here.
    """
    wanted = [target for target in targets if target == "cometkiwi" or target.partition(":")[0] == "comet"]
    if wanted and not plainly:
        raise BenchError(
            f"fetch {wanted[0]}: --check and --export are for upstream data. A checkpoint is checked whenever it is "
            "used; to carry it elsewhere, copy its folder, which `bayling-bench fetch` prints, with `cp -rL` (its "
            "files are links), and that of its encoder, which lies apart, into it as `encoder`; give "
            "--metrics comet:FOLDER there."
        )
    for target in wanted:
        from bayling_bench import terminal
        from bayling_bench.comet import hub

        found = hub.fetch(target, terminal.say)
        typer.echo(f"{found.name}: {found.folder} (sha256 of model.ckpt: {found.sha256})")
    return [target for target in targets if target not in wanted]
