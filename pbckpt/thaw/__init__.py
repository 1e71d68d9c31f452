"""Thaw: the graph of a frozen model with its variables back."""
