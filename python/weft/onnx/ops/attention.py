"""Attention."""

import math

import weft

from ..table import operator
from ..values import dtype_of


def _heads(x, count):
    return x.reshape(x.shape[0], x.shape[1], count, x.shape[2] // count).transpose(1, 2)


def _bias(q, k, mask, is_causal, offset, left, right):
    """What is added to the scores, of the queries' dtype, or None: -inf where a query does not see a key.

    ``offset``: the position of the first query among the keys: a number, or (batch, 1, 1, 1).
    """
    rows, columns = q.shape[2], k.shape[2]
    allowed = None
    if is_causal or left >= 0 or right >= 0:
        ahead = weft.arange(columns) - weft.arange(rows).unsqueeze(1) - offset  # of the query
        allowed = ahead <= (0 if is_causal else columns)
        if left >= 0:
            allowed = allowed & (ahead >= -left)
        if right >= 0:
            allowed = allowed & (ahead <= right)
    if mask is None:
        return allowed
    if mask.shape[-1] < columns:
        lacking = columns - mask.shape[-1]
        value = False if mask.dtype is weft.bool else float("-inf")
        mask = weft.cat([mask, weft.full((*mask.shape[:-1], lacking), value, dtype=mask.dtype)], -1)
    if allowed is None:
        return mask
    if mask.dtype is weft.bool:
        return mask & allowed
    return weft.where(allowed, mask, float("-inf"))


def _softmax(scores):
    """Of a row of -inf alone zeros."""
    weights = weft.softmax(scores, -1)
    masked = weft.amax(scores, -1, True) == float("-inf")
    return weft.where(masked, weft.zeros_like(weights), weights)


@operator("Attention", 23, 24, 25)
def attention(
    q, k, v, attn_mask=None, past_key=None, past_value=None, nonpad_kv_seqlen=None, *, outputs, is_causal=0, kv_num_heads=None,
    left_window_size=-1, q_num_heads=None, qk_matmul_output_mode=0, right_window_size=-1, scale=None, softcap=0.0, softmax_precision=None,
):  # fmt: skip
    """(y, keys, values, scores). Masked rows are zeros."""
    flat = q.ndim == 3
    if flat:
        if not q_num_heads or not kv_num_heads:
            raise ValueError("inputs of three axes need q_num_heads and kv_num_heads")
        q, k, v = _heads(q, q_num_heads), _heads(k, kv_num_heads), _heads(v, kv_num_heads)
    if past_key is not None:
        k, v = weft.cat([past_key, k], 2), weft.cat([past_value, v], 2)
    present = k, v
    offset = 0 if past_key is None else past_key.shape[2]
    if nonpad_kv_seqlen is not None:
        offset = (nonpad_kv_seqlen.to(weft.int64) - q.shape[2]).reshape(-1, 1, 1, 1)
    bias = _bias(q, k, attn_mask, is_causal, offset, left_window_size, right_window_size)
    if nonpad_kv_seqlen is not None:
        there = weft.arange(k.shape[2]) < nonpad_kv_seqlen.to(weft.int64).reshape(-1, 1, 1, 1)
        bias = (
            there
            if bias is None
            else there & bias
            if bias.dtype is weft.bool
            else weft.where(there, bias, float("-inf"))
        )
    groups = q.shape[1] // k.shape[1]
    if groups > 1:
        k, v = weft.repeat_interleave(k, groups, 1), weft.repeat_interleave(v, groups, 1)
    scale = 1 / math.sqrt(q.shape[3]) if scale is None else scale
    root = math.sqrt(scale)
    scores = weft.matmul(q * root, k.transpose(2, 3) * root)
    kept = scores
    if softcap > 0:
        scores = weft.tanh(scores / softcap) * softcap
        kept = scores if qk_matmul_output_mode == 1 else kept
    if bias is not None:
        if bias.dtype is weft.bool:
            scores = weft.where(bias, scores, float("-inf"))
        else:
            scores = scores + bias.to(scores.dtype)
    if qk_matmul_output_mode == 2:
        kept = scores
    precise = scores if softmax_precision is None else scores.to(dtype_of(softmax_precision, "softmax_precision"))
    weights = _softmax(precise).to(q.dtype)
    if qk_matmul_output_mode == 3:
        kept = weights
    y = weft.matmul(weights, v)
    if flat:
        y = y.transpose(1, 2).reshape(y.shape[0], y.shape[2], -1)
    return (y, *present, kept)[:outputs]


@operator("RotaryEmbedding", 23)
def rotary_embedding(
    x, cos_cache, sin_cache, position_ids=None, *, interleaved=0, num_heads=None, rotary_embedding_dim=0
):
    flat = x.ndim == 3
    y = _heads(x, num_heads) if flat else x  # (batch, heads, steps, size)
    width = rotary_embedding_dim or y.shape[3]
    cos = cos_cache if position_ids is None else cos_cache[position_ids]
    sin = sin_cache if position_ids is None else sin_cache[position_ids]
    cos, sin = cos.unsqueeze(1)[..., : width // 2], sin.unsqueeze(1)[..., : width // 2]
    turned, rest = y[..., :width], y[..., width:]
    if interleaved:
        a, b = turned[..., 0::2], turned[..., 1::2]
    else:
        a, b = turned[..., : width // 2], turned[..., width // 2 :]
    real, imaginary = cos * a - sin * b, sin * a + cos * b
    if interleaved:
        turned = weft.stack([real, imaginary], -1).reshape(turned.shape)
    else:
        turned = weft.cat([real, imaginary], -1)
    y = weft.cat([turned, rest], -1) if rest.shape[-1] else turned
    return y.transpose(1, 2).reshape(x.shape) if flat else y
