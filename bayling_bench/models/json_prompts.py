"""What models without a tokenizer of ours have in common: a conversation is handed over as JSON, not rendered."""

from __future__ import annotations

import json

from lm_eval.api.model import LM


class JsonPrompts(LM):
    """An ``LM`` whose prompts are lists of messages as JSON text; each request stands alone, whatever its batch."""

    batch_sensitive = False

    @property
    def tokenizer_name(self) -> str:
        """Return nothing: there is no tokenizer, and lm-eval caches no requests under its name."""
        return ""

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """Return the conversation as JSON."""
        return json.dumps(chat_history, ensure_ascii=False)
