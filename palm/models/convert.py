"""TensorFlow Lite to ONNX, for the operators that MediaPipe's hand models are made of.

TensorFlow lays images out channels last, ONNX channels first: the graph is transposed once at its
input and once before whatever flattens an image. Weights stay in the half precision they were
published in. Formats: TensorFlow Lite `schema.fbs` version 3, ONNX operator set 17.
"""

# The flatbuffer reader types every part of a file as optional, and what is missing as 0.
# pyright: reportOptionalMemberAccess=false, reportArgumentType=false, reportGeneralTypeIssues=false

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import onnx
import tflite
from onnx import helper, numpy_helper

OPSET = 17
IR_VERSION = 8


class UnsupportedModel(ValueError):
    """The model has something in it that this converter does not know."""


def convert(model: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> onnx.ModelProto:
    """The model as ONNX, its inputs and outputs named anew in the order they have.

    Raises UnsupportedModel.
    """
    return _Converter(tflite.Model.GetRootAs(model, 0)).run(inputs, outputs)


_Options = TypeVar(
    "_Options",
    tflite.AddOptions,
    tflite.ConcatenationOptions,
    tflite.Conv2DOptions,
    tflite.DepthwiseConv2DOptions,
    tflite.FullyConnectedOptions,
    tflite.Pool2DOptions,
    tflite.ResizeBilinearOptions,
)

_OPERATORS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if name.isupper()}
_ELEMENTS = {
    tflite.TensorType.FLOAT32: np.dtype("<f4"),
    tflite.TensorType.FLOAT16: np.dtype("<f2"),
    tflite.TensorType.INT32: np.dtype("<i4"),
}
_CHANNELS_FIRST = (0, 3, 1, 2)
_CHANNELS_LAST = (0, 2, 3, 1)


