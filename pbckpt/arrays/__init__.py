"""Arrays: the rooms where numpy runs; whoever handles spans alone never pays for it.

given       what a user gives -> bytes and spans to be written
values      functions, lazy tensors and partitions of arrays
dlpack      arrays that numpy cannot ask in another way
reading     a stored tensor -> an array, or a part of one
boxes       indexes and slices as ranges in each dimension
byteorder   numbers of other machines
blocks      a tensor's elements, some at a time: cast, mean, compare
"""
