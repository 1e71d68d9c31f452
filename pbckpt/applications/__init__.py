"""Applications: one job for the user each, joined from the rooms below.

frozen_graph   a file -> an open graph and its verdicts
convert        frozen graph -> checkpoint
save           arrays -> checkpoint
checkpoint     checkpoint -> arrays
edit           checkpoint -> another one; merge, average: several -> one
diff           in what two checkpoints differ
pack, unpack   archives of arrays -> checkpoint -> archives
state          the ``checkpoint`` file of a directory
inspect        what a file holds
verify         every byte of a checkpoint, checked
"""
