"""How well detection does on graphs whose variables are known: `python -m tools.score`."""
