"""Matching: which tensor of a graph is which tensor of a target, and how sure that is."""
