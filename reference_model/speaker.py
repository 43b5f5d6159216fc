"""A model that answers: loaded from a folder, a hub id or a GGUF file, it turns a conversation into a streamed reply.

The prompt is what the tokenizer's chat template makes of the messages. What a LLaMA has computed for one turn is kept
for the next, as far as the prompts begin alike.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from tokenizers.decoders import DecodeStream
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, GenerationConfig
from transformers.generation.streamers import BaseStreamer
from transformers.utils import logging as transformers_logging

from reference_model import conversation
from reference_model.conversation import PROBE, load_template
from reference_model.errors import ModelError
from reference_model.model_source import Source
from reference_model.settings import TemplateChoice

DTYPES = ("auto", "bfloat16", "float16", "float32")
Turn = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Placing:
    """Where and how weights are held."""

    device: str = "auto"
    """As torch names it; ``auto`` takes the GPUs where there are any."""
    dtype: str = "auto"
    """Of the weights; ``auto``: as they are stored on GPUs, float32 on CPU."""
    eight_bit: bool = False
    """Whether matrices are held in 8 bits (LLM.int8, arXiv 2208.07339), by bitsandbytes."""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ModelError(f"--dtype {self.dtype!r} is unknown. Known: {', '.join(DTYPES)}.")
        try:
            kind = torch.device(self.device).type if self.device != "auto" else ""
        except RuntimeError:
            raise ModelError(f"--device {self.device!r} is unknown. Known: auto, cpu, cuda, cuda:1, mps …") from None
        if kind == "cuda" and not torch.cuda.is_available():
            raise ModelError(f"--device {self.device}: torch {torch.__version__} finds no GPU. Try --device cpu.")
        if self.eight_bit:
            self._check_eight_bit()

    def _check_eight_bit(self) -> None:
        if not torch.cuda.is_available() or self.device == "cpu":
            raise ModelError("--load-in-8bit needs a GPU, and none is in use. Leave it out, or try --dtype bfloat16.")
        if find_spec("bitsandbytes") is None:
            raise ModelError("--load-in-8bit needs bitsandbytes: pip install 'bayling-bench[eight-bit]'")

    @property
    def on_gpu(self) -> bool:
        """Return whether the weights go to GPUs."""
        return (torch.cuda.is_available() and self.device in ("auto", "cuda")) or self.device.startswith("cuda")

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``from_pretrained``."""
        kind = self.dtype if self.dtype != "auto" or self.on_gpu else "float32"
        found: dict[str, Any] = {"dtype": kind if kind == "auto" else getattr(torch, kind)}
        if self.on_gpu:
            found["device_map"] = "auto" if self.device == "auto" else self.device
        elif self.device != "auto":
            found["device_map"] = self.device
        if self.eight_bit:
            from transformers import BitsAndBytesConfig

            found["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
        return found


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How tokens are chosen."""

    temperature: float = 0.0
    """0 takes the likeliest token."""
    top_p: float = 1.0
    """Tokens outside this share of the probability are never drawn."""
    max_new_tokens: int = 1024
    """Longest answer."""

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf or not 0 < self.top_p <= 1 or self.max_new_tokens < 1:
            raise ModelError(
                "temperature must be a number from 0 up, top-p lie in (0, 1], max-new-tokens be at least 1."
            )


@dataclass(frozen=True)
class Answer:
    """What a model said."""

    text: str
    tokens: int
    end: str
    """``stop`` by itself, ``length`` at the longest allowed, ``interrupted`` by Ctrl-C."""


class Speaker:
    """A loaded model and its tokenizer."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self._cache: tuple[DynamicCache, list[int]] | None = None
        # the name in transformers 5.2x, and before
        self._cache_name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"

    @property
    def context(self) -> int:
        """Return the most tokens that prompt and answer may have together."""
        return getattr(self.model.config, "max_position_embeddings", self.tokenizer.model_max_length)

    def described(self) -> str:
        """Return device, type and size in words."""
        weights = sum(weight.numel() for weight in self.model.parameters())
        return (
            f"{weights / 1e6:,.1f} million weights in {str(self.model.dtype).removeprefix('torch.')} on "
            f"{self.model.device}, {self.context:,} tokens of context"
        )

    def prompt(self, messages: Sequence[Turn]) -> list[int]:
        """Return the token ids of a conversation up to where the answer begins; ModelError for one that has no form."""
        for message in messages:
            for token in self.tokenizer.all_special_tokens:
                if token in message["content"]:
                    raise ModelError(f"A message holds {token}, which is a mark of the conversation's form.")
        encoded = self.tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, return_dict=True)
        return list(encoded["input_ids"])

    def takes_system(self) -> bool:
        """Return whether the form of conversations has a place for a system message."""
        from jinja2 import TemplateError

        messages = [{"role": "system", "content": PROBE}, {"role": "user", "content": "?"}]
        try:
            return PROBE in self.tokenizer.apply_chat_template(messages, tokenize=False)
        except TemplateError:
            return False

    def answer(self, messages: Sequence[Turn], decoding: Decoding, show: Callable[[str], None]) -> Answer:
        """Return the answer to a conversation, giving ``show`` each piece of text as it comes; Ctrl-C ends it early.

        Raises ModelError where the conversation leaves no room for an answer.
        """
        prompt = self.prompt(messages)
        room = self.context - len(prompt)
        if room < 1:
            raise ModelError(
                f"The conversation has {len(prompt):,} tokens and the model reads {self.context:,}: no room is left "
                "for an answer. /reset begins a new one, or make it shorter."
            )
        stream = _Stream(self.tokenizer, show)
        limit = min(room, decoding.max_new_tokens)
        cache, self._cache = self._reusable(prompt), None
        ids = torch.tensor([prompt], device=self.model.device)
        kept = {} if cache is None else {self._cache_name: cache}
        try:
            with torch.inference_mode():
                self.model.generate(
                    ids, attention_mask=torch.ones_like(ids), generation_config=self._generation(decoding, limit),
                    streamer=stream, **kept,
                )  # fmt: skip
        except KeyboardInterrupt:
            return Answer(stream.rest(), len(stream.ids), "interrupted")
        except torch.OutOfMemoryError:
            raise ModelError(
                "The GPU's memory does not hold so long a conversation; --load-in-8bit takes less."
            ) from None
        if cache is not None:
            self._cache = cache, [*prompt, *stream.ids]
        ended = bool(stream.ids) and stream.ids[-1] in self._ends()
        return Answer(stream.rest(), len(stream.ids), "stop" if ended else "length")

    def _generation(self, decoding: Decoding, limit: int) -> GenerationConfig:
        drawn = {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
        return GenerationConfig(
            max_new_tokens=limit, do_sample=decoding.temperature > 0, eos_token_id=self._ends(),
            pad_token_id=self.tokenizer.pad_token_id, **(drawn if decoding.temperature > 0 else {}),
        )  # fmt: skip

    def _ends(self) -> list[int]:
        known = self.model.generation_config.eos_token_id
        known = known if isinstance(known, list) else [known]
        return [*dict.fromkeys(end for end in (*known, self.tokenizer.eos_token_id) if end is not None)]

    def _reusable(self, prompt: list[int]) -> DynamicCache | None:
        """Return what is known of the beginning of a prompt, to add to; None for networks that are not LLaMA's."""
        if self.model.config.model_type != "llama":
            return None
        if self._cache is None:
            return DynamicCache(config=self.model.config)
        cache, seen = self._cache
        alike = next(
            (i for i, (a, b) in enumerate(zip(seen, prompt, strict=False)) if a != b), min(len(seen), len(prompt))
        )
        excess = cache.get_seq_length() - min(alike, len(prompt) - 1)  # the last token of a prompt is always computed
        if excess > 0:
            cache.crop(-excess)
        return cache


class _Stream(BaseStreamer):
    """Hands on the text of new tokens as soon as they make whole characters."""

    def __init__(self, tokenizer: Any, show: Callable[[str], None]) -> None:
        self.ids: list[int] = []
        self._tokenizer, self._show, self._shown = tokenizer, show, ""
        self._decoder = DecodeStream(skip_special_tokens=True)
        self._prompt = True

    def put(self, value: torch.Tensor) -> None:
        """Take the prompt first, then a token at a time."""
        if self._prompt:
            self._prompt = False
            return
        for token in value.tolist():
            self.ids.append(token)
            self._tell(self._decoder.step(self._tokenizer.backend_tokenizer, token))

    def _tell(self, piece: str | None) -> None:
        if piece:
            self._shown += piece
            self._show(piece)

    def end(self) -> None:
        """Take the end."""

    def rest(self) -> str:
        """Return the whole text, after handing on what was held back."""
        text = self._tokenizer.decode(self.ids, skip_special_tokens=True)
        if text.startswith(self._shown):
            self._tell(text[len(self._shown) :])
        return text


def load(source: Source, placing: Placing, form: TemplateChoice) -> Speaker:
    """Return a model ready to answer, in the form of conversations that is named or else its tokenizer's own.

    Raises ModelError where it cannot be loaded or has no form of conversations, ConversationError where its tokenizer
    lacks what the named form needs.
    """
    transformers_logging.disable_progress_bar()  # one of its own, amid ours and in what a pipe reads
    try:
        tokenizer = AutoTokenizer.from_pretrained(**source.arguments)
        if form.name:
            opening = Path(form.opening_file) if form.opening_file else None
            conversation.install(load_template(form.name, opening_file=opening, tokenizer=tokenizer), tokenizer)
        _check(tokenizer, source)
        model = AutoModelForCausalLM.from_pretrained(**source.arguments, **placing.arguments)
    except ImportError as error:
        cure = " For GGUF files: pip install 'bayling-bench[gguf]'." if source.gguf_file else ""
        raise ModelError(f"{source} cannot be loaded: {first_line(error)}.{cure}") from error
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{source} cannot be loaded: {first_line(error)}") from error
    return Speaker(model.eval(), tokenizer)


def _check(tokenizer: Any, source: Source) -> None:
    if not tokenizer.chat_template:
        raise ModelError(
            f"The tokenizer of {source} has no chat template, so how it converses is not known. Name the form that it "
            "was trained in: --template chatml, --template bayling_v1, or a .toml file like those."
        )
    if not tokenizer.is_fast:
        raise ModelError(f"The tokenizer of {source} is not a fast one, which streaming needs.")


def first_line(error: Exception) -> str:
    """Return the first line of an error that says something."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
