"""Applications: one job for the user each, joined from the rooms below.

locate         what was typed -> the prefix of a checkpoint
write          tensors -> the committed files of a checkpoint
frozen_graph   a file -> an open graph and its verdicts
arrays         numpy arrays <-> tensors of a bundle
convert        frozen graph -> checkpoint
save           arrays -> checkpoint
checkpoint     checkpoint -> arrays
inspect        what a file holds
verify         every byte of a checkpoint, checked
"""
