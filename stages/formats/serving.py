"""A chat template for servers: from messages and tools to the prompt that training had.

Servers such as vLLM render a template with `messages` and OpenAI `tools`. This one writes our
system prompt from the tools, earlier calls as the format has them, their results as the student's
own template can show them, and leaves the rest to that.
"""

from __future__ import annotations

import json

from stages.core.catalogue import Catalogue
from stages.formats import SYSTEM, Format
from stages.formats.chat_template import ChatTemplate
from stages.formats.names import written

# Python's literals, as `pythonic.literal` writes them.
LITERAL = """
{%- macro literal(value) -%}
  {%- if value is boolean -%}{{ "True" if value else "False" }}
  {%- elif value is none -%}None
  {%- elif value is string or value is number -%}{{ value | tojson }}
  {%- elif value is mapping -%}
    { {%- for key, one in value.items() -%}
      {{ key | string | tojson }}: {{ literal(one) }}{{ ", " if not loop.last }}
    {%- endfor -%} }
  {%- else -%}
    [{%- for one in value -%}{{ literal(one) }}{{ ", " if not loop.last }}{%- endfor -%}]
  {%- endif -%}
{%- endmacro -%}
{%- macro spoken(calls) -%}
  [{%- for call in calls -%}
    {%- set function = call["function"] or call -%}
    {{ spelled.get(function["name"], function["name"]) }}(
    {%- for name, value in function["arguments"].items() -%}
      {{ spelled.get(name, name) }}={{ literal(value) }}{{ ", " if not loop.last }}
    {%- endfor -%}){{ ", " if not loop.last }}
  {%- endfor -%}]
{%- endmacro -%}
"""
TAGGED = """
{%- macro spoken(calls) -%}
  {%- for call in calls -%}
    {%- set function = call["function"] or call -%}
    <tool_call>{"name": {{ function["name"] | tojson }}, {# -#}
    "arguments": {{ function["arguments"] | tojson }}}</tool_call>
    {{- "\\n" if not loop.last }}
  {%- endfor -%}
{%- endmacro -%}
"""
# Names of functions and arguments that Python's syntax cannot have, as the student writes them.
RENAMED = """
{%- set renamed = namespace(tools=[], properties={}, required=[]) -%}
{%- for tool in tools or [] -%}
  {%- set function = tool["function"] -%}
  {%- set renamed.properties = {} -%}
  {%- set renamed.required = [] -%}
  {%- for name, one in (function["parameters"]["properties"] or {}).items() -%}
    {%- set renamed.properties = dict(renamed.properties, **{spelled.get(name, name): one}) -%}
  {%- endfor -%}
  {%- for name in function["parameters"]["required"] or [] -%}
    {%- set renamed.required = renamed.required + [spelled.get(name, name)] -%}
  {%- endfor -%}
  {%- set parameters = dict(function["parameters"], properties=renamed.properties,
                            required=renamed.required) -%}
  {%- set shown = dict(function, name=spelled.get(function["name"], function["name"]),
                       parameters=parameters) -%}
  {%- set renamed.tools = renamed.tools + [{"function": shown}] -%}
{%- endfor -%}
{%- set tools = renamed.tools -%}
"""
# Results of calls as what a user says, as `chat_template.with_responses` does it.
RESPONSES = """
{%- set heard = namespace(messages=[], result=false) -%}
{%- for message in messages -%}
  {%- set text = message["content"] -%}
  {%- if message["role"] == "tool" -%}
    {%- set text = "<tool_response>\\n" ~ text ~ "\\n</tool_response>" -%}
  {%- endif -%}
  {%- if heard.result and message["role"] in ("tool", "user") -%}
    {%- set text = heard.messages[-1]["content"] ~ "\\n" ~ text -%}
    {%- set heard.messages = heard.messages[:-1] + [{"role": "user", "content": text}] -%}
  {%- elif message["role"] == "tool" -%}
    {%- set heard.messages = heard.messages + [{"role": "user", "content": text}] -%}
  {%- else -%}
    {%- set heard.messages = heard.messages + [message] -%}
  {%- endif -%}
  {%- set heard.result = message["role"] == "tool" -%}
{%- endfor -%}
{%- set messages = heard.messages -%}
"""
BODY = """
{%- set told = namespace(messages=[]) -%}
{%- if tools -%}
  {%- set told.messages = [{"role": "system", "content": system | trim}] -%}
{%- endif -%}
{%- for message in messages -%}
  {%- if message["tool_calls"] -%}
    {%- set answer = {"role": "assistant", "content": spoken(message["tool_calls"])} -%}
    {%- set told.messages = told.messages + [answer] -%}
  {%- else -%}
    {%- set told.messages = told.messages + [message] -%}
  {%- endif -%}
{%- endfor -%}
{%- set messages = told.messages -%}
"""


def chat_template(
    form: Format, template: ChatTemplate, catalogue: Catalogue, with_today: bool = False
) -> str:
    """The template, a Jinja text. with_today: whether the prompt names the day, which then is the
    server's, or the `today` that a request's `chat_template_kwargs` has.

    A message of the role `system` of the user's own follows ours. Raises ValueError for the format
    `native`: the student's own template serves it.
    """
    if not form.plain:
        raise ValueError("the student's own chat template serves the format native")
    names = [*catalogue, *(name for f in catalogue.functions for name in f.properties)]
    spelled = {name: written(name) for name in names if written(name) != name}
    is_python = form.name == "pythonic"
    parts = [
        f"{{%- set format = {json.dumps(form.name)} -%}}",
        f"{{%- set spelled = {json.dumps(spelled if is_python else {})} -%}}",
    ]
    if with_today:
        parts.append('{%- set today = today or strftime_now("%A, %Y-%m-%d") -%}')
    if spelled and is_python:
        parts.append(RENAMED.strip())
    parts.append((LITERAL if is_python else TAGGED).strip())
    prompt = SYSTEM.read_text("utf-8").strip()
    parts.append(f"{{%- if tools -%}}{{%- set system -%}}{prompt}{{%- endset -%}}{{%- endif -%}}")
    if not template.takes_results:
        parts.append(RESPONSES.strip())
    parts.append(BODY.strip())
    parts += [f"{{%- set {name} = {json.dumps(value)} -%}}"
              for name, value in template.options.items()]  # fmt: skip
    own = str(template.tokenizer.chat_template)
    if template.insertion:
        inserted = json.dumps(template.insertion)
        own += f"{{%- if add_generation_prompt %}}{{{{ {inserted} }}}}{{% endif -%}}"
    return "".join(parts) + own
