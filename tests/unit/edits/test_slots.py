from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.edits.candidate import Candidate
from pbckpt.edits.slots import find_slots

TYPES = {"i32": DataType.INT32, "i64": DataType.INT64, "f16": DataType.HALF}


def candidate(text: str) -> Candidate:
    """Take ``name 3x2 i64``: without a shape a scalar, without a type float32."""
    name, *rest = text.split()
    dtype = TYPES[rest.pop()] if rest and rest[-1] in TYPES else DataType.FLOAT
    shape = tuple(map(int, rest[0].split("x"))) if rest else ()
    return Candidate((name,), dtype, shape)


def slots(texts: list[str]) -> list[str]:
    found = find_slots([candidate(text) for text in texts])
    return [texts[place] for place in sorted(found)]


def objects(texts: list[str]) -> list[str]:
    """Give each name the ending that the keys of objects have."""
    split = [text.partition(" ") for text in texts]
    return [f"{name}/.ATTRIBUTES/VARIABLE_VALUE {rest}".strip() for name, _, rest in split]


MODEL = ["d/w 3x2", "d/b 2"]

# tf.compat.v1.train and tf.contrib.opt of TensorFlow 1.15.5, variables saved by
# tf.train.Saver; those of tf.compat.v1.train are the same in 2.21.0.
TF1 = {
    "Momentum": ["d/w/Momentum 3x2", "d/b/Momentum 2"],
    "Adam": [
        "beta1_power",
        "beta2_power",
        "d/w/Adam 3x2",
        "d/w/Adam_1 3x2",
        "d/b/Adam 2",
        "d/b/Adam_1 2",
    ],
    "Adagrad": ["d/w/Adagrad 3x2", "d/b/Adagrad 2"],
    "Adadelta": ["d/w/Adadelta 3x2", "d/w/Adadelta_1 3x2", "d/b/Adadelta 2", "d/b/Adadelta_1 2"],
    "RMSProp": ["d/w/RMSProp 3x2", "d/w/RMSProp_1 3x2", "d/b/RMSProp 2", "d/b/RMSProp_1 2"],
    "RMSProp centered": ["d/w/RMSProp 3x2", "d/w/RMSProp_1 3x2", "d/w/RMSProp_2 3x2"],
    "Ftrl": ["d/w/Ftrl 3x2", "d/w/Ftrl_1 3x2", "d/b/Ftrl 2", "d/b/Ftrl_1 2"],
    "ProximalAdagrad": ["d/w/ProximalAdagrad 3x2", "d/b/ProximalAdagrad 2"],
    "AdagradDA": ["d/w/AdagradDA 3x2", "d/w/AdagradDA_1 3x2", "d/b/AdagradDA 2"],
    "AdaMax": ["beta1_power", "d/w/AdaMax 3x2", "d/w/AdaMax_1 3x2"],
    "AddSign": ["d/w/AddSignOptimizer 3x2", "d/b/AddSignOptimizer 2"],
    "PowerSign": ["d/w/PowerSignOptimizer 3x2", "d/b/PowerSignOptimizer 2"],
    "LARS": ["d/w/LARSOptimizer 3x2", "d/b/LARSOptimizer 2"],
    "AdamW": ["beta1_power", "beta2_power", "d/w/AdamW 3x2", "d/w/AdamW_1 3x2"],
    "MomentumW": ["d/w/MomentumW 3x2", "d/b/MomentumW 2"],
    "RegAdagrad": ["d/w/RegAdagrad 3x2", "d/b/RegAdagrad 2"],
    "Shampoo of order 0": ["d/w/Shampoo 3x2", "d/b/Shampoo 2"],
    "Adam in a name scope": ["optimizer/beta1_power", "optimizer/beta2_power", "d/w/Adam 3x2"],
    "Adam in a variable scope": [
        "optimizer/beta1_power",
        "optimizer/d/w/Adam 3x2",
        "optimizer/d/w/Adam_1 3x2",
        "optimizer/d/b/Adam 2",
    ],
    "Ftrl in two scopes": ["train2/opt/d/w/Ftrl 3x2", "train2/opt/d/b/Ftrl_1 2"],
    "two Adams and two Momentums": [
        "beta1_power",
        "beta1_power_1",
        "beta2_power_1",
        "d/w/Adam_2 3x2",
        "d/w/Adam_3 3x2",
        "d/w/Momentum 3x2",
        "d/w/Momentum_1 3x2",
    ],
    "a loss scale around Adam": [
        "current_loss_scale",
        "good_steps i64",
        "cond_1/beta1_power",
        "cond_1/beta2_power",
        "d/w/Adam 3x2",
    ],
}


