"""What a network has to beat: models that count."""

import math
from collections import Counter, defaultdict

from lstm_lib.validation import as_integers, positive


class NGram:
    """A language model that counts: each symbol given the order - 1 before it.

    tokens: (L,) integers 0..num_symbols-1, the training text. order: 1 for a
    unigram, 2 for a bigram, ... Where a context was seen n times and followed
    by t different symbols, a share t / (n + t) of the probability goes to the
    model of one order less; below the unigram all symbols are equal.
    Raises TypeError or ValueError naming the argument.
    Source: Witten & Bell (1991), method C, interpolated.
    """

    def __init__(self, tokens, order, num_symbols):
        self.order = positive("order", order)
        self.num_symbols = positive("num_symbols", num_symbols)
        tokens = _sequence(tokens, self.num_symbols)
        self._follow = defaultdict(Counter)  # context -> symbol -> count
        for k, symbol in enumerate(tokens):
            for length in range(min(self.order, k + 1)):
                self._follow[tuple(tokens[k - length : k])][symbol] += 1

    def probability(self, symbol, context):
        """The probability of a symbol after a context, a tuple of symbols."""
        as_integers("symbol", symbol, self.num_symbols)
        return self._probability(symbol, tuple(context))

    def nats(self, tokens):
        """The mean cross-entropy of a text in nats per token after the first."""
        tokens = _sequence(tokens, self.num_symbols)
        total = 0.0
        for k in range(1, len(tokens)):
            context = tuple(tokens[max(0, k - self.order + 1) : k])
            total -= math.log(self._probability(tokens[k], context))
        return total / (len(tokens) - 1)

    def _probability(self, symbol, context):
        context = context[max(0, len(context) - self.order + 1) :]
        p = 1 / self.num_symbols
        for length in range(len(context) + 1):
            counts = self._follow.get(context[len(context) - length :])
            if counts:
                seen, kinds = counts.total(), len(counts)
                p = (counts[symbol] + kinds * p) / (seen + kinds)
        return p


def _sequence(tokens, count):
    tokens = as_integers("tokens", tokens, count)
    if tokens.ndim != 1 or len(tokens) < 2:
        raise ValueError(
            f"tokens: expected one sequence of at least 2, got shape {tokens.shape}"
        )
    return tokens.tolist()
