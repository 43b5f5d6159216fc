"""Fixtures of the reference model's tests."""

from __future__ import annotations

import pytest

from .made_up_texts import SMALL, byte_level, made_up_pairs, write_lines


@pytest.fixture(scope="session")
def chatml_tokenizer():
    from reference_model import conversation

    tokenizer = byte_level("<|im_start|>", "<|im_end|>")
    conversation.install(conversation.load_template("chatml"), tokenizer)
    return tokenizer


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A folder of 300 conversations about made-up pairs."""
    from reference_model.mixture import build, read_mixture

    folder = tmp_path_factory.mktemp("small")
    pairs = made_up_pairs(300)
    write_lines(folder / "a.en", (source for source, _ in pairs))
    write_lines(folder / "a.zh", (target for _, target in pairs))
    (folder / "mix.toml").write_text(
        'test_sentences = []\n[[source]]\nname = "pairs"\nformat = "lines"\nfiles = ["a.en", "a.zh"]\n'
        'languages = ["en", "zh"]\n',
        encoding="utf-8",
    )
    build(read_mixture(folder / "mix.toml"), folder / "data")
    return folder / "data"


@pytest.fixture(scope="session")
def small_config(tmp_path_factory):
    """Settings of a model of some ten thousand weights, as a file."""
    path = tmp_path_factory.mktemp("config") / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path
