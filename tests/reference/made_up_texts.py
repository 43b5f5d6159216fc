"""Made-up parallel text, and small tokenizers of two families: byte-level BPE, and LLaMA's with its word marks."""

from __future__ import annotations

import json
import random
from pathlib import Path

TEXTS = (
    "The old house stands near the river.", "Das alte Haus steht am Fluss.", "老房子在河边。",
    "我喜欢喝茶，他喜欢咖啡。", "Provide the Chinese translation for this sentence: I drink tea.",
    "### Instruction: ### Response: Make it shorter.",
)  # fmt: skip


def byte_level(*tokens: str):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<pad>", *tokens]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", pad_token="<pad>")


def llama_like():
    """LLaMA 1's normalisation: a word mark before everything, no pre-tokenizer, bytes for what is unknown."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([text.replace(" ", "▁") for text in TEXTS], trainer)
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = state["added_tokens"][:3]  # the bytes are ordinary entries, as in LLaMA's file
    tokenizer = Tokenizer.from_str(json.dumps(state))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<unk>"
    )


def made_up_pairs(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """English and Chinese sentences, word by word, all different."""
    words = {"red": "红", "old": "老", "big": "大", "new": "新"}
    nouns = {"house": "房子", "river": "河流", "dog": "小狗", "tree": "树木", "teacher": "老师", "Anna": "安娜"}
    verbs = {"sees": "看见", "likes": "喜欢", "paints": "画", "follows": "跟着"}
    draw = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < count:
        a, b, n, m, v = (draw.choice(list(table.items())) for table in (words, words, nouns, nouns, verbs))
        number = draw.randint(2, 99)
        found[f"The {a[0]} {n[0]} {v[0]} {number} times the {b[0]} {m[0]} today."] = (
            f"{a[1]}{n[1]}今天{v[1]}{b[1]}{m[1]}{number}次。"
        )
    return list(found.items())


def write_lines(path: Path, lines) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


SMALL = """
name = "small"
[model]
vocabulary = 400
width = 32
inner = 64
layers = 2
heads = 4
key_heads = 2
context = 192
tied = true
from_scratch = true
[batch]
length = 192
sequences = 4
micro = 2
[optimizer]
rate = 1e-3
steps = 20
weight_decay = 0.1
[running]
checkpoint_every = 5
"""
