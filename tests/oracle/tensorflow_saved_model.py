"""The worker's part for SavedModels that frozen graphs became.

    op                    asks                                      answers
    run_saved_model       frozen, directory, values (.npz),         outputs, again, layer,
                          feeds: [{key, tensor, npz}],              variables, trainable,
                          fetches: [{key, tensor}], steps           training
    run_saved_model_v1    the same, without steps                   outputs, variables, trainable
    run_saved_model_in_c  the same, without steps                   outputs

``key`` is what the signature calls a tensor. Of each output it is said whether it has the
bits of the frozen graph's. The first loads with tf.saved_model, takes ``steps`` down the
gradient of a GradientTape, saves what was loaded and loads that (``again``), and has Keras
make a layer of it (``layer``); the worker must have been started eagerly. The second loads
with tf.compat.v1.saved_model, the third by the C++ loader, that servers use.

Runs on Python 3.7 with TensorFlow 1.15 (but for the first), and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import ctypes
import importlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.oracle.tensorflow_thaw import ThawOps
    from tests.oracle.tensorflow_values import Array, Json
else:  # a script finds the files beside it
    from tensorflow_thaw import ThawOps

SEED = 7
HALVINGS = 30
FIRST_STEP = 0.1
LONGEST = 400
SIGNATURE = "serving_default"


class SavedModelOps(ThawOps):
    """Answers requests about SavedModels."""

    def op_run_saved_model(self, request: Json) -> Json:
        """Load with tf.saved_model, run, train, save again, make a layer."""
        self._plainly()
        expected = self._expected(request)
        loaded = self.tf.saved_model.load(request["directory"])
        call = _Call(loaded.signatures[SIGNATURE], self._inputs(request), request["fetches"])
        answer: Json = {"outputs": _same_each(expected, call())}
        variables = list(getattr(loaded, "variables", ()))
        trainable = getattr(loaded, "trainable_variables", None)
        answer["variables"] = sorted(one.name.partition(":")[0] for one in variables)
        answer["trainable"] = sorted(
            one.name.partition(":")[0] for one in call.function.variables if one.trainable
        )
        answer["trainable_variables"] = (
            None if trainable is None else sorted(one.name.partition(":")[0] for one in trainable)
        )
        with tempfile.TemporaryDirectory() as folder:
            self.tf.saved_model.save(loaded, folder, signatures=loaded.signatures)
            other = self.tf.saved_model.load(folder).signatures[SIGNATURE]
            found = _Call(other, self._inputs(request), request["fetches"])()
            answer["again"] = _same_each(expected, found)
        answer["layer"] = self._layer(request, expected)
        if request.get("steps"):
            answer["training"] = self._taped(call, expected, request["steps"])
        return answer

    def op_run_saved_model_v1(self, request: Json) -> Json:
        """Load with tf.compat.v1.saved_model and run."""
        expected = self._expected(request)
        with self.tf.Graph().as_default(), self.v1.Session(config=self.config) as session:
            loaded = self.v1.saved_model.load(session, ["serve"], request["directory"])
            signature = loaded.signature_def[SIGNATURE]
            names = [signature.outputs[one["key"]].name for one in request["fetches"]]
            feeds = {
                signature.inputs[key].name: value for key, value in self._values(request).items()
            }
            return {
                "outputs": _same_each(expected, session.run(names, feeds)),
                "variables": sorted(one.op.name for one in self.v1.global_variables()),
                "trainable": sorted(one.op.name for one in self.v1.trainable_variables()),
            }

    def op_run_saved_model_in_c(self, request: Json) -> Json:
        """Load with the C++ loader and run."""
        expected = self._expected(request)
        with self.tf.Graph().as_default(), self.v1.Session() as session:
            loaded = self.v1.saved_model.load(session, ["serve"], request["directory"])
            signature = loaded.signature_def[SIGNATURE]
        feeds = {signature.inputs[key].name: value for key, value in self._values(request).items()}
        names = [signature.outputs[one["key"]].name for one in request["fetches"]]
        found = _Library(self.tf, self.config).run(request["directory"], feeds, names)
        return {"outputs": _same_each(expected, found)}

    def _plainly(self) -> None:
        """Have functions compute as the frozen graph does, nothing fused."""
        options = {"disable_meta_optimizer": True}
        self.tf.config.optimizer.set_experimental_options(options)
        if self.tf.config.threading.get_intra_op_parallelism_threads() != 1:
            self.tf.config.threading.set_intra_op_parallelism_threads(1)
            self.tf.config.threading.set_inter_op_parallelism_threads(1)

    def _values(self, request: Json) -> Json:
        values = np.load(request["values"], allow_pickle=True)
        return {feed["key"]: values[feed["npz"]] for feed in request["feeds"]}

    def _inputs(self, request: Json) -> Json:
        return {key: self.tf.constant(value) for key, value in self._values(request).items()}

    def _expected(self, request: Json) -> list[Array]:
        fetches = [one["tensor"] for one in request["fetches"]]
        asked = dict(request, fetches=fetches)
        return self._run_frozen(asked, self._feeds(request), self.config)

    def _layer(self, request: Json, expected: list[Array]) -> Json:
        """Have Keras make a layer of the model, which takes one input or each by its name."""
        layers = importlib.import_module("keras").layers
        inputs = self._inputs(request)
        dtype = next((one.dtype.name for one in inputs.values() if one.dtype.is_floating), None)
        layer = layers.TFSMLayer(request["directory"], call_endpoint=SIGNATURE, dtype=dtype)
        # The call of the layer itself takes one input alone.
        is_single = len(inputs) == 1
        found = layer(*inputs.values()) if is_single else layer.call_endpoint_fn(**inputs)
        values = [found[one["key"]].numpy() for one in request["fetches"]]
        return {
            "outputs": _same_each(expected, values),
            "trainable": len(layer.trainable_weights),
            "others": len(layer.non_trainable_weights),
        }

    def _taped(self, call: Any, expected: list[Array], steps: int) -> Json:
        """Take steps down the gradient; say what changed, and what the loss was."""
        place = _first_float(expected)
        trainable = [one for one in call.function.variables if one.trainable]
        if place is None or not trainable:
            return {"refused": "no float output" if place is None else "nothing is trainable"}
        target = _target(np.asarray(expected[place]))
        everything = list(call.function.variables)
        start = [one.numpy() for one in everything]

        def loss() -> Any:
            return self.tf.reduce_sum((call.tensors()[place] - target) ** 2)

        try:
            losses, idle = self._stepped_down(loss, trainable, steps)
        except Exception as error:  # noqa: BLE001 - TensorFlow's verdict, whatever it is
            said = " ".join(str(error).split())[:LONGEST]
            return {"refused": f"{type(error).__name__}: {said}"}
        changed = [
            one.name.partition(":")[0]
            for one, before in zip(everything, start)
            if not _same(before, one.numpy())
        ]
        return {"refused": "", "losses": losses, "idle": idle, "changed": changed}

    def _stepped_down(
        self, loss: Any, trainable: list[Any], steps: int
    ) -> tuple[list[float], list[str]]:
        losses: list[float] = []
        idle: list[str] = []
        for _ in range(steps):
            with self.tf.GradientTape() as tape:
                here = loss()
            gradients = tape.gradient(here, trainable)
            idle = [v.name.partition(":")[0] for v, g in zip(trainable, gradients) if g is None]
            pairs = [
                (v, self.tf.convert_to_tensor(g))
                for v, g in zip(trainable, gradients)
                if g is not None
            ]
            if not pairs:
                raise ValueError("no gradient")
            losses.append(float(here))
            norm = sum(float((g.numpy().astype(np.float64) ** 2).sum()) for _, g in pairs)
            step = FIRST_STEP * losses[-1] / norm if norm else 0.0
            before = [v.numpy() for v, _ in pairs]
            for _ in range(HALVINGS):
                for (v, g), value in zip(pairs, before):
                    v.assign(value - self.tf.cast(step, g.dtype) * g)
                if float(loss()) < losses[-1]:
                    break
                step /= 2
        return [*losses, float(loss())], idle


class _Call:
    """A signature with what it is called with."""

    def __init__(self, function: Any, inputs: Json, fetches: list[Json]) -> None:
        self.function = function
        self._inputs = inputs
        self._keys = [one["key"] for one in fetches]

    def tensors(self) -> list[Any]:
        """Return the outputs in the order of the fetches."""
        found = self.function(**self._inputs)
        return [found[key] for key in self._keys]

    def __call__(self) -> list[Array]:
        """Return their values."""
        return [one.numpy() for one in self.tensors()]


class _Library:
    """TensorFlow's C functions: what loads here is what servers load."""

    def __init__(self, tf: Any, config: Any) -> None:
        self._config = config
        folder = Path(tf.__file__).parent
        self._c = ctypes.CDLL(str(next(folder.glob("libtensorflow_cc.so*"))))
        for name in (
            "TF_NewStatus",
            "TF_NewSessionOptions",
            "TF_NewGraph",
            "TF_LoadSessionFromSavedModel",
            "TF_AllocateTensor",
            "TF_TensorData",
            "TF_GraphOperationByName",
        ):
            getattr(self._c, name).restype = ctypes.c_void_p
        self._c.TF_Message.restype = ctypes.c_char_p
        self._c.TF_TensorByteSize.restype = ctypes.c_size_t
        self._c.TF_Dim.restype = ctypes.c_int64
        self._tf = tf
        self._status = ctypes.c_void_p(self._c.TF_NewStatus())

    def run(self, directory: str, feeds: Json, names: list[str]) -> list[Array]:
        """Load a SavedModel that is tagged serve, and run it once."""
        graph = ctypes.c_void_p(self._c.TF_NewGraph())
        tags = (ctypes.c_char_p * 1)(b"serve")
        options = ctypes.c_void_p(self._c.TF_NewSessionOptions())
        config = self._config.SerializeToString()
        self._c.TF_SetConfig(options, config, ctypes.c_size_t(len(config)), self._status)
        self._check()
        session = self._c.TF_LoadSessionFromSavedModel(
            options, None, directory.encode(), tags, 1, graph, None, self._status
        )
        self._check()
        outputs = (_Output * len(names))(*(self._output(graph, name) for name in names))
        inputs = (_Output * len(feeds))(*(self._output(graph, name) for name in feeds))
        given = (ctypes.c_void_p * len(feeds))(*map(self._tensor, feeds.values()))
        found = (ctypes.c_void_p * len(names))()
        self._c.TF_SessionRun(
            ctypes.c_void_p(session), None,
            inputs, given, len(feeds),
            outputs, found, len(names),
            None, 0, None, self._status,
        )  # fmt: skip
        self._check()
        return [self._array(ctypes.c_void_p(one)) for one in found]

    def _check(self) -> None:
        if self._c.TF_GetCode(self._status):
            raise ValueError(self._c.TF_Message(self._status).decode())

    def _output(self, graph: Any, tensor: str) -> Any:
        name, _, number = tensor.partition(":")
        operation = self._c.TF_GraphOperationByName(graph, name.encode())
        if not operation:
            raise ValueError(f"no operation {name}")
        return _Output(operation, int(number or 0))

    def _tensor(self, value: Array) -> int:
        value = np.asarray(value)
        dims = (ctypes.c_int64 * value.ndim)(*value.shape)
        dtype = self._tf.as_dtype(value.dtype).as_datatype_enum
        made = self._c.TF_AllocateTensor(dtype, dims, value.ndim, ctypes.c_size_t(value.nbytes))
        data = self._c.TF_TensorData(ctypes.c_void_p(made))
        ctypes.memmove(data, np.ascontiguousarray(value).ctypes.data, value.nbytes)
        return int(made)

    def _array(self, tensor: Any) -> Array:
        shape = [self._c.TF_Dim(tensor, axis) for axis in range(self._c.TF_NumDims(tensor))]
        dtype = self._tf.as_dtype(self._c.TF_TensorType(tensor)).as_numpy_dtype
        size = self._c.TF_TensorByteSize(tensor)
        data = ctypes.string_at(self._c.TF_TensorData(tensor), size)
        return np.frombuffer(data, dtype).reshape(shape)


class _Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


def _first_float(values: list[Array]) -> int | None:
    for place, value in enumerate(map(np.asarray, values)):
        if value.dtype.kind == "f" and value.size:
            return place
    return None


def _target(value: Array) -> Array:
    random = np.random.RandomState(SEED)
    scale = float(np.abs(value.astype(np.float64)).mean()) or 1.0
    noise = np.asarray(scale * random.standard_normal(value.shape))
    made: Array = value + noise.astype(value.dtype)
    return made


def _same_each(expected: list[Array], found: list[Array]) -> list[bool]:
    return [_same(*pair) for pair in zip(expected, found)]


def _same(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return bool(np.array_equal(one, other))
    return bool(one.tobytes() == other.tobytes())
