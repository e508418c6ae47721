"""What the catalogue says of a check."""

from dataclasses import dataclass

from registry.checks.findings import Severity

B, W, I = Severity.BLOCK, Severity.WARN, Severity.INFO  # noqa: E741


def gettext_noop(text: str) -> str:
    """Marks a text that pages translate where they show it. Reports keep it as it is, and the
    program that tests models has no Django to ask."""
    return text


@dataclass(frozen=True)
class Check:
    """One check. `catches` is what it finds, `matters` why that is grave, `remedy` what the author
    does about it. `version` rises whenever it would judge the same bytes differently."""

    id: str
    stage: str
    title: str
    catches: str
    remedy: str
    severities: tuple[Severity, ...] = (B,)
    version: int = 1
    matters: str = ""

    @property
    def anchor(self) -> str:
        return self.id.lower()
