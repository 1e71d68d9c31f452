"""Checkpoints: files that are open, and files that are about to be written.

locate         what was typed -> the files of a checkpoint
stored         an open checkpoint of either version, behind one face
candidates     what its tensors are called when they are edited
source         what becomes of it: items, places, the object graph
object_layout  tensors under the keys of a graph that changes as they do
settings       tensors that a user wrote down
layout         forms, shards and the order of the data
write          laid-out tensors -> the committed files
"""
