"""The vision route with a model that sees: its prompt, pictures, answers, and real engines."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image
from rich.console import Console

from stages import generate
from stages.core import plan, settings
from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.plan import Plan
from stages.core.settings import Settings
from stages.engines import Answer, Ask, Complete, Failed, server, vllm
from stages.generation import asking as models
from stages.generation import viewer as seeing
from stages.generation.progress import Reporter
from stages.generation.quota import Quotas
from stages.generation.writer import Writer
from stages.spine.writing import Models
from tests import fakes
from tests.builders import make_search
from tests.conftest import ROOT
from tests.test_engines import vllm_serve
from tests.test_evaluate import tiny_llama

# --- answers


@pytest.mark.parametrize(
    ("answer", "want"),
    [
        ("1. navy fair poster\n2. a poster with snow", ["navy fair poster", "a poster with snow"]),
        ("1) navy poster\n2) snow poster\n3) more", ["navy poster", "snow poster"]),
        ("(1) navy poster\n(2) snow poster", ["navy poster", "snow poster"]),
        ("Here are two:\n- navy poster\n- snow poster\nHope it helps!",
         ["navy poster", "snow poster"]),
        ("* **navy poster**\n* **snow poster**", ["navy poster", "snow poster"]),
        ("**1.** navy poster\n**2.** snow poster", ["navy poster", "snow poster"]),
        ('["navy poster", "snow poster"]', ["navy poster", "snow poster"]),
        ('```json\n["navy poster",\n "snow poster"]\n```', ["navy poster", "snow poster"]),
        ('{"queries": ["navy poster", "snow poster"]}', ["navy poster", "snow poster"]),
        ('[{"query": "navy poster"}, {"query": "snow poster"}]', ["navy poster", "snow poster"]),
        ('{"first": "navy poster", "second": "snow poster"}', ["navy poster", "snow poster"]),
        ('[1, {"a": "x", "b": "y"}, "navy poster"]', ["navy poster"]),
        ("navy poster\nsnow poster", ["navy poster", "snow poster"]),
        ("Make a navy poster. Make a snow poster.",
         ["Make a navy poster.", "Make a snow poster."]),
        ("1. Make a navy poster. It has snow.\n2. Make a St. Patrick poster",
         ["Make a navy poster.", "Make a St. Patrick poster"]),
        ("1. navy poster\n2. Navy Poster\n3. snow poster", ["navy poster", "snow poster"]),
        ('1. "navy poster"\n2. Query: snow poster', ["navy poster", "snow poster"]),
        ("1. 2 navy posters", ["2 navy posters"]),
        ('["navy poster", "snow', ['["navy poster", "snow']),
        ("Here they are:", []),
        ("", []),
        ("\n- \n1.\n", []),
    ],
)  # fmt: skip
def test_an_answer_is_parsed_into_single_sentences(answer: str, want: list[str]) -> None:
    assert seeing.sentences(answer, limit=2) == want


# --- prompts


def picture(path: Path, colour: str, size: tuple[int, int] = (300, 150)) -> Path:
    Image.new("RGB", size, colour).save(path)
    return path


def planned(path: Path, number: int = 0, **changes: Any) -> Plan:
    slots = {"title": "Poster", "work_title": None, "keywords": ["fair"], "topics": ["farm"]}
    base: dict[str, Any] = {
        "plan_id": f"p{number}", "route": "vision", "band": (1, 40), "rank": number, "quota": 9,
            "template_id": "vision/search_words_long", "slots": slots,
            "image_path": str(path), "seed": number,
    }  # fmt: skip
    return make_search(**base | changes)


def rows(one: Plan) -> pl.DataFrame:
    """The plan as the stage reads it."""
    row = plan.to_record(one) | {"today": None, "of_function": "Search", "of_kind": "Template"}
    return pl.DataFrame([row], schema_overrides={"today": pl.String})


def written(one: Plan, wanted: Settings) -> pl.DataFrame:
    """The candidates of a plan."""
    table, names = rows(one), ["of_function", "of_kind"]
    quotas = Quotas(table, (*names, "stratum"))
    with Reporter("vision", quotas, Console(file=io.StringIO())) as report:
        write = Models(wanted, "vision", table.drop(names).to_dicts()).start
        return generate.candidates(quotas, write, 8, report, 1, names)


def chosen(engine: str, viewer: str = "path:viewer", **server: Any) -> Settings:
    known = settings.load(ROOT / "params.yaml").model_dump(by_alias=True)
    known["generate"]["vision"]["engine"] = engine
    known["generate"]["server"] |= server
    known["models"]["viewer"] = viewer
    known["engine"] |= {"max_model_len": 2048, "max_num_seqs": 8}
    return Settings.model_validate(known)


def writer(known: Pack, wanted: Settings) -> Writer:
    return Writer(known, wanted, "vision")


@pytest.fixture
def workplace(tmp_path: Path, routed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a pack and a viewer, which no test loads."""
    (tmp_path / "data").mkdir()
    for name in ("domains", "ingested"):
        (tmp_path / "data" / name).symlink_to((routed / "data" / name).resolve())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    folder = tmp_path / "models" / "base" / "viewer"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    # What `describe` says of pictures has tests of its own.
    seen = {"form": "wide", "colours": [("navy", 1.0)], "brightness": "dark", "look": "drawing",
            "amount": "no text", "where": "", "texts": [], "shapes": []}  # fmt: skip
    monkeypatch.setattr("stages.generation.picture.describe", lambda path: seen)
    return tmp_path


