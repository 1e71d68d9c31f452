"""A graph while it is changed: its nodes as messages, drafts, and calls of functions."""
