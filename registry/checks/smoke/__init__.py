"""Loads an uploaded model in a sandbox and tries it out. The launcher is ours; the rest is a program of its own."""
