"""Fixtures of the reference model's tests."""

from __future__ import annotations

import pytest
from made_up_texts import byte_level


@pytest.fixture(scope="session")
def chatml_tokenizer():
    from reference_model import conversation

    tokenizer = byte_level("<|im_start|>", "<|im_end|>")
    conversation.install(conversation.load_template("chatml"), tokenizer)
    return tokenizer
