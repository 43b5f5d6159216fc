"""Words as they are quoted: a noun in the singular, a verb in the infinitive, an adjective without ending."""

from __future__ import annotations

from reference_model.miniature import chinese, english, german, german_forms
from reference_model.miniature.choice import Voice, preferred
from reference_model.miniature.lexicon import table
from reference_model.miniature.tree import Phrase

SAY = {"en": english.phrase, "de": german.phrase, "zh": chinese.phrase}


def cite(name: str, concept: str, language: str, *, goal: bool = False) -> str:
    """Return the preferred word for a concept of a table in its dictionary form; ``goal``: the place one goes to."""
    if name == "numbers":
        return {"en": concept, "de": german_forms.COUNTED.get(concept, ""), "zh": chinese.COUNTED.get(concept, "")}[
            language
        ]
    entry = table(name)[concept]
    if name == "places":
        return entry.words(f"{language}_{'to' if goal else 'at'}")[0]
    word = entry.words(language)[0]
    if language == "zh":
        return word.replace("{o}", "…").replace("{le}", "").partition("/")[0]
    if name == "verbs":
        return _infinitive(word, language)
    return word.split(":")[0].partition("/")[0].split(" ")[0] if name in ("nouns", "adjectives") else word


def _infinitive(word: str, language: str) -> str:
    if language == "de":
        return word.partition(":")[0].replace("_", "")
    forms = english.verb_forms(word)
    return " ".join(part for part in (forms["base"], forms["particle"], forms["after"]) if part)


def cite_phrase(part: Phrase, language: str) -> str:
    """Return a subject as it is quoted."""
    return ("" if language == "zh" else " ").join(word.text for word in SAY[language](part, Voice(preferred)))
