"""The benchmark: what pbckpt costs beside a copy, and beside TensorFlow.

    graphs        frozen graphs of known sizes, made on the spot
    contents      arrays of known sizes, the same
    meter         one process: its time and its peak memory
    measure       two commands or calls by turns, under the same conditions
    peers         TensorFlow's ways to a graph's checkpoint, where they are found
    comparisons   what is compared with what, for graphs
    arrays        the same, for arrays
    libraries     pbckpt and TensorFlow, asked for the same jobs (a program)
    worker        the process that such a library is in
    stream        arrays made one by one (a program)
    results       the figures as a table and as JSON

Run it as ``python -m tools.bench``; README.md tells how to read what it prints.
"""
