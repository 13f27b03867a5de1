"""What TensorFlow leaves out for image resizing: how its gradient moves with the gradient that comes in.

Forward mode differentiates an operation's gradient in the incoming one. TensorFlow calls the gradient of bilinear
resizing not differentiable, so that metrics of decoders with such a layer would be 0 without a word; for the other
kinds it raises. Resizing is linear in the image: the derivative of its gradient is resizing itself.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops

__all__ = ["register_gradients"]


def register_gradients() -> None:
    """Registers them with TensorFlow, for the whole process."""
    # TensorFlow has no public way to replace the gradient of bilinear resizing by one that can be differentiated.
    registry = ops.gradient_registry._registry
    for name, gradient in _GRADIENTS.items():
        registry.pop(name, None)
        tf.RegisterGradient(name)(gradient)


def _bilinear(operation: Any, incoming: tf.Tensor) -> list[tf.Tensor | None]:
    """The gradient of bilinear resizing itself: what its own gradient would be given has no shapes left to use."""
    image, corners = operation.inputs[0], _corners(operation)

    @tf.custom_gradient
    def transpose(incoming: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def again(direction: tf.Tensor) -> tf.Tensor:
            return tf.raw_ops.ResizeBilinear(images=direction, size=tf.shape(incoming)[1:3], **corners)

        return tf.raw_ops.ResizeBilinearGrad(grads=incoming, original_image=image, **corners), again

    return [transpose(incoming), None]


def _nearest(operation: Any, direction: tf.Tensor) -> list[tf.Tensor | None]:
    incoming = operation.inputs[0]
    size = tf.shape(incoming)[1:3]
    return [tf.raw_ops.ResizeNearestNeighbor(images=direction, size=size, **_corners(operation)), None]


def _bicubic(operation: Any, direction: tf.Tensor) -> list[tf.Tensor | None]:
    incoming = operation.inputs[0]
    size = tf.shape(incoming)[1:3]
    return [tf.raw_ops.ResizeBicubic(images=direction, size=size, **_corners(operation)), None]


def _scale_and_translate(operation: Any, direction: tf.Tensor) -> list[tf.Tensor | None]:
    incoming, _, scale, translation = operation.inputs
    resized = tf.raw_ops.ScaleAndTranslate(
        images=direction,
        size=tf.shape(incoming)[1:3],
        scale=scale,
        translation=translation,
        kernel_type=operation.get_attr("kernel_type"),
        antialias=operation.get_attr("antialias"),
    )
    return [resized, None, None, None]


def _corners(operation: Any) -> dict[str, bool]:
    """Where an operation places the pixels."""
    return {name: operation.get_attr(name) for name in ("align_corners", "half_pixel_centers")}


_GRADIENTS = {
    "ResizeBilinear": _bilinear,
    "ResizeNearestNeighborGrad": _nearest,
    "ResizeBicubicGrad": _bicubic,
    "ScaleAndTranslateGrad": _scale_and_translate,
}
