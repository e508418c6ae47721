"""The static half of the checks: reads bytes and headers, and never loads or runs anything."""

from registry.checks.scanners.run import (
    SCANNER_VERSION,
    ScannerCrashed,
    ScanResult,
    scan,
)

__all__ = ["SCANNER_VERSION", "ScanResult", "ScannerCrashed", "scan"]
