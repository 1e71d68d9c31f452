"""Evaluation: tensors of a graph that depend on constants only, computed with numpy."""
