"""Verbs of the command line that run a model: `chat` and `serve`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

Model = Annotated[str, typer.Argument(metavar="PATH", help="Folder of an exported model, or a hub id.")]
Template = Annotated[
    str, typer.Option(help="Form of conversations, where the tokenizer has none: chatml, bayling_v1, or a .toml file.")
]
Opening = Annotated[str, typer.Option(help="File with the text that opens each conversation, for --template.")]
SERVING = (
    "Ask it with:  bayling-bench run --model openai:PATH --base-url http://127.0.0.1:8000/v1  ·  Further options "
    "of the server stand after --, for example:  bayling-model serve PATH -- --max-model-len 2048"
)


def chat(
    model: Annotated[str, typer.Argument(metavar="PATH", help="Folder of an exported model, a hub id, or FILE.gguf.")],
    system: Annotated[str, typer.Option(help="System prompt, where the form has a place for one.")] = "",
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token; BayLing's authors drew at 0.7.")] = 0,
    top_p: Annotated[float, typer.Option(help="Draw from the likeliest tokens that have this share.")] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer.")] = 1024,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps …")] = "auto",
    dtype: Annotated[str, typer.Option(help="Of weights: bfloat16, float16, float32; auto: float32 on CPU.")] = "auto",
    load_in_8bit: Annotated[bool, typer.Option("--load-in-8bit", help="Hold matrices in 8 bits (GPU).")] = False,
    template: Template = "",
    opening_file: Opening = "",
) -> None:
    """Talk to a model: turn by turn at a terminal, or a line a turn over a pipe. /help lists the commands."""
    from reference_model import terminal
    from reference_model.model_source import find

    source = find(model)
    import torch

    from reference_model.chat import Chat, run
    from reference_model.settings import TemplateChoice
    from reference_model.speaker import Decoding, Placing, load

    decoding = Decoding(temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens)
    placing = Placing(device=device, dtype=dtype, eight_bit=load_in_8bit)
    here = sys.stdin.isatty() and sys.stdout.isatty()
    with terminal.waiting(f"loading {source}"):
        speaker = load(source, placing, TemplateChoice(name=template, opening_file=opening_file))
    torch.manual_seed(seed)
    talk = Chat(speaker, decoding, system, terminal.say)
    if here:
        terminal.say(f"{source}: {speaker.described()}. /help lists the commands, Ctrl-D leaves.")
    run(talk, terminal=here)


def serve(
    model: Model,
    more: Annotated[list[str] | None, typer.Argument(metavar="[-- OPTIONS]", help="Of the server.")] = None,
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 for all addresses.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port.")] = 8000,
    engine: Annotated[str, typer.Option(help="auto (vLLM where installed), vllm, transformers.")] = "auto",
    template: Template = "",
    opening_file: Opening = "",
    show: Annotated[bool, typer.Option("--print", help="Print the command instead of running it.")] = False,
) -> None:
    """Serve a model with vLLM or `transformers serve`, which speak the API of OpenAI's chat completions."""
    import shlex

    from reference_model import serve as server
    from reference_model import terminal
    from reference_model.model_source import find
    from reference_model.settings import TemplateChoice

    address = server.Address(host=host, port=port)
    form = TemplateChoice(name=template, opening_file=opening_file)
    words = server.command(find(model), engine, address, form, more or [])
    if show:
        typer.echo(shlex.join(words))
        return
    terminal.say(f"{shlex.join(words)}\nAsk it: bayling-bench run --model openai:{model} --base-url {address.url}")
    server.hand_over(words)
