"""A golden row as one model answered it: what every score is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from stages.core.catalogue import Catalogue, problems
from stages.core.golden_rows import GoldenRow
from stages.engines.thinking import after_thoughts
from stages.evaluation.matching import Match, match
from stages.formats import Format
from stages.formats.parsed import Parsed


@dataclass(frozen=True)
class Answered:
    """`shown`: the functions that the model saw; completion: what it wrote."""

    golden: GoldenRow
    shown: tuple[str, ...]
    completion: str
    parsed: Parsed
    error: str | None

    @property
    def made_calls(self) -> bool:
        """Whether the answer is calls, or began as calls that cannot be read."""
        return bool(self.parsed.calls) or self.parsed.error is not None

    @cached_property
    def matches(self) -> list[Match]:
        """The calls beside the expected ones; nothing is expected where no call is right."""
        wanted = self.golden.expected if self.golden.act == "call" else ()
        return match(self.parsed.calls, wanted)

    @property
    def is_exact(self) -> bool:
        """Whether just the right calls were made."""
        return self.parsed.error is None and all(
            m.expected is not None and m.call is not None and m.agreement.is_exact
            for m in self.matches
        )


def answered(
    golden: GoldenRow, shown: tuple[str, ...], completion: str, form: Format, catalogue: Catalogue
) -> Answered:
    """Read a completion, after thoughts if it has any. `error` is the first thing that is wrong
    with its calls, a code of `formats.parsed` or `core.catalogue`; None if there is nothing.
    """
    seen = catalogue.subset(shown)
    parsed = form.parse(after_thoughts(completion), seen)
    codes = [problem.code for call in parsed.calls for problem in problems(call, seen)]
    return Answered(golden, shown, completion, parsed, parsed.error or next(iter(codes), None))
