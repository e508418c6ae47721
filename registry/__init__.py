"""The registry: open model weights, published under terms, with proof of what happened."""

from registry.celery import app as celery_app

__all__ = ["celery_app"]
