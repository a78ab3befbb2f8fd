"""How fast work goes and how long it takes yet, and counts as a part of a sentence."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping

# The rate is that of the last so many seconds, and of at least so many looks.
WINDOW, LOOKS = 60.0, 3


class Pace:
    """The recent rate of some work; `now` is in seconds of a clock that never goes back."""

    def __init__(self, done: float = 0.0, now: float | None = None) -> None:
        self.marks = deque([(time.monotonic() if now is None else now, done)])

    def add(self, done: float, now: float | None = None) -> None:
        """Note how much is done by now."""
        now = time.monotonic() if now is None else now
        self.marks.append((now, done))
        while len(self.marks) > LOOKS + 1 and now - self.marks[1][0] >= WINDOW:
            self.marks.popleft()

    @property
    def rate(self) -> float | None:
        """What is done in a second; None as long as that cannot be said."""
        (start, before), (end, done) = self.marks[0], self.marks[-1]
        return (done - before) / (end - start) if end > start and done > before else None

    def left(self, remaining: float) -> str:
        """How long `remaining` takes at this rate, in words."""
        if remaining <= 0:
            return "nothing left"
        return f"about {duration(remaining / self.rate)} left" if self.rate else "time left unknown"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as people say them."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def listed(counts: Mapping[str, int], most: int | None = None, none: str = "none") -> str:
    """Counts as words, the largest first: `12 length, 3 content type`; beyond `most` in one."""
    ordered = sorted(((n, name) for name, n in counts.items() if n), key=lambda pair: -pair[0])
    parts = [f"{n:,} {name.replace('_', ' ')}" for n, name in ordered[:most]]
    if rest := sum(n for n, _ in ordered[len(parts) :]):
        parts.append(f"{rest:,} other")
    return ", ".join(parts) or none
