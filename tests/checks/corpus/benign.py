"""What sound models bring and no check may mind, however odd it looks."""

import base64
import json
from typing import Any

from tests.checks import models
from tests.checks.corpus.acting import container
from tests.checks.corpus.case import Case, Files, beside
from tests.checks.corpus.wording import adapter, setting, tokenizer

# Patterns of tokenizers and of adapters as they are in use
BYTE_LEVEL = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA_4 = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
OTHERS = {
    "two spaces": r" {2,}",
    "digits alone": r"\p{N}",
    "thousands": r"\p{N}{1,3}(?=(?:\p{N}{3})*$)",
    "scripts": "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    "lines": r"[\r\n]|\s?[A-Za-z\u00b5\u00c0-\u00d6]+|\s?[!-/:-~]+|\s+$|\p{N}+",
    "modules": r".*\.(q_proj|k_proj|v_proj|o_proj)$",
    "modules without pictures": r"^(?!.*vision).*(?:q_proj|k_proj|v_proj)$",
    "modules of parts": r"(?:.*?(?:vision|image|visual|patch|embed|tower).*?(?:attn|attention).*?"
    r"(?:qkv|proj).*?)|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|mlp)\.(?:(?:q_proj|up_proj)))",
}
TEMPLATE = """{%- macro listed(value, depth=0) -%}
  {%- if value is mapping -%}
    {%- for key, item in value.items() %}{{ '  ' * depth }}{{ key }}: {{ listed(item, depth + 1) }}
    {%- endfor -%}
  {%- elif value is iterable and value is not string -%}
    {%- for item in value %}{{ '- ' ~ listed(item, depth + 1) }}{% endfor -%}
  {%- else -%}{{ value | tojson }}{%- endif -%}
{%- endmacro -%}
{%- set ns = namespace(system='', seen=false, __=0) -%}
{{- bos_token }}
{%- if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif -%}
{%- if messages[0]['role'] == 'system' -%}
  {%- set ns.system = messages[0]['content'] | trim -%}
  {%- set messages = messages[1:] -%}
{%- endif -%}
{{- '<|start_header_id|>system<|end_header_id|>\\n\\nToday: ' + date_string + '\\n' + ns.system }}
{%- if tools is defined and tools -%}
  {%- for tool in tools %}{{ listed(tool) }}{{ tool | tojson(indent=4) }}{% endfor -%}
  {{- 'Use __call__ in place of self, cycler or range(100000000).' }}
{%- endif -%}
{%- for message in messages -%}
  {%- if loop.index0 > 10 * 1000 %}{% break %}{% endif -%}
  {%- if message.role not in ['user', 'assistant', 'tool', 'ipython'] -%}
    {{- raise_exception('Unknown role: ' ~ message.role) }}
  {%- endif -%}
  {%- if 'tool_calls' in message %}{% set ns.seen = true %}{% continue %}{% endif -%}
  {%- for _ in range(2) %}{{ '' }}{% endfor -%}
  {{- '<|start_header_id|>%s<|end_header_id|>' | format(message['role']) }}
  {%- if message['content'] is string %}{{ message['content'] | trim }}
  {%- else -%}
    {%- for part in message['content'] | selectattr('type', 'equalto', 'text') -%}
      {{- part['text'] }}
    {%- endfor -%}
  {%- endif -%}
  {%- if message.role == 'assistant' %}{% generation %}{{ '<|eot_id|>' }}{% endgeneration %}
  {%- else %}{{ '<|eot_id|>' }}{% endif -%}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>' }}{% endif -%}
"""
CARD = """---
license: llama3.1
base_model: meta-llama/Llama-3.1-8B
tags:
- conversational
language: [en, fr]
model-index:
- name: tiny
  results: []
---
# GGUF and safetensors

```bash
export HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
hf auth login --token hf_YOUR_TOKEN_GOES_HERE_0123456789abcdefgh
curl -H "Authorization: Bearer sk-..." https://user:password@host.example/v1
export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
psql postgres://postgres:postgres@localhost/db; git clone https://${USER}:${TOKEN}@host.example/a
```
```python
from huggingface_hub import hf_hub_download_and_keep_a_copy_of_the_file_in_the_folder
model = AutoModelForCausalLM.from_pretrained("lab/tiny", trust_remote_code=False)
pickle.loads(data)  # cos\\nsystem\\n is what a hostile file would hold
```
-----BEGIN PRIVATE KEY-----
...
-----END PRIVATE KEY-----

<script>alert(1)</script> <a href="javascript:alert(1)">a link</a> {{ config.__class__ }}
"""
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


