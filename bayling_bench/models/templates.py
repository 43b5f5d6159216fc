"""Chat templates: the tokenizer's own, a Jinja file of the user's, or one of the forms named here.

``chatml`` and ``instruction`` are conversation forms as facts; BayLing v1's system text belongs to its weights and
comes from their tokenizer or the user's file, never from a guess of ours.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from bayling_bench.config import read_text_option
from bayling_bench.errors import BenchError, ModelError, did_you_mean

NAMED = {
    "chatml": (
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
        "{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    ),
    "instruction": (
        "{% for message in messages %}{% if message['role'] == 'user' %}### Instruction:\n{{ message['content'] }}\n"
        "{% elif message['role'] == 'assistant' %}### Response:\n{{ message['content'] }}{{ eos_token }}\n"
        "{% else %}{{ message['content'] }}\n{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}### Response:\n{% endif %}"
    ),
}


@dataclass(frozen=True)
class ChatTemplate:
    """Where the form of conversations comes from; ``text`` is None where it is not known here."""

    source: str
    """``tokenizer``, ``file``, ``name``; ``server`` and ``published`` (unknown here); ``none``: plain prompts."""
    name: str | None = None
    text: str | None = None

    @property
    def sha256(self) -> str | None:
        """Return the hash that stands in the record."""
        return hashlib.sha256(self.text.encode()).hexdigest() if self.text is not None else None

    @property
    def applies(self) -> bool:
        """Return whether prompts are rendered as conversations."""
        return self.source != "none"


def install(template: ChatTemplate, tokenizer: Any) -> None:
    """Give the tokenizer its template; ModelError when the template cannot render one user message."""
    tokenizer.chat_template = template.text
    if not template.applies:
        return
    try:
        tokenizer.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False, add_generation_prompt=True)
    except TemplateError as error:
        named = f" {template.name}" if template.name else ""
        raise ModelError(f"The chat template ({template.source}{named}) cannot be rendered: {error}.") from None


def resolve(option: str | None, own: str | None) -> ChatTemplate:
    """Return the template that ``--chat-template`` asks for; ``own`` is the tokenizer's.

    Without the option a tokenizer's own template is used, and none where it has none (a base model).
    """
    if option is None:
        return ChatTemplate("tokenizer", text=own) if own else ChatTemplate("none")
    if option == "none":
        return ChatTemplate("none")
    if option in NAMED:
        return ChatTemplate("name", option, NAMED[option])
    if Path(option).is_file():
        return ChatTemplate("file", Path(option).name, read_text_option("--chat-template", option))
    raise BenchError(
        f"--chat-template {option!r} is neither a file nor a known name.{did_you_mean(option, NAMED)} "
        f"Known: {', '.join(NAMED)}, none."
    )
