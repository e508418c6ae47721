"""Repositories and what is in them: refs, revisions, trees, files, model cards; families and variants."""
