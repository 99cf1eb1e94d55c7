"""Who is measured when: in turns, round by round in another order, so that whatever else the machine does, and
whatever caches the one before has left, meets all alike.
"""

import random


def rounds(runners):
    """Orders of the runners without end, the same in every run; none is twice in a row, to find the caches its own."""
    chance, last = random.Random(0), None
    while True:
        order = chance.sample(runners, len(runners))
        if order[0] is not last or len(runners) == 1:
            last = order[-1]
            yield order
