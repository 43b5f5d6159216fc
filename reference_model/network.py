"""The network and its tokenizer: transformers' LLaMA, from released weights or from nothing, with LoRA where asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from reference_model import conversation, initial
from reference_model.conversation import Template, load_template
from reference_model.errors import TrainingError
from reference_model.pack import read_conversations
from reference_model.settings import Adapter, Settings, Shape

if TYPE_CHECKING:
    from transformers import LlamaConfig, LlamaForCausalLM

PADDING = "<|pad|>"


def make_tokenizer(settings: Settings, conversations: Path) -> tuple[Any, Template]:
    """Return the tokenizer, with the chat template in it, and the template.

    It is the one that the settings name, or that of the weights, or one that lies beside the conversations in
    ``tokenizer/``, or a byte-level BPE trained on them.
    Raises ConversationError where it cannot carry the template.
    """
    beside = conversations.with_name("tokenizer")
    choice = settings.tokenizer.pretrained or settings.model.pretrained or (str(beside) if beside.is_dir() else "")
    if choice:
        of_the_weights = choice == settings.model.pretrained
        tokenizer = _pretrained_tokenizer(choice, settings.model.revision if of_the_weights else "")
    else:
        known = load_template(settings.template.name, opening_file=_opening(settings))
        tokenizer = _train_tokenizer(settings, known, conversations)
    template = load_template(settings.template.name, opening_file=_opening(settings), tokenizer=tokenizer)
    if settings.tokenizer.add_tokens:
        conversation.add_tokens(template, tokenizer)
    conversation.install(template, tokenizer)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token
    return tokenizer, template


def _opening(settings: Settings) -> Path | None:
    return Path(settings.template.opening_file) if settings.template.opening_file else None


def _pretrained_tokenizer(name: str, revision: str) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(name, revision=revision or None)
    except (OSError, ValueError) as error:
        raise TrainingError(f"The tokenizer of {name!r} cannot be loaded: {_first_line(error)}") from None


def _train_tokenizer(settings: Settings, template: Template, conversations: Path) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    first = ["<s>"] if template.bos else []
    trainer = trainers.BpeTrainer(
        vocab_size=settings.model.vocabulary,
        special_tokens=[PADDING, *first, *template.tokens],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_contents(conversations), trainer)
    given = {"bos_token": "<s>"} if template.bos else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PADDING, eos_token=template.end,
        model_max_length=settings.model.context, **given,
    )  # fmt: skip


def _contents(conversations: Path) -> Iterator[str]:
    for messages in read_conversations(conversations):
        yield from (message.content for message in messages)


def llama_config(shape: Shape, tokenizer: Any = None) -> LlamaConfig:
    """Return transformers' configuration of a shape, with the token ids of a tokenizer where there is one."""
    from transformers import LlamaConfig

    ids = {
        name: getattr(tokenizer, name)
        for name in ("bos_token_id", "eos_token_id", "pad_token_id")
        if tokenizer is not None
    }
    return LlamaConfig(
        vocab_size=shape.vocabulary, hidden_size=shape.width, intermediate_size=shape.inner,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.key_heads,
        max_position_embeddings=shape.context, tie_word_embeddings=shape.tied, rms_norm_eps=float(shape.norm_eps),
        **{"rope_theta": float(shape.rope_theta)},  # transformers 5 takes it, though it has no parameter of this name
        **ids,
    )  # fmt: skip


def make_network(settings: Settings, tokenizer: Any, *, real: bool = True) -> LlamaForCausalLM:
    """Return the network in 32 bits; without ``real``, one of the same shape whose weights are nowhere.

    Raises TrainingError where the settings name no weights, or weights of another shape, and where LoRA would leave new
    tokens as they are.
    """
    from transformers import LlamaForCausalLM

    shape = settings.model
    if not shape.pretrained and not shape.from_scratch:
        raise TrainingError(
            f"Settings {settings.name} name no weights to start from: --set model.pretrained=FOLDER, or "
            "--set model.from_scratch=true for random ones."
        )
    if shape.pretrained:
        network = _pretrained_network(shape, real=real)
    else:
        torch.manual_seed(settings.running.seed)
        with torch.device("cpu" if real else "meta"):
            network = LlamaForCausalLM(llama_config(shape, tokenizer))
        if real:
            initial.prepare(network, shape)
    if len(tokenizer) > network.config.vocab_size:
        _check_growth(settings, len(tokenizer), network.config.vocab_size)
        torch.manual_seed(settings.running.seed)
        network.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    return _adapted(network, settings.adapter, settings.running.seed)


def _check_growth(settings: Settings, entries: int, rows: int) -> None:
    if not settings.tokenizer.add_tokens:
        raise TrainingError(
            f"The tokenizer has {entries} entries and the embedding {rows}: they do not belong together, or --set "
            "tokenizer.add_tokens=true."
        )
    if settings.adapter.rank:
        raise TrainingError(
            f"The tokenizer has {entries} entries and the embedding {rows}: the new ones would stay random, since LoRA "
            "does not train the embedding. --set adapter.rank=0, or choose a template whose tokens the tokenizer has."
        )


def _pretrained_network(shape: Shape, *, real: bool) -> LlamaForCausalLM:
    from transformers import AutoConfig, LlamaForCausalLM

    revision = shape.revision or None
    try:
        config = AutoConfig.from_pretrained(shape.pretrained, revision=revision)
        _check_shape(config, shape)
        if not real:
            with torch.device("meta"):
                return LlamaForCausalLM(config)  # pyright: ignore[reportArgumentType]  # its type was checked
        return LlamaForCausalLM.from_pretrained(shape.pretrained, revision=revision or "main", dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise TrainingError(f"The weights {shape.pretrained!r} cannot be loaded: {_first_line(error)}") from None


def _check_shape(config: Any, shape: Shape) -> None:
    wanted = llama_config(shape)
    if config.model_type != "llama":
        raise TrainingError(f"{shape.pretrained!r} is of model type {config.model_type!r}; only LLaMA is trained here.")
    for name in (
        "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "tie_word_embeddings",
    ):  # fmt: skip
        found, expected = getattr(config, name), getattr(wanted, name)
        if found != expected:
            raise TrainingError(
                f"{shape.pretrained!r} has {name} = {found}, the settings say {expected}: name weights of that shape, "
                "or change [model]."
            )


def _adapted(network: LlamaForCausalLM, adapter: Adapter, seed: int) -> LlamaForCausalLM:
    """Return the network with LoRA's matrices put in and everything else frozen; as it is where the rank is 0."""
    if not adapter.rank:
        return network
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise TrainingError(
            "LoRA (adapter.rank above 0) needs peft: pip install 'bayling-bench[train]', or --set adapter.rank=0."
        ) from None
    torch.manual_seed(seed)
    config = LoraConfig(
        r=adapter.rank, lora_alpha=adapter.alpha, lora_dropout=adapter.dropout, target_modules=list(adapter.layers)
    )
    try:
        return inject_adapter_in_model(config, network)  # pyright: ignore[reportReturnType]
    except ValueError as error:
        raise TrainingError(f"adapter.layers = {list(adapter.layers)}: {_first_line(error)}") from None


def merge_adapters(network: LlamaForCausalLM) -> None:
    """Add LoRA's updates to the matrices that they belong to, and take the adapters out."""
    from peft.tuners.lora import LoraLayer

    for name, part in list(network.named_modules()):
        if isinstance(part, LoraLayer):
            part.merge()  # pyright: ignore[reportCallIssue]  # its subclasses have it
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, part.get_base_layer())


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
