"""Multi-head attention as a function of its weights."""

from __future__ import annotations

from .._C import Tensor
from .._functions.arguments import integer, truth
from ._arguments import tensor

__all__ = ["multi_head_attention_forward"]


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """nn.MultiheadAttention's forward with these weights: query (L, N, E), key and value (S, N, ...), or without N. NotImplementedError
    for ``static_k`` and ``static_v``."""
    from .functional import linear  # later: these use this module
    from .modules.attention import MultiheadAttention
    from .modules.module import Module

    op = "multi_head_attention_forward"
    for name, given in (("query", query), ("key", key), ("value", value)):
        tensor(op, given, name)
    for name, optional in (
        ("in_proj_weight", in_proj_weight), ("in_proj_bias", in_proj_bias), ("bias_k", bias_k), ("bias_v", bias_v),
        ("q_proj_weight", q_proj_weight), ("k_proj_weight", k_proj_weight), ("v_proj_weight", v_proj_weight),
    ):  # fmt: skip
        if optional is not None:
            tensor(op, optional, name)
    if static_k is not None or static_v is not None:
        raise NotImplementedError(f"[{op}] static_k and static_v are not supported; pass key and value")
    if (bias_k is None) is not (bias_v is None):
        raise AssertionError(f"[{op}] bias_k and bias_v go together; got one of them; pass both or none")
    add_zero_attn, use_separate_proj_weight = (
        truth(op, "add_zero_attn", add_zero_attn),
        truth(op, "use_separate_proj_weight", use_separate_proj_weight),
    )
    integer(op, "embed_dim_to_check", embed_dim_to_check), integer(op, "num_heads", num_heads)
    if not (query.ndim and key.ndim and value.ndim):
        raise AssertionError(
            f"[{op}] query, key and value have two or three dimensions; got a 0-d tensor; pass (L, N, E)"
        )
    if query.shape[-1:] != (embed_dim_to_check,) or not num_heads > 0 or embed_dim_to_check % num_heads:
        raise AssertionError(
            f"[{op}] query must have {embed_dim_to_check} features, divisible by num_heads {num_heads}; got shape {list(query.shape)}"
        )
    if use_separate_proj_weight:
        weights = {"q_proj_weight": q_proj_weight, "k_proj_weight": k_proj_weight, "v_proj_weight": v_proj_weight}
    else:
        weights = {"in_proj_weight": in_proj_weight}
    for name, weight in weights.items():
        if weight is None:
            raise AssertionError(
                f"[{op}] {name} must be given where use_separate_proj_weight={use_separate_proj_weight}"
            )
    layer = MultiheadAttention.__new__(MultiheadAttention)
    Module.__init__(layer)
    layer.__dict__.update(
        {"in_proj_weight": None, "q_proj_weight": None, "k_proj_weight": None, "v_proj_weight": None, **weights},
        in_proj_bias=in_proj_bias, bias_k=bias_k, bias_v=bias_v, add_zero_attn=add_zero_attn, dropout=dropout_p,
        embed_dim=embed_dim_to_check, kdim=key.shape[-1], vdim=value.shape[-1], num_heads=num_heads,
        head_dim=embed_dim_to_check // num_heads, batch_first=False, training=training,
        out_proj=lambda x: linear(x, out_proj_weight, out_proj_bias),
    )  # fmt: skip
    return layer.forward(query, key, value, key_padding_mask, need_weights, attn_mask, average_attn_weights, is_causal)
