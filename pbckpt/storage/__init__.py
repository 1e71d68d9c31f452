"""Files: mapped inputs, the commit of a checkpoint, the ``checkpoint`` state file.

Only this room opens files.
"""
