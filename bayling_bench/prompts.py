"""What the model is asked, word for word: prompts as data, in English and Chinese.

The translation prompts and the line that asks for constrained words are those of the BayLing evaluation (arXiv
2306.10968, files named ``zh_prompt`` for the Chinese form), because the published outputs answer them. Exam prompts are
ours: the closing line that the authors really used is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

LANGUAGES: dict[str, tuple[str, str]] = {
    "cs": ("Czech", "捷克语"),
    "de": ("German", "德语"),
    "en": ("English", "英语"),
    "fr": ("French", "法语"),
    "hr": ("Croatian", "克罗地亚语"),
    "ja": ("Japanese", "日语"),
    "liv": ("Livonian", "利沃尼亚语"),
    "ru": ("Russian", "俄语"),
    "sah": ("Yakut", "雅库特语"),
    "uk": ("Ukrainian", "乌克兰语"),
    "zh": ("Chinese", "中文"),
}
"""ISO code -> name in English and in Chinese."""


def translation(source: str, target_language: str, form: str) -> str:
    """Return the request for a translation of ``source``, in English (``en``) or Chinese (``zh``)."""
    english, chinese = LANGUAGES[target_language]
    if form == "zh":
        return f"提供这句话的{chinese}翻译：{source}"
    return f"Provide the {english} translation for this sentence: {source}"


def constrained_translation(source: str, target_language: str, constraints: Sequence[str], form: str) -> str:
    """Return the request for a translation that uses all ``constraints``."""
    words = ", ".join(constraints)
    line = f"确保包含这些词：{words}" if form == "zh" else f"Make sure to include these words: {words}"
    return f"{translation(source, target_language, form)}\n{line}"


_EXAM = {
    "en": {
        "passage": "Passage:\n",
        "question": "Question:\n",
        "options": "Options:\n",
        "single": 'Exactly one option is right. End your reply with its letter in the form "Answer: (X)".',
        "multiple": 'One or more options are right. End your reply with all their letters in the form "Answer: (XY)".',
        "cloze": 'Fill in the blank. End your reply with the result in LaTeX in the form "Answer: $...$".',
        "letter": "Answer:",
    },
    "zh": {
        "passage": "材料：\n",
        "question": "问题：\n",
        "options": "选项：\n",
        "single": "只有一个选项正确。请在回答的最后用“答案：(X)”的形式写出它的字母。",
        "multiple": "有一个或多个选项正确。请在回答的最后用“答案：(XY)”的形式写出全部正确的字母。",
        "cloze": "请填空，并在回答的最后用“答案：$...$”的形式以 LaTeX 写出结果。",
        "letter": "答案：",
    },
}


def exam(passage: str | None, question: str, options: Sequence[str], kind: str, language: str) -> str:
    """Return an exam question with its request.

    ``kind``: ``single``, ``multiple`` or ``cloze`` ask for an answer in words; ``letter`` ends where a base model
    continues with the letter.
    """
    words = _EXAM[language]
    parts = [f"{words['passage']}{passage.strip()}"] if passage and passage.strip() else []
    parts.append(f"{words['question']}{question.strip()}")
    if options:
        parts.append(words["options"] + "\n".join(option.strip() for option in options))
    return "\n\n".join([*parts, words[kind]])