class _Converter:
    """Walks the operators once, in the order TensorFlow Lite runs them."""

    def __init__(self, model: tflite.Model) -> None:
        self._model = model
        self._graph = model.Subgraphs(0)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, onnx.TensorProto] = {}
        self._half: dict[int, int] = {}
        """Single-precision tensors that are constants stored in half precision."""

    def run(self, inputs: Sequence[str], outputs: Sequence[str]) -> onnx.ModelProto:
        sources, sinks = self._graph.InputsAsNumpy(), self._graph.OutputsAsNumpy()
        for index, name in zip(sources, inputs, strict=True):
            self._add("Transpose", [name], self._name(index), perm=_CHANNELS_FIRST)
        for position in range(self._graph.OperatorsLength()):
            self._convert(self._graph.Operators(position))
        for index, name in zip(sinks, outputs, strict=True):
            self._add("Identity", [self._name(index)], name)
        graph = helper.make_graph(
            self._nodes,
            "mediapipe",
            [self._described(*each) for each in zip(sources, inputs, strict=True)],
            [self._described(*each) for each in zip(sinks, outputs, strict=True)],
            list(self._weights.values()),
        )
        opset = helper.make_opsetid("", OPSET)
        converted = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        onnx.checker.check_model(converted, full_check=True)
        return converted

    def _convert(self, operator: tflite.Operator) -> None:
        code = self._model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        kind = _OPERATORS[code]
        converters: dict[str, Callable[[tflite.Operator, list[int], int], None]] = {
            "ADD": self._sum,
            "CONCATENATION": self._concatenation,
            "CONV_2D": self._convolution,
            "DEPTHWISE_CONV_2D": self._depthwise_convolution,
            "DEQUANTIZE": self._dequantisation,
            "FULLY_CONNECTED": self._full_connection,
            "LOGISTIC": self._sigmoid,
            "MAX_POOL_2D": self._max_pooling,
            "MEAN": self._mean,
            "PAD": self._padding,
            "PRELU": self._prelu,
            "RESHAPE": self._reshaping,
            "RESIZE_BILINEAR": self._resizing,
        }
        if kind not in converters:
            raise UnsupportedModel(f"operator {kind} is not converted")
        converters[kind](operator, list(operator.InputsAsNumpy()), int(operator.Outputs(0)))

    # Tensors.

    def _name(self, index: int) -> str:
        return f"t{index}"

    def _shape(self, index: int) -> list[int]:
        return [int(side) for side in self._graph.Tensors(index).ShapeAsNumpy()]

    def _described(self, index: int, name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, self._shape(index))

    def _constant(self, index: int) -> npt.NDArray[np.generic]:
        tensor = self._graph.Tensors(index)
        data = self._model.Buffers(tensor.Buffer()).DataAsNumpy()
        if not isinstance(data, np.ndarray) or tensor.Type() not in _ELEMENTS:
            raise UnsupportedModel(f"tensor {index} is not a constant of a known type")
        return data.view(_ELEMENTS[tensor.Type()]).reshape(self._shape(index))

    def _weight(self, index: int, arranged: Callable[[np.ndarray], np.ndarray]) -> str:
        """A single-precision constant in ONNX's arrangement, half precision widened on loading."""
        name = self._name(index)
        if index not in self._half:
            return self._stored(name, arranged(self._constant(index)))
        half = f"{name}_half"
        if half not in self._weights:
            self._stored(half, arranged(self._constant(self._half[index])))
            self._add("Cast", [half], name, to=onnx.TensorProto.FLOAT)
        return name

    def _stored(self, name: str, values: np.ndarray) -> str:
        self._weights[name] = numpy_helper.from_array(np.asarray(values, order="C"), name)
        return name

    # Nodes.

    def _add(self, kind: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _activated(
        self, kind: str, inputs: Sequence[str], output: int, fused: int, **attributes: object
    ) -> None:
        """A node and the activation that TensorFlow Lite fuses with it."""
        name = self._name(output)
        if fused == tflite.ActivationFunctionType.NONE:
            self._add(kind, inputs, name, **attributes)
        elif fused == tflite.ActivationFunctionType.RELU6:
            bounds = [self._number(0.0), self._number(6.0)]
            self._add(
                "Clip", [self._add(kind, inputs, f"{name}_linear", **attributes), *bounds], name
            )
        else:
            raise UnsupportedModel(f"fused activation {fused} is not converted")

    def _number(self, value: float) -> str:
        return self._stored(f"number_{value:g}", np.array(value, np.float32))

    # Operators.

    def _sum(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        options = _options(operator, tflite.AddOptions())
        names = [self._name(each) for each in inputs]
        self._activated("Add", names, output, options.FusedActivationFunction())

    def _concatenation(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        axis = _options(operator, tflite.ConcatenationOptions()).Axis()
        if len(self._shape(output)) == 4:
            raise UnsupportedModel("images are not concatenated")
        self._add("Concat", [self._name(each) for each in inputs], self._name(output), axis=axis)

    def _convolution(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        options = _options(operator, tflite.Conv2DOptions())
        self._convolve(options, inputs, output, lambda kernel: kernel.transpose(0, 3, 1, 2))

    def _depthwise_convolution(
        self, operator: tflite.Operator, inputs: list[int], output: int
    ) -> None:
        options = _options(operator, tflite.DepthwiseConv2DOptions())
        channels = self._shape(inputs[0])[3]
        self._convolve(
            options, inputs, output, lambda kernel: kernel.transpose(3, 0, 1, 2), group=channels
        )

    def _convolve(
        self,
        options: tflite.Conv2DOptions | tflite.DepthwiseConv2DOptions,
        inputs: list[int],
        output: int,
        arranged: Callable[[np.ndarray], np.ndarray],
        group: int = 1,
    ) -> None:
        image, kernel, bias = inputs
        strides = [options.StrideH(), options.StrideW()]
        size = self._shape(kernel)[1:3]
        self._activated(
            "Conv",
            [self._name(image), self._weight(kernel, arranged), self._weight(bias, np.asarray)],
            output,
            options.FusedActivationFunction(),
            kernel_shape=size,
            strides=strides,
            pads=self._pads(image, size, strides, options.Padding()),
            group=group,
        )

    def _max_pooling(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        options = _options(operator, tflite.Pool2DOptions())
        size = [options.FilterHeight(), options.FilterWidth()]
        strides = [options.StrideH(), options.StrideW()]
        self._activated(
            "MaxPool",
            [self._name(inputs[0])],
            output,
            options.FusedActivationFunction(),
            kernel_shape=size,
            strides=strides,
            pads=self._pads(inputs[0], size, strides, options.Padding()),
        )

    def _pads(self, image: int, size: list[int], strides: list[int], padding: int) -> list[int]:
        """TensorFlow's SAME puts the odd pixel of padding at the bottom and the right."""
        if padding == tflite.Padding.VALID:
            return [0, 0, 0, 0]
        totals = [
            max((-(-extent // stride) - 1) * stride + kernel - extent, 0)
            for extent, kernel, stride in zip(self._shape(image)[1:3], size, strides, strict=True)
        ]
        before = [total // 2 for total in totals]
        return before + [total - half for total, half in zip(totals, before, strict=True)]

    def _dequantisation(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        self._half[output] = inputs[0]

    def _prelu(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        """Slope * x + (1 - slope) * relu(x), as two depthwise convolutions of one pixel.

        ONNX Runtime has no fast kernel for PRelu: this takes the palm detector from 22 ms to 13.
        """
        name, image = self._name(output), self._name(inputs[0])
        slope = self._weight(inputs[1], lambda slope: slope.reshape(-1, 1, 1, 1))
        rest = self._add("Sub", [self._number(1.0), slope], f"{name}_rest")
        channels = self._shape(output)[3]
        positive = self._add("Relu", [image], f"{name}_positive")
        terms = [
            self._add("Conv", [image, slope], f"{name}_scaled", group=channels),
            self._add("Conv", [positive, rest], f"{name}_kept", group=channels),
        ]
        self._add("Add", terms, name)

    def _padding(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        pads = self._constant(inputs[1])[list(_CHANNELS_FIRST)].T.reshape(-1).astype(np.int64)
        stored = self._stored(f"{self._name(output)}_pads", pads)
        self._add("Pad", [self._name(inputs[0]), stored], self._name(output))

    def _resizing(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        options = _options(operator, tflite.ResizeBilinearOptions())
        if options.AlignCorners() or not options.HalfPixelCenters():
            raise UnsupportedModel("only half-pixel resizing is converted")
        sizes = np.array(self._shape(output), np.int64)[list(_CHANNELS_FIRST)]
        stored = self._stored(f"{self._name(output)}_sizes", sizes)
        self._add(
            "Resize",
            [self._name(inputs[0]), "", "", stored],
            self._name(output),
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def _reshaping(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        name = self._name(output)
        image = self._add(
            "Transpose", [self._name(inputs[0])], f"{name}_image", perm=_CHANNELS_LAST
        )
        shape = self._stored(f"{name}_shape", np.array(self._shape(output), np.int64))
        self._add("Reshape", [image, shape], name)

    def _mean(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        if sorted(self._constant(inputs[1]).tolist()) != [1, 2]:
            raise UnsupportedModel("only the mean of an image is converted")
        name = self._name(output)
        pooled = self._add("GlobalAveragePool", [self._name(inputs[0])], f"{name}_pooled")
        self._add("Flatten", [pooled], name)

    def _full_connection(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        options = _options(operator, tflite.FullyConnectedOptions())
        values, matrix, bias = inputs
        self._activated(
            "Gemm",
            [self._name(values), self._weight(matrix, np.asarray), self._weight(bias, np.asarray)],
            output,
            options.FusedActivationFunction(),
            transB=1,
        )

    def _sigmoid(self, operator: tflite.Operator, inputs: list[int], output: int) -> None:
        self._add("Sigmoid", [self._name(inputs[0])], self._name(output))


def _options(operator: tflite.Operator, options: _Options) -> _Options:
    table = operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    return options
