"""The registry: open model weights, published under terms, with proof of what happened."""
