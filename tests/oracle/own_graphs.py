"""Graphs of the project's own that TensorFlow runs, of all kinds that there are."""

from __future__ import annotations

from pathlib import Path

ZOO = Path(__file__).parents[1] / "golden" / "zoo"
# Those left out want resources or tables to be fed, of which nothing is known, or inputs that
# fit together, as the columns of a row do; or they are much like these.
OWN_GRAPHS = {
    "t2-k2-custom-cell-aggressive": "held",
    "t2-k2-stacked-recurrent-aggressive": "open",
    "t2-k2-stacked-recurrent-functional-n0": "open",
    "t2-k2-tied-call": "open",
    "t2-k3-fresh-merge": "open",
    "t2-k3-misleading-names-text": "open",
    "t2-k3-recurrent-functional": "open",
    "t2-k3-transformer": "open",
    "t2-k3-unet-fp16": "open",
    "t2-m-control-flow": "open",
    "t2-m-control-flow-functional": "open",
    "t2-m-kept-calls-functional": "open",
    "t2-m-viterbi-functional": "open",
    "t2-s-loop": "held",
    "t2-s-loop-n0-text": "held",
    "t2-s-towers-int8": "open",
    "tf1-attention-decoder": "held",
    "tf1-bidirectional-gru": "open",
    "tf1-estimator-columns": "open",
    "tf1-functional-control": "open",
    "tf1-functional-control-typed-fields": "open",
    "tf1-functions": "held",
    "tf1-generator-fp16-cast": "open",
    "tf1-keras-recurrent": "open",
    "tf1-loops-and-branches": "held",
    "tf1-loops-and-branches-grappler-all": "held",
    "tf1-mobilenet-separable-tg-eight-bit": "open",
    "tf1-number-types": "open",
    "tf1-quantization-aware": "open",
    "tf1-refrozen": "open",
    "tf1-resnet-preactivation": "held",
    "tf1-style-transfer-import-prefix": "open",
    "tf1-variational-code": "open",
    "tf1-vgg-parameters-tg-nodes": "held",
}
# They are not run by 1.15 even as they were frozen, which has no kernel for this layout.
NCHW = {"t2-k2-stacked-recurrent-aggressive", "t2-k2-stacked-recurrent-functional-n0"}
