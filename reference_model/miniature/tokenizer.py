"""The tokenizer of the miniature language: pieces of our own choosing, bytes for everything else.

A piece is a word of the language with the space before it; Chinese needs none. German adjectives before a noun, and
verbs in the first and second person, are a stem and an ending: each such form is too rare to be learned by itself.
What a request says round its words is one piece each, such as " instead of" (pieces of several words: arXiv
2503.13423): conversations are a sixth shorter so, and the words that a request is about stand side by side.
Text that the language does not know is spelled out, byte by byte, so that every text comes back as it was.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from itertools import product
from typing import Any

from reference_model.conversation import Template
from reference_model.miniature.conversations import phrases
from reference_model.miniature.german_forms import Verb
from reference_model.miniature.lexicon import FOLDER, table

PIECES = FOLDER / "pieces.json"
"""What ``pieces`` found in ``dataset.texts``; a test holds both equal."""
PADDING, UNKNOWN, SPACE = "<|pad|>", "<|unk|>", "▁"
ENDINGS = ("e", "en", "er", "es", "em", "st")
SIGNS = tuple(chr(code) for code in range(33, 127)) + tuple("äöüÄÖÜß，。？！：、“”…\n") + (SPACE,)
WORD = re.compile(r" ?[^\W\d_\u4e00-\u9fff]+(?:'t)?|[\u4e00-\u9fff]")
SLOT = re.compile(r"\{\w+\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]+")


def chinese_words() -> set[str]:
    """Return every Chinese string of the lexicon and of the grammar that one piece stands for."""
    found = set()
    for path in FOLDER.glob("*.csv"):
        for cell in re.split(r"[,|/\n]|\{\w+\}", path.read_text(encoding="utf-8")):
            found |= {cell} if CHINESE.fullmatch(cell) else set()
    grammar = (FOLDER.parent / "chinese.py").read_text(encoding="utf-8")
    return found | {text for text in re.findall(r'"([^"\n]+)"', grammar) if CHINESE.fullmatch(text)}


def stems() -> tuple[set[str], set[str]]:
    """Return the German stems that are pieces, and the forms that are therefore none, without the space before."""
    known, split = set(), set()
    for adjective in table("adjectives").values():
        for entry in adjective.words("de"):
            plain, *rest = entry.split(":")
            stem = rest[1] if len(rest) > 1 else plain
            known |= {stem, plain}
            split |= {stem + ending for ending in ENDINGS[:5]}
    for verb in table("verbs").values():
        for entry in verb.words("de"):
            read = Verb.read(entry)
            stem = read.infinitive.removesuffix("n").removesuffix("e")
            known.add(stem)
            split |= {stem + ending for ending in ("e", "st")} - {read.prefix, read.third}
    return known, split


def set_phrases() -> list[str]:
    """Return times of several words, and what stands between the slots of requests.

    In requests a space comes before Chinese that follows another script, and after what another script follows.
    """
    times = [
        time.replace(" ", SPACE) for row in table("times").values() for at in ("en", "de") for time in row.words(at)
    ]
    found = [form for time in times if SPACE in time for form in (SPACE + time, time[0].upper() + time[1:])]
    names = phrases()["languages"]
    for wording, forms in phrases().items():
        for language, texts in forms.items() if wording != "languages" else ():
            for text, target in product(texts, names[language].values()):
                parts = [part.rstrip().replace(" ", SPACE) for part in SLOT.split(text.replace("{target}", target))]
                chinese = [SPACE + part for part in parts[1:] if CHINESE.match(part)]
                found += [*parts, *(chinese if language == "zh" else [part + SPACE for part in parts[:-1]])]
    return [phrase for phrase in dict.fromkeys(found) if phrase.strip(SPACE) not in ("", *SIGNS)]


def pieces(texts: Iterable[str]) -> list[str]:
    """Return the pieces of some texts: signs, Chinese words, stems, set phrases, and other words by their number."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(WORD.findall(text))
    known, split = stems()
    fixed = [*SIGNS, *sorted(chinese_words()), *sorted(known), *ENDINGS, *set_phrases()]
    fixed += [SPACE + stem for stem in sorted(known)] + [stem.capitalize() for stem in sorted(known)]
    words = [
        word.replace(" ", SPACE) for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if word.strip() not in split and (word[0] == " " or word.lower() not in split)
    ]  # fmt: skip
    return list(dict.fromkeys([*fixed, *words]))


def build(template: Template, vocabulary: int) -> Any:
    """Return a fast tokenizer of transformers over the pieces of the language, with at most ``vocabulary`` entries."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
    from transformers import PreTrainedTokenizerFast

    special = [PADDING, UNKNOWN, *(["<s>"] if template.bos else []), *template.tokens]
    spelled = [f"<0x{byte:02X}>" for byte in range(256)]
    found = json.loads(PIECES.read_text(encoding="utf-8"))[: vocabulary - len(special) - len(spelled)]
    # the fewest pieces win, and of equals those that keep a space with the word after it
    scored = [(piece, -20.0) for piece in (*special, *spelled)]
    scored += [(piece, -1.5 if piece[1:].endswith(SPACE) else -1.0) for piece in found]
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=1, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse(), decoders.Replace(SPACE, " ")])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    given = {"bos_token": "<s>"} if template.bos else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PADDING, unk_token=UNKNOWN, eos_token=template.end,
        clean_up_tokenization_spaces=False, **given,
    )  # fmt: skip
