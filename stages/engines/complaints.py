"""Messages about a server that fails: one line that says what to do, and never shows its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stages.core.connections import Connection
from stages.engines.parameters import texts_in
from stages.engines.redaction import Key
from stages.engines.transport import UNPAID


@dataclass(frozen=True)
class Complaints:
    """About the server at `options`, which params.yaml has in the block `block`."""

    options: Connection
    block: str
    key: Key

    @property
    def where(self) -> str:
        """The server, by its setting."""
        return f"{self.block}.address {self.options.address}"

    def why(self, error: Exception) -> str:
        """Why no request has a chance, and what to do."""
        status, message = getattr(error, "status_code", None), self.message(error)
        advice = "What was written is kept; run the stage again"
        if status in (401, 403):
            variable = self.options.key_variable or "none is named"
            return (
                f"{self.where} refuses the key ({status}): look at the environment variable of "
                f"{self.block}.key_variable ({variable}). It says: {message}. {advice}"
            )
        if status == 402 or UNPAID.search(" ".join([message, *codes(error)])):
            return f"{self.where} is not paid ({message}): look at the account. {advice}"
        if status == 429:
            return (
                f"{self.where} takes no more requests for now ({message}): wait, or lower "
                f"{self.block}.concurrency. {advice}"
            )
        if status is not None and status < 500:
            return f"{self.where} refuses every request ({message}). {advice}"
        return f"{self.where} does not answer ({message}): is the server running? {advice}"

    def message(self, error: Exception) -> str:
        """The error's text; some servers repeat the key that they refuse, we do not."""
        # Some causes, such as a connection that was reset, have a name and no text.
        under = error.__cause__
        cause = f", {str(under) or type(under).__name__}" if under else ""
        kinds = f" ({', '.join(sorted(codes(error)))})" if codes(error) else ""
        # The client takes its text from `message` alone.
        body: Any = getattr(error, "body", None)
        more = "" if " - " in str(error) or not body else f" - {'; '.join(texts_in(body))}"
        return self.clean(f"{type(error).__name__}: {error}{more}{kinds}{cause}")

    def clean(self, text: str) -> str:
        """A text of the server for one line of a message, without the key."""
        text = self.key.redacted(text[:2_000])
        shown = "".join(c if c.isprintable() else " " for c in text)
        return " ".join(shown.split())[:300]


def codes(error: Exception) -> set[str]:
    """The words for its kind in an error's body."""
    return {str(getattr(error, name, None) or "") for name in ("code", "type")} - {""}