@pytest.mark.parametrize("name", TF1)
def test_slots_of_tensorflow_1(name: str) -> None:
    assert slots([*MODEL, *TF1[name], "global_step i64"]) == TF1[name]


# tf.keras.optimizers of TensorFlow 1.15.5 in a graph, saved by tf.train.Saver;
# 2.21.0's tensorflow.python.keras adds training/Ftrl/beta, and without a model
# the names start with the optimizer's.
KERAS = {
    "Adam": [
        "training/Adam/beta_1",
        "training/Adam/beta_2",
        "training/Adam/d/b/m 2",
        "training/Adam/d/b/v 2",
        "training/Adam/d/b/vhat 2",
        "training/Adam/d/w/m 3x2",
        "training/Adam/d/w/v 3x2",
        "training/Adam/d/w/vhat 3x2",
        "training/Adam/decay",
        "training/Adam/iter i64",
        "training/Adam/learning_rate",
    ],
    "SGD": [
        "training/SGD/d/b/momentum 2",
        "training/SGD/d/w/momentum 3x2",
        "training/SGD/decay",
        "training/SGD/iter i64",
        "training/SGD/learning_rate",
        "training/SGD/momentum",
    ],
    "RMSprop": [
        "training/RMSprop/d/w/mg 3x2",
        "training/RMSprop/d/w/momentum 3x2",
        "training/RMSprop/d/w/rms 3x2",
        "training/RMSprop/decay",
        "training/RMSprop/iter i64",
        "training/RMSprop/learning_rate",
        "training/RMSprop/momentum",
        "training/RMSprop/rho",
    ],
    "Nadam": [
        "training/Nadam/d/w/m 3x2",
        "training/Nadam/d/w/v 3x2",
        "training/Nadam/decay",
        "training/Nadam/iter i64",
        "training/Nadam/momentum_cache",
    ],
    "Ftrl": [
        "Ftrl/beta",
        "Ftrl/d/w/accumulator 3x2",
        "Ftrl/d/w/linear 3x2",
        "Ftrl/decay",
        "Ftrl/iter i64",
        "Ftrl/l1_regularization_strength",
        "Ftrl/l2_regularization_strength",
        "Ftrl/learning_rate",
        "Ftrl/learning_rate_power",
    ],
    "Adadelta": [
        "Adadelta/d/w/accum_grad 3x2",
        "Adadelta/d/w/accum_var 3x2",
        "Adadelta/decay",
        "Adadelta/iter i64",
        "Adadelta/rho",
    ],
    "a name of its own": [
        "training/mine/d/w/m 3x2",
        "training/mine/decay",
        "training/mine/iter i64",
    ],
    "eager, without settings": ["Adam_1/iter i64", "Adam_1/d/w/m 3x2", "Adam_1/d/b/m 2"],
}


@pytest.mark.parametrize("name", KERAS)
def test_slots_of_keras_by_name(name: str) -> None:
    assert slots([*MODEL, *KERAS[name], "global_step i64"]) == KERAS[name]


# optimizer.variables of tf_keras 2.21.0, as names.
KERAS_211 = {
    "Adam": ["iteration i64", "learning_rate", "Adam/m/d/w 3x2", "Adam/v/d/w 3x2"],
    "Adam with averages": ["Adam/average/d/w 3x2", "Adam/m/d/b 2", "Adam/vhat/d/b 2"],
    "Adamax": ["iteration i64", "Adamax/m/d/w 3x2", "Adamax/u/d/w 3x2"],
    "RMSprop": [
        "RMSprop/velocity/d/w 3x2",
        "RMSprop/momentum/d/w 3x2",
        "RMSprop/average_gradient/d/w 3x2",
    ],
    "Adadelta": ["Adadelta/accumulated_grad/d/w 3x2", "Adadelta/accumulated_delta_var/d/w 3x2"],
    "Ftrl": ["Ftrl/accumulator/d/w 3x2", "Ftrl/linear/d/w 3x2"],
}


@pytest.mark.parametrize("name", KERAS_211)
def test_slots_of_keras_from_2_11_by_name(name: str) -> None:
    assert slots([*MODEL, *KERAS_211[name]]) == KERAS_211[name]


