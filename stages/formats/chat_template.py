"""A student's chat template as training and scoring use it: one prompt for both.

A template may put text of its own between the prompt and the answer, such as an empty block of
thoughts. That text belongs to the prompt: it carries no loss, and scoring sends it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from stages.core.bounds import bounded
from stages.core.command import InputError

Messages = list[dict[str, Any]]

# Today's date as a template sees it, so that the same rows give the same adapter on any day.
TODAY = datetime(2024, 7, 26)
# What turns the thinking of a template off, where it can be turned off.
PLAIN: tuple[dict[str, Any], ...] = ({}, {"enable_thinking": False}, {"thinking": False})
SECONDS, MIB = 10, 1024
PROBE: Messages = [
    {"role": "system", "content": "Qzsystem"},
    {"role": "user", "content": "Qzuser"},
    {"role": "assistant", "content": 'Qzanswer(a="b", c="d")'},
]
# What a call gave back, and the words for it.
RESULT_PROBE: Messages = [
    *PROBE,
    {"role": "tool", "content": '{"qz": "result"}'},
    {"role": "assistant", "content": "Qzdone"},
]
# What stands around a result that a user's message has to hold, as Hermes and Qwen write it.
RESPONSE = ("<tool_response>\n", "\n</tool_response>")


@dataclass(frozen=True)
class ChatTemplate:
    """The chat template of `tokenizer`, rendered with `options` of its own.

    `insertion` is what it writes between a prompt and an answer, `end` the token that ends an
    answer, None where that is not a special token.
    """

    tokenizer: Any
    options: dict[str, Any] = field(default_factory=dict)
    insertion: str = ""
    end: int | None = None

    def text(
        self,
        messages: Messages,
        prompt: bool = False,
        tools: list[dict[str, Any]] | None = None,
    ) -> str:
        """The conversation as text; `prompt`: with what asks for an answer; `tools`: OpenAI tools
        that the template is to write. InputError where the template, which is a program of the
        model's, fails, does not end or does not write the tools.

        A result of a call has the role `tool` where the template writes that as it is, else it is a
        message of the user in tags: no template leaves out what a user says.
        """
        if tools is None and any(one["role"] == "tool" for one in messages):
            messages = messages if self.takes_results else with_responses(messages)
        return self._text(messages, prompt, tools)

    @cached_property
    def takes_results(self) -> bool:
        """Whether it writes a message of the role `tool` as it is, in plain text."""
        try:
            prompt = self._text(RESULT_PROBE[:-1], True, None)
            whole = self._text(RESULT_PROBE, False, None)
        except InputError:
            return False
        return RESULT_PROBE[-2]["content"] in prompt and whole.startswith(prompt)

    def _text(self, messages: Messages, prompt: bool, tools: list[dict[str, Any]] | None) -> str:
        from jinja2 import TemplateError

        if not self.tokenizer.chat_template:
            raise InputError(
                "the student has no chat template: name an instruction-tuned model, or put a "
                "chat_template.jinja into its folder"
            )
        try:
            with bounded(SECONDS, MIB):
                text = str(
                    self.tokenizer.apply_chat_template(
                        messages,
                        tools=tools,
                        tokenize=False,
                        add_generation_prompt=prompt,
                        strftime_now=TODAY.strftime,
                        **self.options,
                    )
                )
        except (TimeoutError, MemoryError):
            raise InputError(
                f"the student's chat template takes more than {SECONDS} s or {MIB} MiB for a "
                "conversation: name another student"
            ) from None
        except TemplateError as error:
            raise InputError(
                f"the student's chat template refuses the conversation ({error!s:.200}): name a "
                "student whose template takes a system message"
            ) from None
        # Whatever an expression in it may raise.
        except Exception as error:
            raise InputError(
                f"the student's chat template fails ({type(error).__name__}: {error!s:.200}): name "
                "another student"
            ) from None
        for tool in tools or ():
            if tool["function"]["name"] not in text:
                raise InputError(
                    "the student's chat template does not write the tools, which tools.format "
                    "native leaves to it: set tools.format to pythonic or hermes"
                )
        return text

    def prompt(self, messages: Messages, tools: list[dict[str, Any]] | None = None) -> str:
        """What the model reads before its answer to `messages`."""
        return self.text(messages, prompt=True, tools=tools) + self.insertion

    def ids(self, text: str) -> list[int]:
        """The tokens of rendered text."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def special_ids(self) -> set[int]:
        """The tokens that no text of a conversation is written with."""
        added = self.tokenizer.added_tokens_decoder.items()
        return {i for i, token in added if token.special} | set(self.tokenizer.all_special_ids)


