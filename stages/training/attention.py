"""Attention as plain matrix products, for training on a processor.

There PyTorch's fused scaled-dot-product attention takes longer backwards than the matrix products
that it consists of. Here they are, a part of the queries at a time. Nothing of the size queries x
keys is kept for the way back where that would be large: it is computed again (Dao et al. 2022,
*FlashAttention*, section 3.1).
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

NAME = "matrix_products"
# Scores (heads x queries x keys) of a part at most; of one part alone the probabilities are kept.
SCORES = 1 << 22


class _Attention(torch.autograd.Function):
    """queries (b, groups, heads a group, n, d), already scaled; keys, values (b, groups, n, d);
    bias (b or 1, 1, n, n), added to the scores.
    """

    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor,
        causal: bool,
    ) -> torch.Tensor:  # fmt: skip
        out = torch.empty_like(query, memory_format=torch.contiguous_format)
        kept = None
        ctx.parts = parts(query, causal)
        for rows, seen in ctx.parts:
            kept = probabilities(query[..., rows, :], key[:, :, seen], bias[..., rows, seen])
            out[..., rows, :] = (kept @ value[:, :, seen]).view_as(out[..., rows, :])
        ctx.save_for_backward(query, key, value, bias, kept if len(ctx.parts) == 1 else None)
        return out

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, key, value, bias, kept = ctx.saved_tensors
        d_query = torch.empty_like(query, memory_format=torch.contiguous_format)
        # Sums over parts, in the type of long sums.
        d_key, d_value = (torch.zeros_like(one, dtype=torch.float32) for one in (key, value))
        for rows, seen in ctx.parts:
            part = query[..., rows, :]
            if kept is None:
                found = probabilities(part, key[:, :, seen], bias[..., rows, seen])
            else:
                found = kept
            d_out = given[0][..., rows, :].flatten(2, 3)
            d_value[:, :, seen] += found.mT @ d_out
            d_found = d_out @ value[:, :, seen].mT
            d_scores = torch._softmax_backward_data(d_found, found, -1, found.dtype)
            d_query[..., rows, :] = (d_scores @ key[:, :, seen]).view_as(part)
            d_key[:, :, seen] += d_scores.mT @ part.flatten(2, 3)
        return d_query, d_key.to(key.dtype), d_value.to(value.dtype), None, None


def parts(query: torch.Tensor, causal: bool) -> list[tuple[slice, slice]]:
    """(queries, keys that they may see): few enough queries that their scores are SCORES at most,
    but 64 at least.
    """
    groups, heads, n = query.shape[1:4]
    step = max(64, SCORES // (query.shape[0] * groups * heads * n))
    return [
        (slice(at, at + step), slice(at + step if causal else None)) for at in range(0, n, step)
    ]


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
    # With more keys than queries, from a cache, the keys' places are not the queries'.
    causal = bool(getattr(module, "is_causal", False)) and key.shape[2] == query.shape[2]
    out = _Attention.apply(split, key, value, attention_mask.to(query.dtype), causal)
    return out.flatten(1, 2).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, eager_mask)


def use(model: Any) -> None:
    """Let `model` attend so where it would attend by scaled dot products, without dropout."""
    config = model.config.get_text_config()
    if config._attn_implementation == "sdpa" and not getattr(config, "attention_dropout", 0):
        model.set_attn_implementation(NAME)
