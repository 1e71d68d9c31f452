"""Edits: which tensors are taken, under which names and with which types."""
