"""Second turns of a miniature model on documents that are drawn as the test's are, and are not the test's.

Settings are chosen by them: 1,176 documents tell recipes apart that the test's 336 do not, and the test stays unseen.
Prints for all, and by split, direction, kind of change and shape of the sentence: documents, first turns right, second
turns right after a right first one, second turns right. Decoding is greedy, with the model's own first turn in the
context.

    python benchmarks/second_turns.py runs/miniature/tiny
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

from bayling_bench.data.miniature import FOLDER
from reference_model.experiments.transfer import likeliest
from reference_model.miniature import documents
from reference_model.miniature.split import structures
from reference_model.miniature.tree import Sentence

SEED, NUMBER = "development documents 7", 7
TOGETHER, LONGEST = 200, 40
"""Conversations of a batch, and tokens of an answer."""


def main() -> None:
    """Print a line for all documents and for each group."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a trained model, as `reproduce` or `export` wrote it")
    folder = parser.parse_args().model
    if not folder.is_dir():
        parser.error(f"{folder} is no folder: `bayling-bench reproduce` makes runs/miniature/tiny")
    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    test = [
        json.loads(line)["turns"] for line in (FOLDER / "interactive.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    drawn = [(tree, one) for tree, one in documents.interactive(SEED, NUMBER) if one["turns"] not in test]
    conversations = [[{"role": "user", "content": one["turns"][0]}] for _, one in drawn]
    first = likeliest(network, tokenizer, conversations, TOGETHER, LONGEST)
    for (_, one), conversation, answer in zip(drawn, conversations, first, strict=True):
        conversation += [{"role": "assistant", "content": answer or "?"}, {"role": "user", "content": one["turns"][1]}]
    second = likeliest(network, tokenizer, conversations, TOGETHER, LONGEST)
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for (tree, one), *said in zip(drawn, first, second, strict=True):
        right = [answer in known for answer, known in zip(said, one["references"], strict=True)]
        named = [f"{name} {one[name]}" for name in ("split", "direction", "edit")]
        for group in ("all", *named, *_shape(tree, one["edit"])):
            counted[group].update(all=1, first=right[0], both=all(right), second=right[1])
    for group, count in counted.items():
        shares = count["first"] / count["all"], count["both"] / max(1, count["first"]), count["second"] / count["all"]
        print(f"{group:26}{count['all']:6}" + "".join(f"{share:8.1%}" for share in shares))


def _shape(tree: Sentence, edit: str) -> list[str]:
    clauses = "two clauses" if tree.link else "one clause"
    return [clauses, f"{clauses}, {edit}", *(["relative clause"] if "relative" in structures(tree) else [])]


if __name__ == "__main__":
    main()
