"""One model has one chat template, in whatever files it stands."""

import json
from pathlib import Path

from registry.checks.findings import Severity
from tests.checks import models


def test_a_template_that_differs_between_files_is_a_warning(tmp_path: Path) -> None:
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": "{{ messages[0] }}"}
    files = models.llama(tokenizer_config=json.dumps(config).encode())
    files["tiny.gguf"] = models.gguf(**{"tokenizer.chat_template": "{{ messages[1] }}"})

    found = [f for f in models.findings_of(tmp_path, files) if f.check == "TPL-CONFLICT"]

    assert {f.severity for f in found} == {Severity.WARN}
    assert [f.message for f in found] == [
        f"The chat template in {file} differs from the one in chat_template.jinja."
        for file in ("tokenizer_config.json", "tiny.gguf")
    ]


def test_the_same_template_in_several_files_is_no_conflict(tmp_path: Path) -> None:
    said = models.TEMPLATE + " \n\n"
    config = {
        "chat_template": [{"name": "rag", "template": "x"}, {"name": "default", "template": said}]
    }
    files = models.llama(tokenizer_config=json.dumps(config).encode())
    files["tiny.gguf"] = models.gguf(**{"tokenizer.chat_template": said})
    files["additional_chat_templates/rag.jinja"] = b"x"

    assert not [f for f in models.findings_of(tmp_path, files) if f.check == "TPL-CONFLICT"]
