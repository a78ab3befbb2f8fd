"""Attention as plain matrix products, for training on a processor.

There PyTorch's fused scaled-dot-product attention takes longer backwards than the matrix products
that it consists of. Here they are, a part of the queries at a time, each with those keys alone
that one of its queries sees: of rows that share a prefix, the prefix and their own. What is large
of the size queries x keys is not stored for the way back but computed again (Dao et al. 2022,
*FlashAttention*, section 3.1).
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

NAME = "matrix_products"
# Queries of a part.
QUERIES = 128
# Probabilities (batch x heads x queries x keys) of a layer stored for the way back, at most.
KEPT = 1 << 23

Parts = list[tuple[slice, torch.Tensor]]


class _Attention(torch.autograd.Function):
    """queries (b, groups, heads a group, n, d), already scaled; keys, values (b, groups, m, d);
    bias (b or 1, 1, n, m), added to the scores.
    """

    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        out = torch.empty_like(query, memory_format=torch.contiguous_format)
        ctx.parts = parts(bias)
        size = sum((rows.stop - rows.start) * len(seen) for rows, seen in ctx.parts)
        stores = size * query[..., 0, 0].numel() <= KEPT
        stored = []
        for rows, seen in ctx.parts:
            weights = probabilities(query[..., rows, :], key[:, :, seen], bias[..., rows, seen])
            out[..., rows, :] = (weights @ value[:, :, seen]).view_as(out[..., rows, :])
            if stores:
                stored.append(weights)
        ctx.save_for_backward(query, key, value, bias, *stored)
        return out

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, key, value, bias, *stored = ctx.saved_tensors
        d_query = torch.empty_like(query, memory_format=torch.contiguous_format)
        # Sums over parts, in the type of long sums.
        d_key, d_value = (torch.zeros_like(one, dtype=torch.float32) for one in (key, value))
        for number, (rows, seen) in enumerate(ctx.parts):
            part, keys = query[..., rows, :], key[:, :, seen]
            weights = stored[number] if stored else probabilities(part, keys, bias[..., rows, seen])
            d_out = given[0][..., rows, :].flatten(2, 3)
            d_value[:, :, seen] += weights.mT @ d_out
            d_weights = d_out @ value[:, :, seen].mT
            d_scores = torch._softmax_backward_data(d_weights, weights, -1, weights.dtype)
            d_query[..., rows, :] = (d_scores @ keys).view_as(part)
            d_key[:, :, seen] += d_scores.mT @ part.flatten(2, 3)
        return d_query, d_key.to(key.dtype), d_value.to(value.dtype), None


def parts(bias: torch.Tensor) -> Parts:
    """(queries, the keys that one of them sees), of all queries in turn. `bias` (b, 1, n, m) is the
    smallest number of its type where a key is not seen.
    """
    hidden = torch.finfo(bias.dtype).min
    pairs = []
    for at in range(0, bias.shape[2], QUERIES):
        rows = slice(at, min(at + QUERIES, bias.shape[2]))
        seen = (bias[:, 0, rows] > hidden).flatten(0, 1).any(0).nonzero()[:, 0]
        pairs.append((rows, seen))
    return pairs


def probabilities(query: torch.Tensor, key: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Softmax of the scores, shape (b, groups, heads a group x queries, keys)."""
    scores = query.flatten(2, 3) @ key.mT
    split = scores.view(*query.shape[:4], -1)
    split += bias[:, :, None]
    return torch.softmax(scores, -1)


def attention(
    module: torch.nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
    attention_mask: torch.Tensor, scaling: float, **more: Any,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    """What transformers calls: query (b, heads, n, d), key and value (b, groups, n, d), a mask that
    is added. Returns (b, n, heads, d).
    """
    if more.get("dropout") or more.get("softcap"):
        raise ValueError(f"attention {NAME} knows no dropout and no softcap")
    split = (query * scaling).unflatten(1, (key.shape[1], -1))
    out = _Attention.apply(split, key, value, attention_mask.to(query.dtype))
    return out.flatten(1, 2).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, eager_mask)


def use(model: Any) -> None:
    """Let `model` attend so where it would attend by scaled dot products, without dropout."""
    config = model.config.get_text_config()
    if config._attn_implementation == "sdpa" and not getattr(config, "attention_dropout", 0):
        model.set_attn_implementation(NAME)
