"""A linear layer with its LoRA as one step of autograd, for training on a processor.

PEFT adds the adapter to the layer's output by four operations of their own, each with a node on the
way back and a tensor of the output's size: a third of a small model's time there is spent beside
the matrix products. The same sums (Hu et al. 2021, *LoRA*, equation 3), added in place.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from peft.tuners.lora import Linear


class _Adapted(torch.autograd.Function):
    """x (..., inputs) @ weight.T + bias + scale x @ a.T @ b.T; weight (outputs, inputs) and bias
    (outputs,) are frozen, a (rank, inputs) and b (outputs, rank) are not.
    """

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None,
        a: torch.Tensor, b: torch.Tensor, scale: float,
    ) -> torch.Tensor:  # fmt: skip
        rows = x.flatten(0, -2)
        down, up = a.to(x.dtype), b.to(x.dtype)
        low = rows @ down.mT
        out = torch.nn.functional.linear(rows, weight, bias).addmm_(low, up.mT, alpha=scale)
        ctx.save_for_backward(rows, weight, down, up, low)
        ctx.scale, ctx.types = scale, (a.dtype, b.dtype)
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, weight, down, up, low = ctx.saved_tensors
        d_out = given[0].flatten(0, -2)
        d_low = (d_out @ up).mul_(ctx.scale)
        d_a = (d_low.mT @ rows).to(ctx.types[0])
        d_b = (d_out.mT @ low).mul_(ctx.scale).to(ctx.types[1])
        d_x = None
        if ctx.needs_input_grad[0]:
            d_x = (d_out @ weight).addmm_(d_low, down).view(*given[0].shape[:-1], -1)
        return d_x, None, None, d_a, d_b, None


def _forward(layer: Linear, name: str, x: torch.Tensor) -> torch.Tensor:
    """What `layer` gives for x (..., inputs) while its one adapter, `name`, trains."""
    base = layer.base_layer
    if torch.is_autocast_enabled(x.device.type):
        x = x.to(torch.get_autocast_dtype(x.device.type))
    return _Adapted.apply(  # type: ignore[no-any-return]
        x, base.weight, base.bias, layer.lora_A[name].weight, layer.lora_B[name].weight,
        layer.scaling[name],
    )  # fmt: skip


def fuse(model: Any) -> int:
    """Let the layers of `model` with plain LoRA compute so; returns how many there are.

    Plain: one adapter on an ordinary linear layer, in use, not merged, without dropout and without
    a variant such as DoRA. The others stay PEFT's.
    """
    count = 0
    for layer in model.modules():
        if type(layer) is not Linear or type(layer.base_layer) is not torch.nn.Linear:
            continue
        name, *others = layer.lora_A
        plain = (
            not others
            and layer.active_adapters == [name]
            and not (layer.merged or layer.disable_adapters or layer.lora_variant)
            and isinstance(layer.lora_dropout[name], torch.nn.Identity)
            and not (layer.lora_A[name].bias is not None or layer.lora_B[name].bias is not None)
        )
        if plain:
            layer.forward = partial(_forward, layer, name)
            count += 1
    return count