OBJECT_MODEL = [
    "model/w 3x2",
    "model/b 2",
    "save_counter i64",
    "keras_api/metrics/0/total",
    "keras_api/metrics/0/count",
    "model/norm/moving_mean 2",
]

# What tf.train.Checkpoint saves of a model and an optimizer.
OBJECTS = {
    # TensorFlow 1.15.5 and 2.21.0
    "compat.v1 Adam": [
        "model/b/.OPTIMIZER_SLOT/optimizer/m 2",
        "model/b/.OPTIMIZER_SLOT/optimizer/v 2",
        "model/w/.OPTIMIZER_SLOT/optimizer/m 3x2",
        "model/w/.OPTIMIZER_SLOT/optimizer/v 3x2",
        "optimizer/beta1_power",
        "optimizer/beta2_power",
    ],
    "compat.v1 Adadelta": [
        "model/w/.OPTIMIZER_SLOT/optimizer/accum 3x2",
        "model/w/.OPTIMIZER_SLOT/optimizer/accum_update 3x2",
    ],
    # TensorFlow 1.15.5, 2.21.0's tensorflow.python.keras, tf_keras 2.21.0's legacy
    "legacy Adam": [
        "model/b/.OPTIMIZER_SLOT/optimizer/m 2",
        "model/w/.OPTIMIZER_SLOT/optimizer/v 3x2",
        "model/w/.OPTIMIZER_SLOT/optimizer/vhat 3x2",
        "optimizer/beta_1",
        "optimizer/beta_2",
        "optimizer/decay",
        "optimizer/iter i64",
        "optimizer/learning_rate",
    ],
    "legacy SGD without momentum": [
        "optimizer/decay",
        "optimizer/iter i64",
        "optimizer/learning_rate",
        "optimizer/momentum",
    ],
    "legacy Nadam": [
        "model/w/.OPTIMIZER_SLOT/optimizer/m 3x2",
        "optimizer/decay",
        "optimizer/iter i64",
        "optimizer/momentum_cache",
    ],
    "legacy Ftrl": [
        "model/w/.OPTIMIZER_SLOT/optimizer/accumulator 3x2",
        "model/w/.OPTIMIZER_SLOT/optimizer/linear 3x2",
        "optimizer/beta",
        "optimizer/decay",
        "optimizer/iter i64",
        "optimizer/l1_regularization_strength",
        "optimizer/l2_regularization_strength",
        "optimizer/learning_rate",
        "optimizer/learning_rate_power",
    ],
    "legacy RMSprop": [
        "model/w/.OPTIMIZER_SLOT/optimizer/mg 3x2",
        "model/w/.OPTIMIZER_SLOT/optimizer/momentum 3x2",
        "model/w/.OPTIMIZER_SLOT/optimizer/rms 3x2",
        "optimizer/decay",
        "optimizer/iter i64",
        "optimizer/learning_rate",
        "optimizer/momentum",
        "optimizer/rho",
    ],
    "legacy loss scale": [
        "model/w/.OPTIMIZER_SLOT/optimizer/m 3x2",
        "optimizer/decay",
        "optimizer/iter i64",
        "optimizer/loss_scale/current_loss_scale",
        "optimizer/loss_scale/good_steps i64",
    ],
    # tf_keras 2.21.0
    "Adafactor of tf_keras": [
        "optimizer/_c/1 i32",
        "optimizer/_iterations i64",
        "optimizer/_learning_rate",
        "optimizer/_r/1 i32",
        "optimizer/_variables/1 3",
        "optimizer/_variables/2 2",
        "optimizer/_variables/3 3x2",
    ],
    "Adam of tf_keras with a schedule": [
        "optimizer/_current_learning_rate",
        "optimizer/_iterations i64",
        "optimizer/_variables/1 3x2",
    ],
    # Keras 3.15.1
    "SGD": ["optimizer/_iterations i64", "optimizer/_learning_rate"],
    "Adam": [
        "optimizer/_iterations i64",
        "optimizer/_learning_rate",
        "optimizer/_variables/2 3x2",
        "optimizer/_variables/3 3x2",
        "optimizer/_variables/4 2",
        "optimizer/_variables/10 2",
    ],
    "Nadam": ["optimizer/_iterations i64", "optimizer/_u_product", "optimizer/_variables/2 3x2"],
    "Adafactor": ["optimizer/_iterations i64", "optimizer/_variables/5 i32"],
    "Adam with a schedule": ["optimizer/_iterations i64", "optimizer/_variables/1 3x2"],
    "a loss scale around Adam": [
        "optimizer/_iterations i64",
        "optimizer/_learning_rate",
        "optimizer/dynamic_scale",
        "optimizer/inner_optimizer/_iterations i64",
        "optimizer/inner_optimizer/_learning_rate",
        "optimizer/inner_optimizer/_variables/2 3x2",
        "optimizer/step_counter i64",
    ],
    "the root is the optimizer": ["_iterations i64", "_learning_rate", "_variables/2 3x2"],
    "the root is the legacy optimizer": ["decay", "iter i64", "learning_rate"],
}


