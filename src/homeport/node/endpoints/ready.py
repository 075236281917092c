"""
Answers that are ready: to questions that came before, byte for byte but for their id.

Clients ask the same few questions over and over, and taking a message apart costs ten times what finding it here does.
"""

import random

_MOST = 16_384  # questions, some 6 MB; whoever asks for more different ones starts over
_MOST_ORDERS = 8  # of one answer's records, so that each stands first now and then

_CHANCE = random.Random()  # noqa: S311 - spreads load, keeps no secret


class ReadyAnswers:
    """Answers by question; all are forgotten when what they follow from has changed."""

    def __init__(self) -> None:
        self._source: object = None
        self._answers: dict[bytes, list[bytes]] = {}
        self._complete: dict[bytes, list[bytes]] = {}  # those of which no other order is needed

    def find(self, question: bytes, source: object) -> bytes | None:
        """Return the answer to a message, if it was kept and *source*, which answers follow from, is what it was then."""
        if source != self._source:
            self._source = source
            self._answers.clear()
            self._complete.clear()
            return None
        known = self._complete.get(question[2:])
        if known is None:
            return None
        reply = known[0] if len(known) == 1 else _CHANCE.choice(known)
        return question[:2] + reply

    def orders_of(self, question: bytes) -> int:
        """Return how many orders of the answer to a message are kept."""
        return len(self._answers.get(question[2:], ()))

    def keep(self, question: bytes, answer: bytes, orders: int) -> None:
        """Keep the answer to a message, one of *orders* that differ in the order of records."""
        key = question[2:]
        known = self._answers.get(key)
        if known is None:
            if len(self._answers) >= _MOST:
                self._answers.clear()
                self._complete.clear()
            known = self._answers[key] = []
        known.append(answer[2:])
        if len(known) >= min(orders, _MOST_ORDERS):
            self._complete[key] = known
