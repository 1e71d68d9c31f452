"""Small networks of sequences and text, in the ways that people wrote them for TensorFlow 1."""

# ruff: noqa: ANN401 - TensorFlow 1.15 has no types; sizes of layers are just numbers

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from tools.zoo.tf1_build import constant, network

rnn = tf.contrib.rnn
layers = tf.layers


@network(
    "text-convolutions",
    "open",
    "embedding, one convolution for each filter size, names W and b",
    "freeze-graph tg-remove-identity typed-fields",
)
def text_convolutions() -> list[str]:
    """Build the convolutions over words of many tutorials."""
    x = tf.placeholder(tf.int32, [None, 9], "input_x")
    keep = tf.placeholder(tf.float32, name="dropout_keep_prob")
    with tf.device("/cpu:0"), tf.name_scope("embedding"):
        w = tf.Variable(tf.random_uniform([31, 6], -1.0, 1.0), name="W")
        chars = tf.expand_dims(tf.nn.embedding_lookup(w, x), -1)
    pooled = []
    for size in (2, 3, 4):
        with tf.name_scope(f"conv-maxpool-{size}"):
            w = tf.Variable(tf.truncated_normal([size, 6, 1, 4], stddev=0.1), name="W")
            b = tf.Variable(tf.constant(0.1, shape=[4]), name="b")
            conv = tf.nn.conv2d(chars, w, [1, 1, 1, 1], "VALID", name="conv")
            h = tf.nn.relu(tf.nn.bias_add(conv, b), name="relu")
            pooled.append(tf.nn.max_pool(h, [1, 10 - size, 1, 1], [1, 1, 1, 1], "VALID"))
    flat = tf.nn.dropout(tf.reshape(tf.concat(pooled, 3), [-1, 12]), keep)
    with tf.name_scope("output"):
        w = tf.get_variable("W", shape=[12, 2], initializer=tf.glorot_uniform_initializer())
        b = tf.Variable(tf.constant(0.1, shape=[2]), name="b")
        scores = tf.nn.xw_plus_b(flat, w, b, name="scores")
        return [tf.argmax(scores, 1, name="predictions").op.name]


@network(
    "characters-conv1d",
    "held",
    "conv1d with and without bias (ExpandDims of the kernel), highway layers",
    "tg-fold-constants blacklist",
)
def characters_conv1d() -> list[str]:
    """Build convolutions over characters and a highway."""
    x = tf.placeholder(tf.int64, [None, 11], "char_ids")
    table = tf.get_variable("char_table", [23, 5])
    h = tf.nn.embedding_lookup(table, x)
    h = layers.conv1d(h, 6, 3, padding="same", activation=tf.nn.relu, name="char_cnn")
    with tf.variable_scope("narrow"):
        w = tf.get_variable("width_2", [2, 6, 4])
        h = tf.nn.conv1d(h, w, 1, "VALID")
    h = tf.reduce_max(h, axis=1)
    for number in range(2):
        with tf.variable_scope(f"highway_{number}"):
            gate = layers.dense(
                h, 4, tf.sigmoid, name="carry", bias_initializer=tf.constant_initializer(-2)
            )
            h = gate * layers.dense(h, 4, tf.nn.relu, name="transform") + (1.0 - gate) * h
    w = tf.get_variable("proj/W", [4, 3])
    return [tf.nn.l2_normalize(tf.matmul(h, w), 1, name="char_embedding").op.name]


@network(
    "static-peepholes",
    "open",
    "static_rnn of LSTMCell with peepholes and projection, BasicLSTMCell on top",
    "tg-merge rename-flat",
)
def static_peepholes() -> list[str]:
    """Build an unrolled LSTM."""
    x = tf.placeholder(tf.float32, [None, 3, 4], "steps")
    cells = rnn.MultiRNNCell(
        [
            rnn.LSTMCell(5, use_peepholes=True, num_proj=3, cell_clip=5.0),
            rnn.BasicLSTMCell(4, forget_bias=0.7),
        ]
    )
    outputs, _state = tf.nn.static_rnn(cells, tf.unstack(x, 3, 1), dtype=tf.float32)
    w = tf.Variable(tf.random_normal([4, 2]), name="out/w")
    b = tf.Variable(tf.random_normal([2]), name="out/b")
    return [tf.add(tf.matmul(outputs[-1], w), b, name="decision").op.name]


