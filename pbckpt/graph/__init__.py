"""Frozen graphs: what kind of file it is, its nodes, and the tensors of its constants."""