class Answers:
    """An engine that notes what it is asked and answers alike."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
        self.asked: list[Ask] = []
        self.roles: list[str] = []

        def complete(asks: list[Ask]) -> list[Answer]:
            self.asked += asks
            return [answer] * len(asks)

        @contextmanager
        def engine(chosen: Settings, role: str, spending: object) -> Iterator[Complete]:
            self.roles.append(role)
            yield complete

        monkeypatch.setattr(models, "engine", engine)


def test_the_prompt_asks_for_what_the_picture_shows(
    workplace: Path, filled: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(monkeypatch, "1. navy poster\n2. dark navy flyer")
    path = picture(workplace / "a.png", "#152a55", (3000, 1500))
    one, two = planned(path), planned(path, 1, function="Generate", band=(5, 8))
    writer(filled, chosen("vllm")).start([one, two])()
    search, make = answers.asked
    for asked, verb in ((search, "searches that would find it"), (make, "orders for one like it")):
        assert [m["role"] for m in asked.messages] == ["system", "user"]
        image, text = asked.messages[-1]["content"]
        for wish in (verb, "kind of material", "what it is for", "main elements", "2 different",
                     "only if the name is written in the picture", "Write English"):  # fmt: skip
            assert wish in text["text"], wish
        head, _, data = image["image_url"]["url"].partition(",")
        sent = Image.open(io.BytesIO(base64.b64decode(data)))
        assert (head, sent.size) == ("data:image/jpeg;base64", (768, 384))
        assert "Poster" not in text["text"] and "fair" not in text["text"]  # no metadata
        assert asked.sampling["stop"] == [] and asked.sampling["max_tokens"] == 96
    assert "5 to 8 words" in make.messages[-1]["content"][1]["text"]
    assert answers.roles == ["viewer"]


def test_several_queries_an_answer_become_several_rows(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Answers(monkeypatch, "1. navy flyer\n2. green dragon flyer")
    path = picture(workplace / "a.png", "#152a55")
    found = written(planned(path), chosen("vllm"))
    assert found.select("n", "query", "check").rows() == [
        (0, "navy flyer", None), (1, "green dragon flyer", "ungrounded")
    ]  # fmt: skip
    assert found["reason"][1].startswith("nothing of the picture, best match 0.")


def test_an_answer_without_a_sentence_and_a_failed_one_are_rows_with_reasons(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = picture(workplace / "a.png", "#152a55")
    found: list[tuple[str, str]] = []
    for answer in ("Here they are:", Failed("prompt too long")):
        Answers(monkeypatch, answer)
        table = written(planned(path, seed=len(found)), chosen("vllm"))
        found.append(table.select("check", "reason").row(0))
    assert found[0][0] == "characters" and found[1] == ("engine", "prompt too long")


def test_the_store_knows_a_picture_by_its_content_and_budget(
    workplace: Path, filled: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(monkeypatch, "1. navy poster\n2. dark navy flyer")
    one = picture(workplace / "a.png", "#152a55")
    same = picture(workplace / "b.png", "#152a55")
    other = picture(workplace / "c.png", "#7a1f33")
    for path, asked in ((one, 1), (same, 1), (other, 2)):
        writer(filled, chosen("vllm")).start([planned(path)])()
        assert len(answers.asked) == asked, path
    smaller = chosen("vllm").model_dump(by_alias=True)
    smaller["generate"]["vision"]["side"] = 256
    writer(filled, Settings.model_validate(smaller)).start([planned(one)])()
    assert len(answers.asked) == 3


def test_without_a_viewer_it_is_told_what_is_missing(workplace: Path, filled: Pack) -> None:
    with pytest.raises(InputError, match=r"models\.viewer is empty"):
        writer(filled, chosen("vllm", viewer=""))
    # A server may have a model of its own.
    made = writer(filled, chosen("server", viewer="", model="their/vlm"))
    assert made.asker.model == "their/vlm"


def test_a_server_gets_the_picture_as_a_data_uri(workplace: Path, filled: Pack) -> None:
    path = picture(workplace / "a.png", "#152a55")
    with fakes.running() as fake:
        made = writer(filled, chosen("server", address=fake.address, vllm=False))
        ((queries, answer, *_),) = made.start([planned(path)])()
        made.asker.close()
    assert isinstance(answer, str) and queries == [answer.strip()]
    assert len(fake.answered) == 1


# --- a tiny random model that sees, in real engines


def tiny_idefics3(folder: Path) -> Path:
    """A random Idefics3 of two layers, heads of 64, tokens of single bytes."""
    import torch
    from transformers import (
        AutoTokenizer,
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3Processor,
    )
    from transformers.models.idefics3.image_processing_pil_idefics3 import (
        Idefics3ImageProcessorPil,
    )

    tokenizer = AutoTokenizer.from_pretrained(tiny_llama(folder))
    grid = [f"<row_{i}_col_{j}>" for i in range(1, 7) for j in range(1, 7)]
    special = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *grid]
    tokenizer.add_tokens(special, special_tokens=True)
    layers = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2,
              "num_attention_heads": 2}  # fmt: skip
    tokens = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 1}
    text = {"model_type": "llama", "num_key_value_heads": 2, "head_dim": 64, **layers, **tokens,
            "vocab_size": len(tokenizer), "max_position_embeddings": 4096}  # fmt: skip
    torch.manual_seed(0)
    config = Idefics3Config(
        text_config=text, vision_config={**layers, "image_size": 64, "patch_size": 16},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"), scale_factor=2,
        tie_word_embeddings=False, pad_token_id=1,
    )  # fmt: skip
    model = Idefics3ForConditionalGeneration(config)
    # With weights of the usual size every token of the long prompt would weigh the same.
    for value in model.parameters():
        if value.ndim > 1:
            torch.nn.init.normal_(value, std=0.3)
    model.to(torch.bfloat16).save_pretrained(folder)
    template = (
        "{% for m in messages %}<s>{{ m.role }}: {% if m.content is string %}{{ m.content }}"
        "{% else %}{% for part in m.content %}{% if part.type == 'image' %}<image>{% else %}"
        "{{ part.text }}{% endif %}{% endfor %}{% endif %}\n{% endfor %}"
    )
    processor = Idefics3ImageProcessorPil(
        size={"longest_edge": 64}, max_image_size={"longest_edge": 64}, do_image_splitting=False
    )
    Idefics3Processor(
        processor, tokenizer, image_seq_len=4, chat_template=template
    ).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_a_model_that_sees_writes_in_vllm_and_behind_a_server(
    workplace: Path, filled: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code that InternVL takes, with a tiny model; in float32, as in test_engines."""
    folder = tiny_idefics3(workplace / "models" / "base" / "viewer")
    paths = [picture(workplace / f"{colour}.png", colour) for colour in ("red", "blue")]
    asked = [planned(path, number, seed=7) for number, path in enumerate(paths * 2)]
    offline = writer(filled, chosen("vllm"))
    serving = vllm.serving
    monkeypatch.setattr(
        vllm, "serving", lambda *given, **extra: serving(*given, **extra, dtype="float32")
    )
    found = offline.start(asked)()
    offline.asker.close()
    assert [bool(queries) for queries, *_ in found] == [True] * 4
    answers = [answer for _, answer, *_ in found]
    assert all(isinstance(answer, str) for answer in answers)
    assert answers[:2] == answers[2:]  # the same picture, prompt and seed
    assert answers[0] != answers[1]  # they differ in the picture alone
    assert offline.asker.counts == {"hits": 0, "misses": 4}
    with vllm_serve(folder, workplace / "log", length=2048) as address:
        options = chosen("server", address=address, timeout=120).generate.server
        served = writer(filled, chosen("server", address=address, timeout=120))
        with server.serving(options) as complete:
            asks = [served.shown(Ask(*served.prompt(r)[:1], served.sampling, 49), r) for r in asked]
            assert complete(asks) == answers
