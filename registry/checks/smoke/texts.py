"""The fixed inputs `probe-v1`, in our own words. A change of one letter makes a new version."""

import random

PROBE = "probe-v1"

PROSE = {
    "en": (
        "The ferry left the island a little after six, when the fog was still lying on the water "
        "and the gulls had not yet begun to quarrel over the fish. Most of the passengers were "
        "people going to work on the mainland: a teacher with a bag of exercise books, two nurses "
        "who had slept badly, and an old carpenter who knew every rock in the strait by name. He "
        "stood at the rail and told a boy beside him how his grandfather had rowed across in a "
        "single night, without a lantern, because the doctor was needed and there was no engine "
        "to be had. The boy asked whether he had been afraid. The carpenter thought about it for "
        "a while and said that his grandfather had never spoken of fear, only of the cold, and of "
        "how glad he was to see the lights of the harbour. By the time they arrived the sun had "
        "come through, the streets were wet and shining, and the bakery on the corner had opened "
        "its doors. Everyone hurried away in a different direction, as they did every morning."
    ),
    "science": (
        "Water expands when it freezes, which is unusual among liquids. As the temperature falls "
        "below four degrees, the molecules begin to arrange themselves in an open lattice that "
        "takes up more room than the disordered liquid. Ice is therefore less dense than water "
        "and floats on it. For this reason lakes freeze from the top, and the layer of ice "
        "protects the water below from the cold air, so that fish and plants survive the winter."
    ),
    "code": (
        "def average(values):\n"
        '    """Return the mean of a list of numbers, or None if it is empty."""\n'
        "    if not values:\n        return None\n"
        "    total = 0\n    for value in values:\n        total += value\n"
        "    return total / len(values)\n\n\n"
        "for name, scores in results.items():\n    print(name, average(scores))\n"
    ),
    "de": (
        "Im Herbst wird der Markt auf dem alten Platz kleiner, weil viele Bauern aus den Dörfern "
        "mit der Ernte beschäftigt sind. Wer früh kommt, findet trotzdem Äpfel, Nüsse und frisches "
        "Brot, und die Händler haben Zeit, von ihrem Sommer zu erzählen."
    ),
    "es": (
        "La biblioteca del barrio abre a las nueve y casi siempre hay alguien esperando en la "
        "puerta. Algunos vienen a leer el periódico, otros a estudiar, y los niños se sientan en "
        "el suelo junto a la ventana para escuchar un cuento antes de volver a casa."
    ),
}

PROMPTS = (
    "What is the capital of France?",
    "Write one sentence about the sea in winter.",
    "Explain in simple words why the sky is blue.",
    "List three things one needs to bake bread.",
    "How many days are there in a leap year?",
    "Give a short definition of the word 'bridge'.",
    "Translate into German: Good morning, how are you?",
    "Write a Python function that adds two numbers.",
)

# Those of the prompts that a chat model answers in a line or two.
SHORT_QUESTIONS = (PROMPTS[0], PROMPTS[1], PROMPTS[4], PROMPTS[5])

_WHO = (
    "The baker",
    "Her neighbour",
    "A young doctor",
    "The old fisherman",
    "Our teacher",
    "My aunt",
    "Two students",
    "The mayor",
    "A tired nurse",
    "The gardener",
    "His brother",
    "The ferryman",
    "A stranger",
    "The choir",
)
_DID = (
    "walked slowly to",
    "wrote a long letter about",
    "was late again for",
    "asked me about",
    "painted",
    "complained about",
    "could not stop talking about",
    "remembered",
    "quietly left",
    "took photographs of",
    "had never heard of",
    "paid far too much for",
    "dreamt of",
    "made a little drawing of",
)
_WHAT = (
    "the market",
    "the new bridge",
    "the concert",
    "the village school",
    "the harbour",
    "a broken clock",
    "the cherry orchard",
    "an empty train",
    "the lighthouse",
    "a jar of honey",
    "the museum",
    "the frozen lake",
    "a pair of red shoes",
    "the town hall",
    "the last bus",
    "a wooden boat",
)
_WHEN = (
    "on Monday morning",
    "before the rain began",
    "after lunch",
    "in early spring",
    "at midnight",
    "during the holidays",
    "while the others slept",
    "a week ago",
    "on the way home",
    "once more",
    "for the first time",
    "without a word",
)
_WHY = (
    "because nobody else had time",
    "and nobody knew why",
    "as the whole family had hoped",
    "although the road was closed",
    "and then went home",
    "so the dog had to wait outside",
    "which surprised everyone",
    "and we laughed about it",
    "but the weather was too cold",
    "and that was the end of it",
    "because the shop was shut",
    "until the bells rang",
)


def long_text(characters: int) -> str:
    """At least so many characters of plain English whose end is as hard to predict as its beginning."""
    draw = random.Random(PROBE)  # noqa: S311 - the same text every time
    sentences: list[str] = []
    length = 0
    while length < characters:
        words = (draw.choice(part) for part in (_WHO, _DID, _WHAT, _WHEN, _WHY))
        sentences.append(" ".join(words) + ".")
        length += len(sentences[-1]) + 1
    return " ".join(sentences)
