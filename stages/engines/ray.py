"""Engine `ray`: a pool of vLLM engines as actors on a Ray cluster.

Ray places them, starts a killed one again and repeats the batch that it was working on.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from stages.core import connections
from stages.core.command import InputError
from stages.engines import Answer, Ask, Complete, Failed, by_prefix

# Batches per replica and call: more lose less with a killed worker, fewer share more prefixes.
SHARES = 4
RESTARTS = 3


class Replica:
    """One engine; what Ray runs as an actor."""

    def __init__(self, start: Callable[[ExitStack], Complete]) -> None:
        self.engine = ExitStack()
        self.complete = start(self.engine)

    def answer(self, asks: list[Ask]) -> list[Answer]:
        return self.complete(asks)


@contextmanager
def serving(
    options: connections.Ray,
    folder: str,
    engine: connections.Engine,
    seed: int,
    adapter: str | Path | None = None,
    block: str = "generate.ray",
    **extra: Any,
) -> Iterator[Complete]:
    """`options.replicas` vLLM engines with the model in `folder`, and the LoRA adapter in the
    folder `adapter` on it; every node must have both. block: where params.yaml has `options`;
    `extra` goes to vLLM.
    """
    lora = None if adapter is None else str(Path(adapter).resolve())

    def start(stack: ExitStack) -> Complete:
        from stages.engines import vllm

        parallel = {"tensor_parallel_size": options.gpus} if options.gpus > 1 else {}
        return stack.enter_context(vllm.serving(folder, engine, seed, lora, **parallel, **extra))

    with pool(options, start, block) as complete:
        yield complete


@contextmanager
def pool(
    options: connections.Ray, start: Callable[[ExitStack], Complete], block: str = "generate.ray"
) -> Iterator[Complete]:
    """Replicas of whatever `start` starts, on the cluster at `options.address` or, if that is
    empty, on a local one that ends with the block.
    """
    import ray
    from ray.util.actor_pool import ActorPool

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A local cluster is for this process only.
    local: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(
            address=options.address or "local",
            # Errors come back as exceptions; Ray repeats them in its log.
            log_to_driver=False,
            logging_level=logging.ERROR,
            **({} if options.address else local),
        )
    except Exception as error:  # some of Ray's have no class of their own
        ray.shutdown()
        raise InputError(
            f"{block}.address {options.address or '(a local cluster)'}: Ray does not start "
            f"({' '.join(str(error).split())[:200]}). On a busy machine its agents may need longer "
            "than the 15 s that Ray gives them: try again, or start one with `ray start --head` "
            "and set the address to auto"
        ) from error
    try:
        actor: Any = ray.remote(Replica).options(
            num_gpus=options.gpus,
            num_cpus=0 if options.gpus else 1,
            max_restarts=RESTARTS,
            max_task_retries=RESTARTS,
        )
        actors = [actor.remote(start) for _ in range(options.replicas)]

        def complete(asks: list[Ask]) -> list[Answer]:
            order = by_prefix(asks)
            size = max(1, math.ceil(len(order) / (SHARES * options.replicas)))
            parts = [order[i : i + size] for i in range(0, len(order), size)]
            answers: list[Answer] = [Failed("not asked")] * len(asks)
            try:
                # In the order of the parts, whichever replica was faster.
                results = ActorPool(actors).map(
                    lambda replica, part: replica.answer.remote([asks[i] for i in part]), parts
                )
                for part, completed in zip(parts, results, strict=True):
                    for i, answer in zip(part, completed, strict=True):
                        answers[i] = answer
            except Exception as error:  # Ray's own, or those of its connection to the cluster
                why = f"Ray lost the engines: {' '.join(str(error).split())[-300:]}"
                return [Failed(why, fatal=True) if isinstance(a, Failed) else a for a in answers]
            return answers

        yield complete
    finally:
        ray.shutdown()