@network(
    "layernorm-states",
    "held",
    "dynamic_rnn of LayerNormBasicLSTMCell, initial state in variables",
    "whitelist grappler-all",
)
def layernorm_states() -> list[str]:
    """Build a layer-normalised LSTM that starts from learned and kept states."""
    x = tf.placeholder(tf.float32, [1, None, 4], "frames")
    cell = rnn.LayerNormBasicLSTMCell(5, dropout_keep_prob=1.0)
    with tf.variable_scope("memory"):
        c = tf.get_variable("c_learned", [1, 5])
        h = tf.get_variable("h_kept", [1, 5], trainable=False)
    with tf.variable_scope("reader"):
        y, state = tf.nn.dynamic_rnn(cell, x, initial_state=rnn.LSTMStateTuple(c, h))
    with tf.control_dependencies([c.assign(state.c)]):
        tf.identity(state.h, name="keep_state")
    return [tf.tanh(y, name="read_out").op.name]


@network(
    "bidirectional-gru",
    "open",
    "bidirectional GRU, dynamic, with lengths, transitions of a tagger",
    "grappler-arithmetic",
)
def bidirectional_gru() -> list[str]:
    """Build a bidirectional GRU and the scores of a tagger."""
    x = tf.placeholder(tf.float32, [None, 6, 3], "tokens")
    lengths = tf.placeholder(tf.int32, [None], "lengths")
    with tf.variable_scope("bi"):
        x, _states = tf.nn.bidirectional_dynamic_rnn(
            rnn.GRUCell(3), rnn.GRUCell(4), x, lengths, dtype=tf.float32
        )
    w = tf.get_variable("crf_in", [7, 4])
    transitions = tf.get_variable("transitions", [4, 4])
    scores = tf.reshape(tf.matmul(tf.reshape(tf.concat(x, 2), [-1, 7]), w), [-1, 6, 4])
    pairs = tf.expand_dims(scores[:, :-1], 3) + tf.expand_dims(transitions, 0)
    pairs += tf.expand_dims(scores[:, 1:], 2)
    return [tf.reduce_max(pairs, [2], name="best_pairs").op.name]


@network(
    "block-cells",
    "held",
    "LSTMBlockFusedCell, LSTMBlockCell with peepholes, GRUBlockCellV2",
    "tg-weights rename-hash",
)
def block_cells() -> list[str]:
    """Build the fused cells."""
    x = tf.placeholder(tf.float32, [4, 2, 5], "time_major")
    fused = rnn.LSTMBlockFusedCell(4, use_peephole=True, name="fused_lstm")
    y, _state = fused(x, dtype=tf.float32)
    y, _state = tf.nn.dynamic_rnn(
        rnn.LSTMBlockCell(3, use_peephole=True), y, dtype=tf.float32, time_major=True, scope="block"
    )
    y, _state = tf.nn.static_rnn(
        rnn.GRUBlockCellV2(3), tf.unstack(y), dtype=tf.float32, scope="gru_block"
    )
    return [tf.stack(y, name="stacked").op.name]


@network(
    "cudnn-compatible",
    "open",
    "cells compatible with cuDNN, residual and dropout wrappers, in-graph beam of states",
    "tg-fold-constants",
)
def cudnn_compatible() -> list[str]:
    """Build the cells that take the weights of cuDNN."""
    x = tf.placeholder(tf.float32, [None, 5, 4], "mel")
    kind = tf.contrib.cudnn_rnn
    lstm = rnn.ResidualWrapper(kind.CudnnCompatibleLSTMCell(4))
    y, _state = tf.nn.dynamic_rnn(lstm, x, dtype=tf.float32, scope="cudnn_lstm/stack")
    gru = rnn.DropoutWrapper(kind.CudnnCompatibleGRUCell(3), output_keep_prob=1.0)
    y, _state = tf.nn.dynamic_rnn(gru, y, dtype=tf.float32, scope="cudnn_gru/stack")
    y = tf.contrib.layers.fully_connected(y, 2, activation_fn=None, scope="post")
    return [tf.nn.softplus(y).op.name]


@network(
    "attention-decoder",
    "held",
    "contrib.seq2seq: Bahdanau attention, greedy decoding in a while loop",
    "grappler-arithmetic",
)
def attention_decoder() -> list[str]:
    """Build an encoder and a decoder with attention."""
    seq2seq = tf.contrib.seq2seq
    source = tf.placeholder(tf.int32, [2, 4], "source_ids")
    with tf.variable_scope("encoder"):
        table = tf.get_variable("embedding", [9, 3])
        encoded, state = tf.nn.dynamic_rnn(
            rnn.GRUCell(4), tf.nn.embedding_lookup(table, source), dtype=tf.float32
        )
    with tf.variable_scope("decoder"):
        table = tf.get_variable("embedding", [7, 3])
        attention = seq2seq.BahdanauAttention(4, encoded, normalize=True)
        cell = seq2seq.AttentionWrapper(rnn.GRUCell(4), attention, attention_layer_size=3)
        helper = seq2seq.GreedyEmbeddingHelper(table, tf.fill([2], 1), 2)
        start = cell.zero_state(2, tf.float32).clone(cell_state=state)
        decoder = seq2seq.BasicDecoder(
            cell, helper, start, output_layer=layers.Dense(7, use_bias=False)
        )
        out, _state, _lengths = seq2seq.dynamic_decode(decoder, maximum_iterations=5)
    return [tf.identity(out.sample_id, "target_ids").op.name]


