"""A graph with variables becomes a frozen one."""
