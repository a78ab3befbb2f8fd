"""Exports of conversations of several turns."""

from __future__ import annotations

import json

import pytest

from stages import exporting
from stages.core.conversation import calls_of
from stages.exporting.sample import Unheld, sample
from tests.builders import make_tools
from tests.exporting.reading import CALLS
from tests.exporting.test_export_formats import exact, texts
from tests.several_turns import SEVERAL_TURNS, conversations

ONE_TURN = {"xlam", "bfcl"}


@pytest.mark.parametrize("name", list(exporting.FORMATS))
@pytest.mark.parametrize("scenario", SEVERAL_TURNS)
def test_calls_and_words_come_back(scenario: str, name: str) -> None:
    for number, one in enumerate(conversations(scenario)[:40]):
        row_sample = sample("0a", one.messages, make_tools(), one.today)
        if name in ONE_TURN:
            with pytest.raises(Unheld, match="several turns"):
                exporting.FORMATS[name].row(row_sample, number)
            continue
        row = json.loads(json.dumps(exporting.FORMATS[name].row(row_sample, number)))
        calls = [call for message in one.messages for call in calls_of(message)]
        assert exact(CALLS[name](row)) == exact(calls)
        held = "\n".join(texts(row))
        assert all(m["content"] in held for m in one.messages if m["content"])