def layer_norm(x: Any, scope: str) -> Any:
    """Normalise the last axis, by hand."""
    with tf.variable_scope(scope):
        gamma = tf.get_variable("gamma", [x.get_shape()[-1]], initializer=tf.ones_initializer())
        beta = tf.get_variable("beta", [x.get_shape()[-1]], initializer=tf.zeros_initializer())
        mean, variance = tf.nn.moments(x, [-1], keep_dims=True)
        return gamma * (x - mean) * tf.rsqrt(variance + 1e-12) + beta


@network(
    "bert-encoder",
    "open",
    "own layer norm, sliced position embeddings, tied output matrix",
    "training-nodes tg-weights fp16-cast whitelist",
)
def bert_encoder() -> list[str]:
    """Build one layer of BERT and its language model head."""
    ids = tf.placeholder(tf.int32, [None, 5], "input_ids")
    mask = tf.placeholder(tf.int32, [None, 5], "input_mask")
    dense = layers.dense
    with tf.variable_scope("bert/embeddings"):
        words = tf.get_variable("word_embeddings", [19, 8])
        kinds = tf.get_variable("token_type_embeddings", [2, 8])
        places = tf.get_variable("position_embeddings", [9, 8])
        x = tf.reshape(tf.gather(words, tf.reshape(ids, [-1])), [-1, 5, 8])
        one_hot = tf.one_hot(tf.reshape(tf.zeros_like(ids), [-1]), depth=2)
        x += tf.reshape(tf.matmul(one_hot, kinds), [-1, 5, 8])
        x += tf.reshape(tf.slice(places, [0, 0], [5, -1]), [1, 5, 8])
        x = layer_norm(x, "LayerNorm")
    flat = tf.reshape(x, [-1, 8])
    with tf.variable_scope("bert/encoder/layer_0"):
        with tf.variable_scope("attention/self"):
            heads = [
                tf.transpose(tf.reshape(dense(flat, 8, name=name), [-1, 5, 2, 4]), [0, 2, 1, 3])
                for name in ("query", "key", "value")
            ]
            scores = tf.matmul(heads[0], heads[1], transpose_b=True) * (1.0 / math.sqrt(4.0))
            scores += (1.0 - tf.cast(mask[:, None, None, :], tf.float32)) * -10000.0
            y = tf.matmul(tf.nn.softmax(scores), heads[2])
            y = tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [-1, 8])
        with tf.variable_scope("attention/output"):
            flat = layer_norm(dense(y, 8) + flat, "LayerNorm")
        with tf.variable_scope("intermediate"):
            y = dense(flat, 12)
            y = y * 0.5 * (1.0 + tf.tanh(np.sqrt(2 / np.pi) * (y + 0.044715 * tf.pow(y, 3))))
        with tf.variable_scope("output"):
            flat = layer_norm(dense(y, 8) + flat, "LayerNorm")
    with tf.variable_scope("cls/predictions"):
        bias = tf.get_variable("output_bias", [19])
        logits = tf.nn.bias_add(tf.matmul(flat, words, transpose_b=True), bias)
    return [tf.nn.log_softmax(logits, name="cls/log_probs").op.name]


