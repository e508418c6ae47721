"""Discussions, pull requests and their comments; the thread of a review."""