def with_responses(messages: Messages) -> Messages:
    """The messages with results as what a user says: those that follow one another, and what the
    user says next, are one message, for many templates want user and assistant in turn.
    """
    spoken: Messages = []
    after_result = False
    for one in messages:
        is_result, text = one["role"] == "tool", str(one["content"])
        text = text.join(RESPONSE) if is_result else text
        if after_result and one["role"] in ("tool", "user"):
            spoken[-1] = {"role": "user", "content": f"{spoken[-1]['content']}\n{text}"}
        else:
            spoken.append({"role": "user", "content": text} if is_result else one)
        after_result = is_result
    return spoken


def read(tokenizer: Any, learn: bool = True) -> ChatTemplate:
    """The template of `tokenizer`, proved on a made-up conversation.

    Raises InputError for a template that drops or changes messages, or with which training would
    not match use: it writes a prompt differently once it is answered, or adds text after an answer.
    Without `learn` such a template is taken as it is, to ask a model that was trained elsewhere.
    """
    fitting: list[ChatTemplate] = []
    refused: list[InputError] = []
    for options in PLAIN:
        try:
            fitting.append(_fitted(ChatTemplate(tokenizer, options)))
        except InputError as error:
            refused.append(error)
            continue
        if not fitting[-1].insertion:
            return fitting[-1]
    if fitting:
        return fitting[0]
    if learn:
        raise refused[0]
    plain = ChatTemplate(tokenizer)
    _prompt(plain)
    return plain


def _prompt(template: ChatTemplate) -> str:
    """The prompt of the made-up conversation, which has all that was said."""
    _check_powers(template.tokenizer.chat_template)
    prompt = template.text(PROBE[:2], prompt=True)
    for message in PROBE[:2]:
        if message["content"] not in prompt:
            raise InputError(
                f"the student's chat template leaves out or changes the {message['role']} message: "
                "name a student whose template has it as it is"
            )
    return prompt


def _check_powers(source: Any) -> None:
    """Refuse a template that computes powers: `9**9**9` is one step without end, which no alarm
    interrupts, and no conversation needs it.
    """
    from jinja2 import Environment, TemplateError

    sources = source.values() if isinstance(source, dict) else [source or ""]
    for one in sources:
        with suppress(TemplateError):  # rendering tells of that
            if any(token[1:] == ("operator", "**") for token in Environment().lex(str(one))):
                raise InputError("the student's chat template computes powers: name another")


def _fitted(template: ChatTemplate) -> ChatTemplate:
    """`template` with the insertion and the end that it shows."""
    prompt, whole, answer = _prompt(template), template.text(PROBE), PROBE[2]["content"]
    if template.text(PROBE) != whole:
        raise InputError(
            "the student's chat template writes the same conversation differently each time: name "
            "another student"
        )
    if not whole.startswith(prompt):
        raise changed()
    inserted, separator, tail = whole[len(prompt) :].partition(answer)
    if not separator:
        raise InputError(
            "the student's chat template leaves out or changes the text of an answer: name a "
            "student whose template has it as it is"
        )
    special = template.special_ids()
    after = template.ids(tail)
    ends = [n for n, token in enumerate(after) if token in special]
    footer = template.tokenizer.decode(after[: ends[0]]) if ends else ""
    if footer.strip():
        raise InputError(
            f"the student's chat template adds text after an answer ({footer!r:.80}), which the "
            "model would learn to write: name another student"
        )
    tokens = template.ids(whole)
    # A blank before the answer may be one token with its first word: then it is the answer's.
    for insertion in (inserted, inserted.rstrip()):
        before = template.ids(prompt + insertion)
        if tokens[: len(before)] == before:
            end = after[ends[0]] if ends else None
            return ChatTemplate(template.tokenizer, template.options, insertion, end)
    raise changed()


def changed() -> InputError:
    """The error for a prompt that is not the beginning of itself with an answer."""
    return InputError(
        "the student's chat template changes a prompt once it is answered, so training would not "
        "match use: give the student a template that does not"
    )
