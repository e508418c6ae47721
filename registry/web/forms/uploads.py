"""The plain form for files: a few small ones, in one commit."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.catalog import commits

MAX_FILES = 50
MAX_BYTES = 32 * 1024**2


class _Many(forms.ClearableFileInput):
    allow_multiple_selected = True


class _Files(forms.FileField):
    """Several files of one field."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        found = data if isinstance(data, list) and data else [data or None]
        return [super(_Files, self).clean(one, initial) for one in found]


class UploadForm(forms.Form):
    files = _Files(  # type: ignore[assignment]
        label=_("Files"), allow_empty_file=True, widget=_Many
    )
    folder = forms.CharField(
        label=_("Folder in the repository"),
        max_length=500,
        required=False,
        help_text=_("Left empty, the files go to the top."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    summary = forms.CharField(
        label=_("What changes"),
        max_length=commits.MAX_TITLE,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_files(self) -> list[UploadedFile]:
        found: list[UploadedFile] = self.cleaned_data["files"]
        if len(found) > MAX_FILES or sum(one.size or 0 for one in found) > MAX_BYTES:
            raise forms.ValidationError(
                gettext("At most %(files)s files and %(size)s MiB without a script.")
                % {"files": MAX_FILES, "size": MAX_BYTES // 1024**2}
            )
        return found

    def contents(self) -> dict[str, bytes]:
        """The files by the path that they get."""
        folder = self.cleaned_data["folder"].strip().strip("/")
        prefix = f"{folder}/" if folder else ""
        return {f"{prefix}{one.name}": one.read() for one in self.cleaned_data["files"]}

    def title(self) -> str:
        return self.cleaned_data["summary"].strip() or "Upload files"

    def bounds(self) -> dict[str, int]:
        return {"files": MAX_FILES, "mib": MAX_BYTES // 1024**2}
