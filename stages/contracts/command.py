"""The edge between a stage and its caller: one clear error, no traceback, nothing calls home."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from stages.contracts import processor

OFFLINE = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_LOGGING_LEVEL": "ERROR",
}


class InputError(Exception):
    """What the user gave is wrong. Its text says what, where and what to do."""


def run(main: Callable[[], None], doc: str | None = None) -> None:
    """Run a stage's `main`; an InputError becomes one message on stderr and exit code 1.

    doc: given by a stage that takes no arguments; --help prints it, any other is an error.
    Set ROUTENATOR_TRACEBACK=1 for the traceback.
    """
    if doc is not None:
        name = f"python -m stages.{Path(sys.argv[0]).stem}"
        shape = argparse.RawDescriptionHelpFormatter
        argparse.ArgumentParser(name, description=doc, formatter_class=shape).parse_args()
    for name, value in OFFLINE.items():
        os.environ.setdefault(name, value)
    processor.share_cores()
    stopped = [signal.SIGINT]

    def terminate(*_: object) -> None:
        # As Ctrl-C, which asyncio and the engines know how to end at; a shell's background jobs
        # are born deaf to that.
        stopped.append(signal.SIGTERM)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, terminate)
    try:
        main()
    except KeyboardInterrupt:
        print(f"stopped by {stopped[-1].name}; finished work is kept", file=sys.stderr)
        sys.exit(128 + stopped[-1])
    except (InputError, OSError) as error:
        if os.environ.get("ROUTENATOR_TRACEBACK"):
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
