"""Thaw: the graph of a frozen model with its variables back, and freeze, its inverse."""
