"""The command line of the reference model: each verb parses, calls one function and prints.

Nothing heavy is imported before a verb needs it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from reference_model import running
from reference_model.errors import CorpusError, TrainingError, UserError

if TYPE_CHECKING:
    from reference_model.delta import Outcome

app = typer.Typer(
    name="bayling-model",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Make interactive-translation data, train a LLaMA on it, talk to it, and handle released weight differences.",
    epilog="Start with:  bayling-model data MIXTURE.toml -o data  ·  bayling-model train tiny --data data -o runs/tiny",
)

Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Change a setting, e.g. optimizer.rate=1e-5. Repeatable."),
]
ShardSize = Annotated[float, typer.Option(min=0.001, max=1e6, help="Largest output file, in GB.")]
MOST_TOKENS = 1e12
Output = Annotated[Path, typer.Option("--output", "-o", help="What to make; it must not exist yet.")]


@app.callback()
def root() -> None:
    """Take the options that stand before a verb."""


@app.command(epilog="The form of a mixture file stands at the top of reference_model/mixture.py and in the README.")
def data(
    mixture: Annotated[Path, typer.Argument(metavar="MIXTURE.toml", help="Sources, weights, languages.")],
    output: Output,
) -> None:
    """Make conversations of parallel text and instructions, with a data card; test sentences are refused."""
    from reference_model import terminal
    from reference_model.mixture import build, read_mixture

    read = read_mixture(mixture)
    with terminal.counted("records") as advance:
        card = build(read, output, advance)
    for source in card["sources"]:
        counts = ", ".join(f"{count:,} {what}" for what, count in source["counts"].items() if "asked" not in what)
        terminal.console.print(f"{source['name']}: {counts}", markup=False)
    if not card["test_sentences"]["checked against"]:
        terminal.say("note: test_sentences is empty, so nothing was checked against a test set; the card says so.")
    terminal.console.print(f"{card['conversations']:,} conversations in {output}, sha256 {card['sha256'][:16]}…")


@app.command(epilog="The language is described in reference_model/README.md.")
def miniature(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder of training data to make.")] = None,
    tests: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the test documents here.")] = None,
    seed: Annotated[int, typer.Option(help="Of the training data; the test documents have their own.")] = 1,
    tokens: Annotated[float, typer.Option(help="How many tokens of training data.")] = 3.7e6,
    processes: Annotated[int, typer.Option(min=1, help="How many draw at the same time; the data is the same.")] = 1,
) -> None:
    """Make the training data, or the test documents, of the miniature trilingual language: nothing is downloaded."""
    from reference_model import terminal
    from reference_model.miniature import dataset, documents

    if output is None and tests is None:
        raise CorpusError("Name what to make: bayling-model miniature -o DIR, or bayling-model miniature --tests DIR.")
    if not 0 <= tokens < MOST_TOKENS:
        raise CorpusError(f"--tokens {tokens:g} must be a number below {MOST_TOKENS:g}; for example --tokens 3e6.")
    if output is not None:
        with terminal.counted("conversations") as advance:
            card = dataset.write(dataset.Plan(tokens=int(tokens), seed=seed), output, advance, processes=processes)
        terminal.console.print(
            f"{card['conversations']:,} conversations of {card['tokens']:,} tokens in {output}, "
            f"sha256 {card['sha256'][:16]}…. Next: bayling-model train tiny --data {output}",
            markup=False,
        )
    if tests is not None:
        for name, count in documents.write(tests).items():
            terminal.console.print(f"{tests / name}.jsonl: {count} documents", markup=False)


@app.command()
def hashes(
    texts: Annotated[list[Path], typer.Argument(help="Files, or folders of files, with a test sentence a line.")],
    output: Output,
) -> None:
    """Write the hashes of test sentences, so that data can be checked where the sentences are not."""
    from reference_model import terminal
    from reference_model.contamination import TestSentences

    if output.exists():
        raise UserError(f"{output} exists already. Name another file with -o.")
    tests = TestSentences.read(texts)
    tests.write(output)
    terminal.console.print(f"{len(tests):,} hashes in {output}")


@app.command(
    epilog="On all GPUs of a machine:  torchrun --nproc-per-node gpu -m reference_model.cli train CONFIG --data DIR -o "
    "RUN  ·  on several machines: reference_model/launch/"
)
def train(
    config: Annotated[
        str | None, typer.Argument(help="tiny, smollm2_135m, bayling_7b, bayling_13b, or a .toml file.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that `bayling-model data` made.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the run. [default: runs/CONFIG]")
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on from the last checkpoint of a run.")] = None,
    changes: Changes = None,
) -> None:
    """Train; killed anywhere, `--resume` goes on from the last checkpoint, on any number of processes."""
    first = os.environ.get("RANK", "0") == "0"
    from reference_model import run_folder, settings, terminal

    if resume is not None:
        if config or output:
            raise TrainingError("--resume takes settings and folder from the run: leave out CONFIG and -o.")
        folder = resume
        chosen = settings.changed(run_folder.settings_of(resume), changes or [])
        data = data or Path(run_folder.read(resume)["data"]["folder"])
    else:
        if config is None or data is None:
            missing = "CONFIG" if config is None else "--data DIR"
            raise TrainingError(f"{missing} is missing: bayling-model train tiny --data DIR -o RUN, or --resume RUN.")
        chosen = settings.load(config, changes or [])
        folder = output or Path("runs") / chosen.name
    from reference_model.session import Reporter
    from reference_model.session import train as run

    where = run_folder.Data(data)
    if not first:
        reporter = Reporter(say=lambda _: None, step=lambda _, _total: None)
        if not run(chosen, where, folder, resume=resume is not None, reporter=reporter):
            raise typer.Exit(130)
        return
    with terminal.steps() as show:
        done = run(chosen, where, folder, resume=resume is not None, reporter=Reporter(say=terminal.say, step=show))
    if not done:
        terminal.say(f"Stopped with a checkpoint. Go on with: bayling-model train --resume {folder}")
        raise typer.Exit(130)
    terminal.say(f"Trained. Next: bayling-model export {folder} -o {folder}/model")


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    output: Output,
    dtype: Annotated[str, typer.Option(help="bfloat16, float16 or float32.")] = "bfloat16",
    step: Annotated[int | None, typer.Option(help="Checkpoint of this step. [default: the last]")] = None,
) -> None:
    """Write the trained model as a Hugging Face folder: safetensors, tokenizer, chat template, model card."""
    from reference_model import terminal
    from reference_model.errors import did_you_mean

    known = ("bfloat16", "float16", "float32")
    if dtype not in known:
        raise TrainingError(f"--dtype {dtype!r} is unknown.{did_you_mean(dtype, known)} Known: {', '.join(known)}.")
    from reference_model.export import export as write

    chosen = write(run, output, dtype, step)
    terminal.console.print(f"{output} from {chosen.name}. Next: bayling-bench run --model {output}", markup=False)


@app.command()
def plan(
    config: Annotated[str, typer.Argument(help="tiny, smollm2_135m, bayling_7b, bayling_13b, or a .toml file.")],
    gpus: Annotated[int, typer.Option(help="Number of GPUs.")] = 1,
    gpu: Annotated[str, typer.Option(help="Kind of GPU, for its peak: H100, A100, …")] = "H100",
    utilisation: Annotated[float, typer.Option(help="Share of the peak that is reached.")] = 0.4,
    tokens: Annotated[float, typer.Option(help="Tokens in one pass over the data, e.g. 1e8; 0 if unknown.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    changes: Changes = None,
) -> None:
    """Compute parameters, memory a GPU, operations and hours of a training, without training."""
    from reference_model import planning, settings, terminal

    found = planning.plan(
        settings.load(config, changes or []), planning.Machine(gpus, gpu, utilisation), tokens_in_a_pass=tokens
    )
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
    else:
        terminal.console.print(planning.table(found))


app.command()(running.chat)
app.command(epilog=running.SERVING)(running.serve)

Base = Annotated[Path, typer.Argument(help="Hugging Face folder of the foundation model.")]
Made = Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make.")]


@app.command(name="apply-delta")
def apply_delta(
    base: Base,
    delta: Annotated[Path, typer.Argument(help="Folder of the released difference.")],
    output: Made,
    shard_size: ShardSize = 2.0,
) -> None:
    """Add a released weight difference to its base, tensor by tensor, checking hashes where the release has them."""
    from reference_model.delta import apply

    _write(apply, (base, delta), output, shard_size)


@app.command(name="make-delta")
def make_delta(
    base: Base,
    target: Annotated[Path, typer.Argument(help="Hugging Face folder of the model to release.")],
    output: Made,
    shard_size: ShardSize = 2.0,
) -> None:
    """Write the difference of two models with the hashes by which `apply-delta` checks base and result."""
    from reference_model.delta import make

    _write(make, (base, target), output, shard_size)


def _write(how: Callable[..., Outcome], folders: tuple[Path, Path], output: Path, shard_size: float) -> None:
    from reference_model import terminal

    with terminal.counted("tensors") as advance:
        done = how(*folders, output, shard_bytes=int(shard_size * 1e9), advance=advance)
    terminal.console.print(done.told(output), markup=False)


def main() -> None:
    """Run the command line; a UserError is printed and ends with code 2."""
    try:
        app()
    except UserError as error:
        _fail(str(error))
    except BrokenPipeError:  # whoever read has gone; Python would complain once more when it closes the output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except OSError as error:  # a disk that is full, a path that leads nowhere
        told = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        _fail(f"{told}. Nothing that was whole is lost.")
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _fail(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201
    raise SystemExit(2) from None


if __name__ == "__main__":
    main()