@network(
    "transformer-einsum",
    "held",
    "einsum and tensordot, sine positions as a constant, relative bias table",
    "grappler-all rename-flat tg-round",
)
def transformer_einsum() -> list[str]:
    """Build a transformer with other multiplications."""
    ids = tf.placeholder(tf.int32, [2, 6], "symbols")
    table = tf.get_variable("model/wte", [15, 6])
    angles = np.arange(6)[:, None] / 10 ** (np.arange(6)[None, :] / 3.0)
    timing = np.where(np.arange(6) % 2, np.cos(angles), np.sin(angles)).astype(np.float32)
    x = tf.gather(table, ids) * 6**0.5 + tf.constant(timing, name="timing_signal")
    with tf.variable_scope("model/h0"):
        q = tf.einsum("btd,dhk->bhtk", x, tf.get_variable("q_w", [6, 2, 3]))
        k = tf.tensordot(x, tf.get_variable("k_w", [6, 6]), [[2], [0]])
        k = tf.transpose(tf.reshape(k, [2, 6, 2, 3]), [0, 2, 1, 3])
        v = tf.einsum("btd,dhk->bhtk", x, tf.get_variable("v_w", [6, 2, 3]))
        near = tf.get_variable("rel_bias", [2, 11])
        places = np.arange(6)[:, None] - np.arange(6)[None, :] + 5
        scores = tf.matmul(q, k, transpose_b=True) + tf.gather(near, places, axis=1)
        causal = tf.constant(np.tril(np.ones((6, 6), np.float32)), name="causal")
        scores = scores * causal - 1e10 * (1 - causal)
        y = tf.matmul(tf.nn.softmax(scores), v)
        x += tf.einsum("bhtk,hkd->btd", y, tf.get_variable("o_w", [2, 3, 6]))
        g, b = tf.get_variable("ln/g", [6]), tf.get_variable("ln/b", [6])
        u = tf.reduce_mean(x, axis=-1, keepdims=True)
        s = tf.reduce_mean(tf.square(x - u), axis=-1, keepdims=True)
        x = (x - u) * tf.rsqrt(s + 1e-5) * g + b
        x = x + tf.contrib.layers.layer_norm(layers.dense(x, 6, tf.nn.relu, name="ffn"))
    logits = tf.matmul(tf.reshape(x, [12, 6]), table, transpose_b=True)
    return [tf.reshape(logits, [2, 6, 15], name="model/logits").op.name]


@network(
    "reading-lines",
    "held",
    "convolutions, bidirectional LSTM over columns, CTC decoding",
    "older-for-inference tg-eight-bit",
)
def reading_lines() -> list[str]:
    """Build a reader of text lines."""
    x = tf.placeholder(tf.float32, [1, 8, 16, 1], "line_image")
    with tf.variable_scope("cnn"):
        w = tf.get_variable("conv_k1", [3, 3, 1, 4])
        x = layers.batch_normalization(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"), name="bn_k1")
        x = tf.nn.leaky_relu(x, 0.1)
        x = tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    x = tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [1, 8, 16])
    forward, backward = rnn.LSTMCell(3, name="fw_cell"), rnn.LSTMCell(3, name="bw_cell")
    y, _states = tf.nn.bidirectional_dynamic_rnn(forward, backward, x, dtype=tf.float32)
    kernel = tf.get_variable("rnn_to_chars", [1, 1, 6, 5])
    y = tf.nn.atrous_conv2d(tf.expand_dims(tf.concat(y, 2), 2), kernel, 1, "SAME")
    y = tf.transpose(tf.squeeze(y, [2]), [1, 0, 2])
    found, _log = tf.nn.ctc_greedy_decoder(y, tf.constant([8], name="line_lengths"))
    return [tf.sparse.to_dense(found[0], default_value=-1, name="text").op.name]


@network(
    "keyword-spectrum",
    "open",
    "constant DFT and mel matrices in front of a small network",
    "tg-deploy typed-fields",
)
def keyword_spectrum() -> list[str]:
    """Build a keyword spotter that makes its own spectrum."""
    wave = tf.placeholder(tf.float32, [1, 64], "wav_data")
    window = tf.constant(np.hanning(16).astype(np.float32), name="hann")
    frames = tf.contrib.signal.frame(wave, 16, 8) * window
    turns = np.outer(np.arange(16), np.arange(9)) * 2 * np.pi / 16
    cos = tf.constant(np.cos(turns).astype(np.float32), name="dft_real")
    sin = tf.constant(np.sin(turns).astype(np.float32), name="dft_imag")
    power = tf.square(tf.tensordot(frames, cos, 1)) + tf.square(tf.tensordot(frames, sin, 1))
    mel = tf.constant(np.abs(constant(9, 5)), name="mel_filters")
    x = tf.log(tf.tensordot(power, mel, 1) + 1e-6)
    first = tf.Variable(tf.truncated_normal([3, 5, 1, 4]), name="first_weights")
    x = tf.nn.conv2d(tf.expand_dims(x, 3), first, [1, 1, 1, 1], "VALID")
    x = tf.nn.relu(x + tf.Variable(tf.zeros([4]), name="first_bias"))
    low = tf.Variable(tf.truncated_normal([20, 3]), name="linear_low_rank")
    final = tf.Variable(tf.truncated_normal([3, 4]), name="final_fc_weights")
    bias = tf.Variable(tf.zeros([4]), name="final_fc_bias")
    x = tf.matmul(tf.matmul(tf.reshape(x, [-1, 20]), low), final) + bias
    return [tf.nn.softmax(x, name="labels_softmax").op.name]
