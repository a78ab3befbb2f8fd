"""Batches of requests for a model, several under way at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from stages.generation.quota import Quotas

T = TypeVar("T")
Request = dict[str, Any]
# Begins a batch, and returns what waits for what was written, one per request.
Begin = Callable[[list[Request]], Callable[[], list[T]]]
# Batches that a model is asked for at a time: an engine that can work ahead need not idle at the
# end of each, while its longest answers are written.
AHEAD = 2


def written(
    quotas: Quotas, begin: Begin[T], batch: int, ahead: int = 1
) -> Iterator[list[tuple[Request, T]]]:
    """Each batch with what was written for it, until the quotas are full or the requests are used
    up. The caller counts in `quotas` what came of a batch before it asks for the next.

    ahead: batches under way at a time, whether or not the engine can make use of it: the requests
    that are asked for must not depend on the engine.
    """
    under_way: deque[tuple[list[Request], Callable[[], list[T]]]] = deque()
    while (taken := quotas.next_batch(batch)) or under_way:
        if taken:
            under_way.append((taken, begin(taken)))
            if len(under_way) < ahead:
                continue
        requests, wait = under_way.popleft()
        yield list(zip(requests, wait(), strict=True))
