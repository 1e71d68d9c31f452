"""The benchmark: what a conversion costs beside a copy, and beside TensorFlow.

    graphs        frozen graphs of known sizes, made on the spot
    meter         one process: its time and its peak memory
    measure       two commands by turns, under the same conditions
    peers         TensorFlow's ways to the same checkpoint, where they are found
    comparisons   what is compared with what
    results       the figures as a table and as JSON

Run it as ``python -m tools.bench``; README.md tells how to read what it prints.
"""
