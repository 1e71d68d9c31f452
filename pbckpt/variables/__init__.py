"""Which constants were variables, why, under which names, and which of them to take."""