@pytest.mark.parametrize("name", OBJECTS)
def test_slots_of_objects(name: str) -> None:
    assert slots(objects([*OBJECT_MODEL, *OBJECTS[name]])) == objects(OBJECTS[name])


def test_weights_that_keras_3_saves_under_the_optimizer_are_kept() -> None:
    """Keras 3.15.1: tf.train.Checkpoint(model=model, optimizer=optimizer) after fit."""
    model = [
        "model/_functional/_operations/2/moving_mean 2",
        "optimizer/_trainable_variables/0 3x2",
        "optimizer/_trainable_variables/1 2",
    ]
    optimizer = ["optimizer/_iterations i64", "optimizer/_variables/2 3x2"]
    assert slots(objects([*model, *optimizer])) == objects(optimizer)


@pytest.mark.parametrize(
    "texts",
    [
        # A name alone is never enough: there is no such variable, or of another shape.
        ["d/w 3x2", "d/v/Adam 3x2", "Adam 3x2"],
        ["d/w 3x2", "d/w/Adam 2x3", "d/w/Adam_1 3"],
        ["d/w 3x2", "d/w/Adam_x 3x2", "d/w/adam 3x2", "d/w/MyAdam 3x2"],
        ["d/w 3x2", "d/w/m 3x2", "d/w/v 3x2", "cell/d/w/m 3x2", "cell/d/w/momentum 3x2"],
        ["d/w 3x2", "Adam/d/w/m 2x3", "Adam/d/v/m 3x2", "Adam/m/d/w 2x3", "Adam/m/d/v 3x2"],
        ["d/w 3x2", "Adam/weights/d/w 3x2", "m/d/w 3x2", "velocity/d/w 3x2"],
        # Counters and settings without an optimizer.
        ["iter i64", "learning_rate", "iteration i64", "decay 3", "solver/iter i64"],
        ["solver/iter", "solver/decay", "solver/learning_rate"],
        ["beta1_power 2", "beta2_power i64", "my_beta1_power", "global_step i64"],
        ["current_loss_scale", "a/good_steps i64", "b/current_loss_scale"],
        ["net/optimizer/w 3x2", "optimizer/kernel 3x2", "optimizer/learning_rate"],
    ],
)
def test_variables_of_a_model_that_look_like_slots_are_kept(texts: list[str]) -> None:
    assert slots(texts) == []


@pytest.mark.parametrize(
    "texts",
    [
        ["net/_variables/0 3x2", "net/_variables/1 3x2", "net/_iterations i64"],
        ["net/_variables/1 3x2", "net/_learning_rate"],
        ["net/_variables/1 3x2", "net/_iterations"],
        ["net/_variables/1 3x2", "other/_iterations 2 i64"],
        ["net/iter i64", "net/momentum", "net/learning_rate"],
    ],
)
def test_objects_of_a_model_that_look_like_an_optimizer_are_kept(texts: list[str]) -> None:
    assert slots(objects(texts)) == []


def test_weights_beside_an_optimizers_settings_are_kept() -> None:
    model = [
        "optimizer/kernel 3x2",
        "optimizer/momentum 2",
        "optimizer/_variables/x 2",
        "optimizer/_v/1 2",
    ]
    legacy = ["optimizer/iter i64", "optimizer/decay"]
    assert slots(objects([*model, *legacy])) == objects(legacy)
    modern = ["optimizer/_iterations i64", "optimizer/_variables/1 2"]
    assert slots(objects([*model, *modern])) == objects(modern)


def test_a_reason_names_the_variable() -> None:
    texts = ["d/w 3x2", "opt/d/w/Adam 3x2", "beta1_power"]
    assert find_slots([candidate(text) for text in texts]) == {
        1: "an optimizer's slot of d/w",
        2: "an optimizer's own state",
    }


def test_deep_names_take_bounded_time() -> None:
    deep = "a/" * 100_000
    assert slots([f"{deep}Adam 2", f"{deep}m 2", "w 2"]) == []
