"""Networks of tf.Module and tf.function: no layers, names of every habit.

What Keras never does is here: variables without a name, scalars, booleans,
integers and doubles as variables, reads inside loops and branches, gathers from
a variable, and constants that look exactly like weights.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tools.zoo.tf2_networks import Kit, Network


def plain(kit: Kit) -> Network:
    """Variables without names, in a list, beside constants of the same shapes."""
    tf, root = kit.tf, kit.tf.Module()
    root.layers = [(kit.variable(5, 5), kit.variable(5)) for _ in range(3)]
    fixed, offset = tf.constant(kit.normal(5, 5)), kit.normal(5)

    def call(x: Any) -> Any:
        for w, b in root.layers:
            x = tf.nn.relu(tf.matmul(x, w) + b)
        return tf.matmul(x, fixed) + offset

    return kit.module(root, kit.spec(None, 5), call=call)


def sonnet(kit: Kit) -> Network:
    """Use the names of Sonnet: linear_0/w, batch_norm/offset, averages of averages."""
    tf, root = kit.tf, kit.tf.Module(name="mlp")
    root.linears = [
        (kit.variable(a, b, name=f"mlp/linear_{i}/w"), kit.variable(b, name=f"mlp/linear_{i}/b"))
        for i, (a, b) in enumerate([(6, 5), (5, 4)])
    ]
    root.scale = kit.variable(5, name="batch_norm/scale")
    root.offset = kit.variable(5, name="batch_norm/offset")
    root.mean = kit.variable(5, name="batch_norm/moving_mean/average", trainable=False)
    root.var = kit.variable(5, name="batch_norm/moving_variance/average_var", trainable=False)
    root.hidden = kit.variable(5, name="batch_norm/moving_mean/hidden", trainable=False)
    root.counter = tf.Variable(np.int64(1), name="batch_norm/moving_mean/counter", trainable=False)

    def call(x: Any) -> Any:
        with tf.name_scope("mlp"):
            for number, (w, b) in enumerate(root.linears):
                with tf.name_scope(f"linear_{number}"):
                    x = tf.add(tf.matmul(x, w), b)
                if number == 0:
                    x = tf.nn.batch_normalization(
                        x, root.mean, root.var, root.offset, root.scale, 1e-5
                    )
        return x

    return kit.module(root, kit.spec(2, 6), call=call)


def control_flow(kit: Kit) -> Network:
    """Read variables of several dtypes in a loop and in a branch."""
    tf, root = kit.tf, kit.tf.Module()
    root.step = kit.variable(4, 4, name="transition")
    root.gain = kit.variable(4, name="gain")
    root.other = kit.variable(4, name="other_gain")
    root.rounds = tf.Variable(7, name="rounds", trainable=False, dtype=tf.int32)
    root.mask = tf.Variable([True] * 16, name="mask", trainable=False)
    root.damping = tf.Variable(np.float64(0.25), name="damping")
    bound = tf.constant(kit.normal(4, 4))

    def call(x: Any) -> Any:
        def body(i: Any, h: Any) -> tuple[Any, Any]:
            kept = tf.where(tf.reshape(root.mask, [4, 4]), root.step, bound)
            return i + 1, tf.tanh(tf.matmul(h, kept))

        _, h = tf.while_loop(lambda i, _: i < root.rounds, body, [tf.constant(0), x])
        h = tf.cond(tf.reduce_sum(h) > 0, lambda: h * root.gain, lambda: h - root.other)
        return tf.cast(h, tf.float64) * root.damping

    return kit.module(root, kit.spec(2, 4), call=call)


def kalman(kit: Kit) -> Network:
    """Filter in doubles: the matrices of a model, an inverse in each step."""
    tf, root = kit.tf, kit.tf.Module(name="kalman")

    def double(name: str, *shape: int) -> Any:
        return tf.Variable(kit.rng.normal(size=shape), name=name, dtype=tf.float64)

    root.f, root.h = double("F", 3, 3), double("H", 2, 3)
    root.q, root.r = double("Q_chol", 3, 3), double("R_chol", 2, 2)
    start, eye = tf.constant(kit.rng.normal(size=(3, 1))), tf.eye(3, dtype=tf.float64)

    def call(seen: Any) -> Any:
        state, p = start, eye
        for moment in range(2):
            state, p = (
                root.f @ state,
                root.f @ p @ tf.transpose(root.f) + root.q @ tf.transpose(root.q),
            )
            s = root.h @ p @ tf.transpose(root.h) + root.r @ tf.transpose(root.r)
            gain = p @ tf.transpose(root.h) @ tf.linalg.inv(s)
            state = state + gain @ (seen[moment][:, None] - root.h @ state)
            p = (eye - gain @ root.h) @ p
        return state

    return kit.module(root, kit.spec(2, 2, dtype="float64"), call=call)


def codebook(kit: Kit) -> Network:
    """Vector quantisation: nearest entry of a variable, gathered again."""
    tf, root = kit.tf, kit.tf.Module()
    root.codebook = kit.variable(8, 3, name="vq/codebook")
    root.usage = tf.Variable(np.zeros(8, np.int64), name="vq/usage", trainable=False)
    root.proj_in = kit.variable(1, 1, 4, 3, name="vq/proj_in")
    root.log_scale = kit.variable(name="vq/log_scale")
    permutation = tf.constant([2, 0, 1, 3, 7, 5, 6, 4])

    def call(x: Any) -> Any:
        z = tf.nn.conv2d(x, root.proj_in, 1, "VALID") * tf.exp(root.log_scale)
        flat = tf.reshape(z, [-1, 3])
        far = tf.reduce_sum((flat[:, None] - root.codebook[None]) ** 2, -1)
        best = tf.gather(permutation, tf.argmin(far, -1))
        rare = tf.gather(root.usage, best) > 0
        return tf.gather(root.codebook, best), rare, tf.gather_nd(root.codebook, best[:, None])

    return kit.module(root, kit.spec(1, 2, 2, 4), call=call)


def graph_network(kit: Kit) -> Network:
    """Messages over fixed edges: a constant adjacency, attention vectors, segments."""
    tf, root = kit.tf, kit.tf.Module(name="gat")
    for name, shape in [("W_src", (4, 5)), ("W_dst", (4, 5)), ("attn_l", (5, 1)), ("eps", ())]:
        setattr(root, name, kit.variable(*shape, name=name))
    source, target = tf.constant([0, 1, 2, 3, 3, 0]), tf.constant([1, 2, 3, 0, 1, 2])
    laplacian = tf.constant(kit.normal(4, 4), name="laplacian")

    def call(nodes: Any) -> Any:
        s, d = nodes @ root.W_src, tf.matmul(laplacian, nodes) @ root.W_dst
        e = tf.nn.leaky_relu(tf.gather(s, source) + tf.gather(d, target))
        e = tf.exp(e @ root.attn_l) * tf.gather(s, source)
        return tf.math.unsorted_segment_sum(e, target, 4) + (1.0 + root.eps) * s

    return kit.module(root, kit.spec(4, 4), call=call)


def hashed_embedding(kit: Kit) -> Network:
    """Words by hash into sparse embeddings with combiners."""
    tf, root = kit.tf, kit.tf.Module()
    root.tables = [kit.variable(9, 4, name=f"emb_{i}/embedding_weights") for i in range(2)]
    root.out = kit.variable(8, 2, name="logits/weights")

    def call(words: Any) -> Any:
        ids = tf.strings.to_hash_bucket_fast(words, 9)
        sparse = tf.sparse.from_dense(ids + 1)
        found = [
            tf.nn.safe_embedding_lookup_sparse(table, sparse, combiner=how)
            for table, how in zip(root.tables, ("mean", "sqrtn"), strict=True)
        ]
        return tf.matmul(tf.concat(found, 1), root.out)

    return kit.module(root, kit.spec(3, 2, dtype="string"), call=call)


def untrained(kit: Kit) -> Network:
    """Zeros and ones on purpose: many variables of one shape and one value."""
    tf, root = kit.tf, kit.tf.Module()
    root.w1, root.b1 = kit.variable(4, 4, name="fc1/w"), kit.variable(4, name="fc1/b")
    root.w2, root.b2 = kit.variable(4, 4, name="fc2/w"), kit.variable(4, name="fc2/b")
    root.g, root.o = kit.variable(4, name="norm/g"), kit.variable(4, name="norm/o")

    def call(x: Any) -> Any:
        x = tf.nn.relu(tf.matmul(x, root.w1) + root.b1)
        return (tf.matmul(x, root.w2) + root.b2) * root.g + root.o + tf.zeros([4])

    network = kit.module(root, kit.spec(None, 4), call=call)
    for name, variable in network.variables.items():
        fill = tf.ones_like if name == "norm/g" else tf.zeros_like
        variable.assign(fill(variable))
    return network


def fourier_features(kit: Kit) -> Network:
    """Put fixed random features before a field, learnt coefficients behind."""
    tf, root = kit.tf, kit.tf.Module()
    frequencies = tf.constant(kit.normal(2, 6) * 3, name="B")
    quadrature = tf.constant(kit.positive(4), name="quadrature_weights")
    root.w = [kit.variable(12, 8, name="field/W0"), kit.variable(8, 4, name="field/W1")]
    root.b = [kit.variable(1, 8, name="field/b0"), kit.variable(1, 4, name="field/b1")]
    root.nu, root.rho = kit.variable(name="viscosity"), kit.variable(name="density")

    def call(xy: Any) -> Any:
        turned = 2 * np.pi * tf.matmul(xy, frequencies)
        h = tf.concat([tf.sin(turned), tf.cos(turned)], 1)
        h = tf.tanh(tf.matmul(h, root.w[0]) + root.b[0])
        h = tf.matmul(h, root.w[1]) + root.b[1]
        return root.nu * tf.reduce_sum(h * quadrature, 1) - h[:, 0] / (root.rho + 2.0)

    return kit.module(root, kit.spec(None, 2), call=call)


def viterbi(kit: Kit) -> Network:
    """Chain tags: transitions inside a loop, forbidden pairs as a constant."""
    tf, root = kit.tf, kit.tf.Module(name="crf")
    root.emit = kit.variable(6, 4, name="crf/emission")
    root.move = kit.variable(4, 4, name="crf/chain_kernel")
    root.start = kit.variable(4, name="crf/left_boundary")
    forbidden = tf.constant(np.triu(np.full((4, 4), -1e4, np.float32), 2))

    @tf.function  # type: ignore[untyped-decorator]
    def decode(scores: Any) -> Any:
        best = root.start + scores[0]
        for moment in tf.range(1, tf.shape(scores)[0]):
            step = best[:, None] + root.move + forbidden
            best = tf.reduce_max(step, 0) + scores[moment]
        return best

    return kit.module(root, kit.spec(5, 6), call=lambda x: decode(tf.matmul(x, root.emit)))


def kept_calls(kit: Kit) -> Network:
    """Functions that are not inlined: the variables come in as arguments."""
    tf, root = kit.tf, kit.tf.Module()
    root.w, root.b = kit.variable(4, 4, name="w"), kit.variable(4, name="b")
    root.out = kit.variable(4, 2, name="out")
    captured = tf.constant(kit.normal(4, 4), name="captured")

    @tf.function(experimental_attributes={"_noinline": True})  # type: ignore[untyped-decorator]
    def inner(x: Any) -> Any:
        return tf.tanh(tf.matmul(x, root.w) + root.b) + tf.matmul(x, captured)

    def call(x: Any) -> Any:
        return tf.matmul(inner(inner(x)), root.out)

    return kit.module(root, kit.spec(None, 4), call=call)


def anchors(kit: Kit) -> Network:
    """Decode a detector's heads by anchor boxes and variances that are constants."""
    tf, root = kit.tf, kit.tf.Module(name="ssd")
    root.box = kit.variable(3, 3, 4, 8, name="head/box/kernel")
    root.box_b = kit.variable(8, name="head/box/bias")
    root.cls = kit.variable(1, 1, 4, 6, name="head/cls/kernel")
    root.cls_b = kit.variable(6, name="head/cls/bias")
    centres, sizes = tf.constant(kit.normal(32, 2)), tf.constant(kit.positive(32, 2))
    spread = tf.constant([0.1, 0.2], name="variances")
    blur = tf.constant(np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32)[:, :, None, None] / 16)
    blur = tf.tile(blur, [1, 1, 4, 1])

    def call(x: Any) -> Any:
        x = tf.nn.depthwise_conv2d((x - [0.1, 0.2, 0.3, 0.4]) / 57.375, blur, [1, 1, 1, 1], "SAME")
        box = tf.nn.bias_add(tf.nn.conv2d(x, root.box, 1, "SAME"), root.box_b)
        box = tf.reshape(box, [-1, 32, 4])
        middle = box[..., :2] * spread[0] * sizes + centres
        boxes = tf.concat([middle, tf.exp(box[..., 2:] * spread[1]) * sizes], -1)
        found = tf.nn.bias_add(tf.nn.conv2d(x, root.cls, 1, "SAME"), root.cls_b)
        return boxes, tf.nn.sigmoid(tf.reshape(found, [-1, 32, 3]))

    return kit.module(root, kit.spec(1, 4, 4, 4), call=call)


RECIPES = {
    "m-plain": plain,
    "m-sonnet": sonnet,
    "m-control-flow": control_flow,
    "m-kalman": kalman,
    "m-codebook": codebook,
    "m-graph-network": graph_network,
    "m-hashed-embedding": hashed_embedding,
    "m-untrained": untrained,
    "m-fourier": fourier_features,
    "m-viterbi": viterbi,
    "m-kept-calls": kept_calls,
    "m-anchors": anchors,
}