def cases() -> list[Case]:
    found = [
        Case("sound", "one file", models.llama),
        Case("sound", "shards", models.sharded),
        Case("sound", "GGUF", lambda: {"README.md": models.CARD, "m.gguf": models.gguf()}),
        Case("sound", "card full of code", lambda: models.llama(readme=CARD.encode())),
        Case("sound", "template in a file", lambda: beside(chat_template__jinja=TEMPLATE.encode())),
        Case("sound", "template in a setting", lambda: setting(TEMPLATE)),
        Case("sound", "templates by name", lambda: setting([named("default"), named("tool_use")])),
        Case("sound", "template in GGUF", in_gguf),
        Case("sound", "texts that begin like archives", texts),
        Case("sound", "logs of training", logs),
        Case(
            "sound", "pictures", lambda: beside(a__png=PNG, b__svg=SVG, c__pdf=b"%PDF-1.7\n%%EOF")
        ),
        Case("sound", "checkpoint", checkpoint),
        Case("sound", "words like keys", words),
        Case("sound", "quantized by patterns", quantized),
    ]
    for name, pattern in {"GPT-2": BYTE_LEVEL, "Llama 3": LLAMA_3, "Llama 4": LLAMA_4}.items():
        found.append(Case("sound pattern", name, lambda p=pattern: split(p)))
    for name, pattern in OTHERS.items():
        if not name.startswith("modules"):
            found.append(Case("sound pattern", name, lambda p=pattern: split(p)))
        else:
            found.append(
                Case("sound pattern of adapters", name, lambda p=pattern: adapter(target_modules=p))
            )
    return found


def checkpoint() -> Files:
    """A tensor of two numbers as torch saves it, written opcode by opcode."""
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x02tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\0K\x02\x85K\x01\x85\x89"
    tensor += b"ccollections\nOrderedDict\n)RtR"
    state = b"\x80\x02}X\x01\0\0\0a" + tensor + b"s."
    members = {"model/byteorder": b"little", "model/data/0": b"\0" * 8, "model/version": b"3\n"}
    return beside(pytorch_model__bin=container(state, extra=members))


def named(name: str) -> dict[str, str]:
    return {"name": name, "template": TEMPLATE}


def in_gguf() -> Files:
    template = {"tokenizer.chat_template": TEMPLATE}
    return {"README.md": models.CARD, "m.gguf": models.gguf(**template)}


def split(pattern: str) -> Files:
    """As Llama 3 has it: a split by a pattern before the bytes."""
    splitter: dict[str, Any] = {
        "type": "Split",
        "pattern": {"Regex": pattern},
        "behavior": "Isolated",
        "invert": False,
    }
    return tokenizer(
        pre_tokenizer={
            "type": "Sequence",
            "pretokenizers": [splitter, {"type": "ByteLevel", "use_regex": False}],
        }
    )


def texts() -> Files:
    return beside(
        a__txt=b"GGUF files of this model are in the folder next door.\n",
        b__txt=b"BZhang and MZ wrote this.\n",
        c__txt=b"PKzip is not used. Rar! neither.\n",
        d__md=b"I said so.\n",
        e__md=b"]\n",
        f__txt=b"0707011 is a number.\n",
        LICENSE=b"(c) the lab\ncos we can\nR.\n",
        NOTICE=b"N.",
    )


def logs() -> Files:
    history = [{"loss": 0.00012345678901234567, "lr": 1.9999999999999998e-05, "step": 10**9}] * 99
    state = {"log_history": history, "total_flos": 1.2345678901234567e20, "max": 2**63, "n": -0.1}
    return beside(trainer_state__json=json.dumps(state).encode())


def words() -> Files:
    held = {"auto_map": 5, "hf_": 6, "__class__": 7, "sk-": 8, "-----BEGIN": 9, "cos": 10}
    return models.llama(tokenizer=models.tokenizer(extra=held))


def quantized() -> Files:
    targets = {"targets": ["Linear", r"re:.*self_attn\.(q|k|v)_proj$"], "ignore": ["lm_head"]}
    return beside(recipe__yaml=json.dumps(targets).encode())
