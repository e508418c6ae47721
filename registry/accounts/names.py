"""Which names a namespace or a repository may have."""

import re

MAX_LENGTH = 96
PATTERN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")

# First path segments of the site itself; a test fails for a route that is not on the list.
_RESERVED = """
    about account accounts admin advisories api apple-touch-icon.png assets audit auth blog catalog collections
    compare contact dashboard datasets device docs download downloads explore families favicon.ico feed feeds
    finder healthz help join keys legal lfs licenses login logout lost media metrics models nav new
    notifications oauth operations organisations organizations policies policy posts pricing privacy queue readyz
    receipts registry releases report reports repositories resolve review reviews robots.txt search security
    settings sign-in sign-up signup sitemap.xml spaces static status steward support tags tasks terms tokens
    upload uploads user users v1 v2 verify webhooks well-known www xet none null undefined main refs
"""
RESERVED = frozenset(_RESERVED.split())
# What a closed account is called: who took such a name could keep that account from being closed
CLOSED = re.compile(r"closed-[0-9a-f]{12}")


def problem(name: str) -> str:
    """Why this cannot be a name, as the end of a sentence, or ''."""
    if not name:
        return "it is empty"
    if len(name) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters"
    if not PATTERN.fullmatch(name):
        return "use letters, digits, '-', '_' and '.', beginning and ending with a letter or digit"
    if "--" in name or ".." in name:
        return "it has '--' or '..' in it"
    if name.lower().endswith((".git", ".ipynb")):
        return "it ends in '.git' or '.ipynb'"
    return ""
