"""Chat templates in the manner of well-known models, in our own writing."""

# Turns in brackets, the system message inside the first of them, no header for the answer.
BRACKETS = """\
{%- if messages[0]['role'] == 'system' -%}
  {%- set said = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' -%}
  {%- set rest = messages[1:] -%}
{%- else -%}{%- set said = '' -%}{%- set rest = messages -%}{%- endif -%}
{%- for m in rest -%}
  {%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) -%}
    {{- raise_exception('Roles must alternate.') -}}
  {%- endif -%}
  {%- set content = said + m['content'] if loop.first else m['content'] -%}
  {%- if m['role'] == 'user' -%}{{- '<s>[INST] ' + content.strip() + ' [/INST]' -}}
  {%- elif m['role'] == 'assistant' -%}{{- ' ' + content.strip() + ' </s>' -}}{%- endif -%}
{%- endfor -%}
"""

HEADERS = """\
{%- for m in messages -%}
  {%- set content = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n'
      + m['content'] | trim + '<|eot_id|>' -%}
  {%- if loop.index0 == 0 -%}{%- set content = '<s>' + content -%}{%- endif -%}
  {{- content -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
{%- endif -%}
"""

# With a date in the system message, tools there or in the first question, and calls of tools.
DATED = """\
{{- bos_token }}
{%- if custom_tools is defined %}{% set tools = custom_tools %}{% endif %}
{%- if not tools_in_user_message is defined %}{% set tools_in_user_message = true %}{% endif %}
{%- if not date_string is defined %}
  {%- if strftime_now is defined %}{% set date_string = strftime_now("%d %b %Y") %}
  {%- else %}{% set date_string = "26 Jul 2024" %}{% endif %}
{%- endif %}
{%- if not tools is defined %}{% set tools = none %}{% endif %}
{%- if messages[0]['role'] == 'system' %}
  {%- set system_message = messages[0]['content'] | trim %}{% set messages = messages[1:] %}
{%- else %}{% set system_message = "" %}{% endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if builtin_tools is defined or tools is not none %}{{- "Environment: ipython\\n" }}{% endif %}
{%- if builtin_tools is defined %}
  {{- "Tools: " + builtin_tools | reject('equalto', 'code_interpreter') | join(", ") + "\\n\\n" }}
{%- endif %}
{{- "Cutting Knowledge Date: December 2023\\n" }}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none and not tools_in_user_message %}
  {{- "You may call these functions:\\n\\n" }}
  {%- for t in tools %}{{- t | tojson(indent=4) + "\\n\\n" }}{% endfor %}
{%- endif %}
{{- system_message + "<|eot_id|>" }}
{%- if tools_in_user_message and tools is not none %}
  {%- if messages | length == 0 %}{{- raise_exception("Where is the question?") }}{% endif %}
  {%- set first = messages[0]['content'] | trim %}{% set messages = messages[1:] %}
  {{- '<|start_header_id|>user<|end_header_id|>\\n\\n' }}
  {{- "Answer with a call of one of these functions, as JSON.\\n\\n" }}
  {%- for t in tools %}{{- t | tojson(indent=4) + "\\n\\n" }}{% endfor %}
  {{- first + "<|eot_id|>" }}
{%- endif %}
{%- for message in messages %}
  {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}
    {{- message['content'] | trim + '<|eot_id|>' }}
  {%- elif 'tool_calls' in message %}
    {%- if not message.tool_calls | length == 1 %}{{- raise_exception("One call each.") }}{% endif %}
    {%- set call = message.tool_calls[0].function %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n{"name": "' + call.name + '", ' }}
    {{- '"parameters": ' + call.arguments | tojson + '}<|eot_id|>' }}
  {%- else %}
    {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
    {%- if message.content is mapping or message.content is iterable %}
      {{- message.content | tojson }}
    {%- else %}{{- message.content }}{% endif %}
    {{- "<|eot_id|>" }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

# Messages as text or as parts, some of them pictures.
PICTURES = """\
{{- bos_token }}
{%- for message in messages %}
  {{- '<|header_start|>' + message['role'] + '<|header_end|>\\n\\n' }}
  {%- if message['content'] is string %}{{- message['content'] }}
  {%- else %}
    {%- for content in message['content'] %}
      {%- if content['type'] == 'image' %}{{- '<|image|>' }}
      {%- elif content['type'] == 'text' %}{{- content['text'] | trim }}{% endif %}
    {%- endfor %}
  {%- endif %}
  {%- if 'tool_calls' in message and message.tool_calls | length > 0 %}
    {%- for call in message.tool_calls %}
      {{- '{"name": "' + call.function.name + '", "parameters": ' }}
      {{- call.function.arguments | tojson + '}' }}
    {%- endfor %}
  {%- endif %}
  {{- "<|eot|>" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|header_start|>assistant<|header_end|>\\n\\n' }}{% endif %}
"""

# Parts alone, as processors of pictures write them.
PARTS = """\
{%- for m in messages %}
  {{- '<|header_start|>' + m['role'] + '<|header_end|>\\n\\n' }}
  {%- for c in m['content'] %}
    {%- if c['type'] == 'image' %}{{- '<|image|>' }}
    {%- elif c['type'] == 'text' %}{{- c['text'] }}{% endif %}
  {%- endfor %}
  {{- '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|header_start|>assistant<|header_end|>\\n\\n' }}{% endif %}
"""

# What the model thought is left out of earlier answers, and a switch turns thinking off.
THINKING = """\
{%- for m in messages %}
  {%- set content = m.content %}
  {%- if m.role == 'assistant' and '</think>' in content %}
    {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
  {%- endif %}
  {%- if m.role == 'user' and content.startswith('/no_think') %}{{- '<think></think>' }}{% endif %}
  {{- '<|im_start|>' + m.role + '\\n' + content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n<think>\\n' }}{% endif %}
"""

SOUND = {
    "brackets": BRACKETS,
    "headers": HEADERS,
    "dated": DATED,
    "pictures": PICTURES,
    "parts": PARTS,
    "thinking": THINKING,
}
