"""A small writer of ONNX graphs: every method appends nodes and returns the tensor it made.

Shapes are tracked, so that the graph's cost can be counted while it is written.
"""

import math
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
# Together these keep activations near one through every layer, whatever the image: with weights alone they either vanish
# or explode, because x * sigmoid(x) is not scale-free.
WEIGHT_GAIN = 1.4
BIAS_SPREAD = 0.8


@dataclass(frozen=True)
class Tensor:
    """A named value and its shape."""

    name: str
    shape: tuple


class Graph:
    """An ONNX graph being written, with weights drawn from one seeded generator."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights, self.inputs, self.outputs = [], [], [], []
        self.macs = 0
        self.parameters = 0

    # The frame of the graph

    def input(self, name, shape):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return Tensor(name, shape)

    def output(self, tensor, name):
        self.nodes.append(helper.make_node("Identity", [tensor.name], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, tensor.shape))

    def model(self, metadata):
        graph = helper.make_graph(self.nodes, "detector", self.inputs, self.outputs, self.weights)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, producer_name="moviola-benches", opset_imports=opsets, ir_version=8)
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        return model

    def constant(self, array):
        name = f"weight{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return Tensor(name, array.shape)

    def node(self, op, inputs, shape, **attributes):
        """Appends one node with one result."""
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [t.name for t in inputs], [name], name=name, **attributes))
        return Tensor(name, tuple(shape))

    # Layers

    def conv(self, x, cout, k, stride=1, gain=1.0, bias=None):
        """Weights of each filter sum to zero, so that features depend on the image's structure, not on its brightness.

        Biases are random too, unless one is given for all.
        """
        _, cin, h, w = x.shape
        fan_in = cin * k * k
        weight = self.random.standard_normal((cout, cin, k, k))
        weight -= weight.mean(axis=(1, 2, 3), keepdims=True)
        weight *= gain / math.sqrt(fan_in)
        shift = self.random.normal(0, BIAS_SPREAD, cout) if bias is None else np.full(cout, bias)
        h, w = h // stride, w // stride
        self.macs += cout * fan_in * h * w
        self.parameters += weight.size + cout
        inputs = [x, self.constant(weight.astype(np.float32)), self.constant(shift.astype(np.float32))]
        return self.node("Conv", inputs, (1, cout, h, w), kernel_shape=[k, k], strides=[stride] * 2, pads=[k // 2] * 4)

    def conv_silu(self, x, cout, k, stride=1, gain=WEIGHT_GAIN):
        y = self.conv(x, cout, k, stride, gain)
        return self.multiply(y, self.sigmoid(y))

    def max_pool(self, x, k):
        return self.node("MaxPool", [x], x.shape, kernel_shape=[k, k], strides=[1, 1], pads=[k // 2] * 4)

    def upsample(self, x):
        scales = self.constant(np.array([1, 1, 2, 2], dtype=np.float32))
        n, c, h, w = x.shape
        name = f"resize{len(self.nodes)}"
        self.nodes.append(helper.make_node("Resize", [x.name, "", scales.name], [name], name=name, mode="nearest",
                                           nearest_mode="floor", coordinate_transformation_mode="asymmetric"))
        return Tensor(name, (n, c, 2 * h, 2 * w))

    def weighted_sum(self, x, values):
        """The sum over axis 1 of x times values, as a 1x1 convolution."""
        weight = self.constant(values.reshape(1, -1, 1, 1))
        n, _, h, w = x.shape
        return self.node("Conv", [x, weight], (n, 1, h, w), kernel_shape=[1, 1])

    # Shapes and arithmetic

    def split(self, x, *sizes):
        """Cuts axis 1 into the given sizes; one size means equal parts of it."""
        if len(sizes) == 1:
            sizes = sizes * (x.shape[1] // sizes[0])
        lengths = self.constant(np.array(sizes, dtype=np.int64))
        names = [f"split{len(self.nodes)}_{i}" for i in range(len(sizes))]
        self.nodes.append(helper.make_node("Split", [x.name, lengths.name], names, axis=1))
        return [Tensor(name, (x.shape[0], size, *x.shape[2:])) for name, size in zip(names, sizes, strict=True)]

    def concat(self, parts, axis=1):
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        return self.node("Concat", parts, shape, axis=axis)

    def reshape(self, x, shape):
        known = math.prod(n for n in shape if n != -1)
        full = tuple(math.prod(x.shape) // known if n == -1 else n for n in shape)
        return self.node("Reshape", [x, self.constant(np.array(shape, dtype=np.int64))], full)

    def transpose(self, x, axes):
        return self.node("Transpose", [x], [x.shape[a] for a in axes], perm=list(axes))

    def softmax(self, x, axis):
        return self.node("Softmax", [x], x.shape, axis=axis)

    def sigmoid(self, x):
        return self.node("Sigmoid", [x], x.shape)

    def multiply(self, a, b):
        return self.node("Mul", [a, b], a.shape)

    def divide(self, a, number):
        return self.node("Div", [a, self.constant(np.array(number, dtype=np.float32))], a.shape)

    def add(self, a, b):
        return self.node("Add", [a, b], a.shape if len(a.shape) >= len(b.shape) else b.shape)

    def subtract(self, a, b):
        return self.node("Sub", [a, b], b.shape if len(b.shape) > len(a.shape) else a.shape)
