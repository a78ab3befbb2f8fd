"""The vLLM engine, built the same way for writing and scoring; heavy imports stay inside."""

from __future__ import annotations

import gc
import logging
import os
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.core import connections, memory, processor
from stages.core.command import OFFLINE, InputError

if TYPE_CHECKING:
    from vllm import LLM

QUIET = {
    **OFFLINE,
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
}
# Loggers that report optional packages we do without.
LOUD = ("torch._library.triton", "bitsandbytes.backends.cpu.ops")
# What vLLM sets for its worker processes; our later child processes must not inherit it.
LEFTOVERS = ("LD_PRELOAD", "LOCAL_WORLD_SIZE")
BATCHED_TOKENS = 8_192
# Tokens in a block of the prefix cache on a processor, as few as vLLM's attention takes there: only
# whole blocks are shared, and few of our prompts fill one of its own 128.
BLOCK = 32


def quiet() -> None:
    """No look-ups, no log lines, no loading bars. Call it before torch or transformers is imported;
    a variable that is already set stays as it is.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)


def arguments(options: connections.Engine, seed: int = 0) -> dict[str, Any]:
    """vLLM's arguments for a model of this project, the same in this process and as a server."""
    import torch

    shared = {
        # Never pickled weights, never code of the model's own.
        "load_format": "safetensors",
        "trust_remote_code": False,
        "max_model_len": options.max_model_len,
        "max_num_seqs": options.max_num_seqs,
        "enable_prefix_caching": True,
        "use_tqdm_on_load": False,
        "seed": seed,
    }
    if torch.cuda.is_available():
        return shared
    return shared | {
        "dtype": str(processor.dtype()).removeprefix("torch."),
        "enforce_eager": True,
        # Chunks and a request's own seed together kill the CPU engine.
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(BATCHED_TOKENS, options.max_model_len),
        "block_size": BLOCK,
        # Given explicitly, it also spares the warm-up run.
        "kv_cache_memory_bytes": options.kv_cache_gib * 2**30,
    }


def engine(model: str, options: connections.Engine, seed: int = 0, **extra: Any) -> LLM:
    """Start vLLM on the model folder `model`; `extra` goes to `vllm.LLM`. End it with `shutdown`.

    On a processor the engine runs in this process: its own two processes would import everything
    again (24 s of start-up against 6, and 3 for a second engine) and would need cores bound by
    hand. Compiling costs a minute there and is no faster. A GPU takes vLLM's defaults.
    Raises InputError when vLLM refuses the model or the options.
    """
    quiet()
    if not (Path(model) / "config.json").is_file():
        raise InputError(f"{model} is no model folder: it has no config.json")
    import torch

    if not torch.cuda.is_available():
        memory.keep_freed()
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    parameters = arguments(options, seed) | extra
    before = {name: os.environ.get(name) for name in LEFTOVERS}
    set_num_threads = torch.set_num_threads  # vLLM replaces it by a stub that only warns
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.monotonic()
        print(f"starting vLLM on {model}, usually 10 to 30 s", flush=True)
        from vllm import LLM

        try:
            llm = LLM(model, **parameters)
            print(f"vLLM has started in {time.monotonic() - began:.0f} s", flush=True)
            return llm
        except (ValueError, OSError) as error:
            # What follows this mark is the reason; pydantic puts its own words before it.
            message = " ".join(str(error).split("Value error, ")[-1].split())
            raise InputError(
                f"vLLM cannot serve {model}: {message:.200} (see `engine` in params.yaml)"
            ) from error
        finally:
            torch.set_num_threads = set_num_threads
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def shutdown(llm: LLM) -> None:
    """End the engine and free its memory, so that another can start in this process."""
    from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

    llm.llm_engine.engine_core.shutdown()
    # The caller's name may live on: without this the weights and the cache would, too.
    del llm.llm_engine
    cleanup_dist_env_and_memory()
    gc.collect()
    memory.give_back()
