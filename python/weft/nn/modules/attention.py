"""Attention with several heads and the layers of a transformer (Vaswani et al., 2017)."""

import copy

from ... import _C, _ops
from ... import _factories as factories
from ..._functions import cat
from .. import functional as F
from .. import init
from .._arguments import flag, number, size, tensor
from ..parameter import Parameter
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm


def _additive(op, name, mask, dtype):
    """A mask as numbers that are added to scores: minus infinity where a bool says that a position is hidden."""
    if mask.dtype is _C.bool:
        return _ops.where(mask, float("-inf"), _C.full((), 0.0, dtype, mask.device))
    if not mask.dtype.is_floating_point:
        raise AssertionError(f"[{op}] {name} must be of dtype bool or floating-point; got {mask.dtype}; use .bool()")
    return mask


class MultiheadAttention(Module):
    """Attention of ``num_heads`` heads, each over embed_dim / num_heads features; query (L, N, E), key (S, N, kdim), value (S, N, vdim),
    (N, L, E) etc. with ``batch_first``, or without N. In a bool mask True hides a position; numbers are added to the scores."""

    def __init__(
        self,
        embed_dim,
        num_heads,
        dropout=0.0,
        bias=True,
        add_bias_kv=False,
        add_zero_attn=False,
        kdim=None,
        vdim=None,
        batch_first=False,
        device=None,
        dtype=None,
    ):
        super().__init__()
        op = "MultiheadAttention"
        embed_dim, num_heads = size(op, "embed_dim", embed_dim), size(op, "num_heads", num_heads)
        if embed_dim == 0 or num_heads == 0:
            raise ValueError(
                f"[MultiheadAttention] embed_dim and num_heads must be greater than 0; got {embed_dim} and {num_heads}"
            )
        if embed_dim % num_heads:
            raise AssertionError(
                f"[MultiheadAttention] embed_dim must be divisible by num_heads; got {embed_dim} and {num_heads}"
            )
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else size(op, "kdim", kdim)
        self.vdim = embed_dim if vdim is None else size(op, "vdim", vdim)
        self.num_heads = num_heads
        self.dropout = number(op, "dropout", dropout)
        self.batch_first = flag(op, "batch_first", batch_first)
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn

        def parameter(*shape):
            return Parameter(factories.empty(*shape, dtype=dtype, device=device))

        one_size = self.kdim == embed_dim and self.vdim == embed_dim
        if one_size:
            self.in_proj_weight = parameter(3 * embed_dim, embed_dim)
        else:
            self.q_proj_weight = parameter(embed_dim, embed_dim)
            self.k_proj_weight = parameter(embed_dim, self.kdim)
            self.v_proj_weight = parameter(embed_dim, self.vdim)
        for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight") if one_size else ("in_proj_weight",):
            self.register_parameter(name, None)
        bias = flag(op, "bias", bias)
        self.register_parameter("in_proj_bias", parameter(3 * embed_dim) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        add_bias_kv = flag(op, "add_bias_kv", add_bias_kv)
        self.bias_k = parameter(1, 1, embed_dim) if add_bias_kv else None
        self.bias_v = parameter(1, 1, embed_dim) if add_bias_kv else None
        self._reset_parameters()

    def _reset_parameters(self):
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def _projected(self, query, key, value):
        if self.in_proj_weight is None:
            weights = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        else:
            weights = self.in_proj_weight.chunk(3)
        biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        return [F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases)]

    def _check(self, query, key, value):
        for given in (query, key, value):
            tensor("MultiheadAttention", given)
        if query.ndim not in (2, 3) or key.ndim != query.ndim or value.ndim != query.ndim:
            shapes = ", ".join(str(list(t.shape)) for t in (query, key, value))
            raise AssertionError(
                f"[MultiheadAttention] query, key and value must all have 3 dimensions, or 2 without a batch; got {shapes}"
            )
        sizes = (self.embed_dim, self.kdim, self.vdim)
        if (query.shape[-1], key.shape[-1], value.shape[-1]) != sizes or key.shape[:-1] != value.shape[:-1]:
            shapes = ", ".join(str(list(t.shape)) for t in (query, key, value))
            raise AssertionError(
                f"[MultiheadAttention] query, key and value must have last sizes {sizes}, and key and value one length; "
                f"got {shapes}"
            )

    def _mask(self, attn_mask, key_padding_mask, batch, length, keys, dtype):
        """Both masks as one that is added to scores (N, heads, L, S), or None."""
        mask = None
        for given in (attn_mask, key_padding_mask):
            if given is not None:
                tensor("MultiheadAttention", given)
        if attn_mask is not None:
            mask = _additive("MultiheadAttention", "attn_mask", attn_mask, dtype)
            if mask.shape == (batch * self.num_heads, length, keys):
                mask = mask.reshape(batch, self.num_heads, length, keys)
            elif mask.shape != (length, keys):
                raise RuntimeError(
                    f"[MultiheadAttention] attn_mask must have shape {[length, keys]} or "
                    f"{[batch * self.num_heads, length, keys]}; got {list(mask.shape)}"
                )
        if key_padding_mask is not None:
            padding = _additive("MultiheadAttention", "key_padding_mask", key_padding_mask, dtype)
            if padding.numel() != batch * keys or padding.shape[-1] != keys:
                raise AssertionError(
                    f"[MultiheadAttention] key_padding_mask must have shape {[batch, keys]}; got {list(padding.shape)}"
                )
            padding = padding.reshape(batch, 1, 1, keys)
            mask = padding if mask is None else mask + padding
        return mask

    def forward(
        self,
        query,
        key,
        value,
        key_padding_mask=None,
        need_weights=True,
        attn_mask=None,
        average_attn_weights=True,
        is_causal=False,
    ):
        """The result, of the query's shape, and with ``need_weights`` the weights (N, L, S), or (N, heads, L, S) if they are not
        averaged; else None. key_padding_mask is (N, S), attn_mask (L, S) or (N · heads, L, S). ``is_causal`` says that attn_mask is the
        causal one, which must be given."""
        self._check(query, key, value)
        if is_causal and attn_mask is None:
            raise RuntimeError("[MultiheadAttention] is_causal is a hint about attn_mask; got no mask; pass attn_mask")
        batched, batch_dim = query.ndim == 3, 0 if self.batch_first else 1
        q, k, v = self._projected(query, key, value)
        if not batched:
            q, k, v = (t.unsqueeze(batch_dim) for t in (q, k, v))
        if not self.batch_first:
            q, k, v = (t.transpose(0, 1) for t in (q, k, v))
        batch, length, _ = q.shape
        mask = self._mask(attn_mask, key_padding_mask, batch, length, k.shape[1], q.dtype)
        extra = []
        if self.bias_k is not None:
            extra.append((self.bias_k.expand(batch, 1, -1), self.bias_v.expand(batch, 1, -1)))
        if self.add_zero_attn:
            zero = _C.full((batch, 1, self.embed_dim), 0.0, k.dtype, k.device)
            extra.append((zero, zero))
        if extra:
            k, v = (cat([t, *rows], 1) for t, rows in zip((k, v), zip(*extra)))
            mask = None if mask is None else F.pad(mask, (0, len(extra)))
        q, k, v = (t.reshape(batch, -1, self.num_heads, self.head_dim).transpose(1, 2) for t in (q, k, v))
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = (q * self.head_dim**-0.5) @ k.transpose(-1, -2)
            weights = F.softmax(scores if mask is None else scores + mask, -1)
            weights = F.dropout(weights, dropout)
            result = weights @ v
            weights = weights.mean(1) if average_attn_weights else weights
        else:
            result = F.scaled_dot_product_attention(q, k, v, mask, dropout)
        result = self.out_proj(result.transpose(1, 2).reshape(batch, length, self.embed_dim))
        if not batched:
            return result.squeeze(0), None if weights is None else weights.squeeze(0)
        return result if self.batch_first else result.transpose(0, 1), weights


def _activation(activation):
    if callable(activation):
        return activation
    if not isinstance(activation, str) or activation not in ("relu", "gelu"):
        raise RuntimeError(f"[Transformer] activation must be 'relu', 'gelu' or a function; got {activation!r}")
    return getattr(F, activation)


class _Layer(Module):
    """What layers of encoder and decoder share; PyTorch's names and order of parameters."""

    def __init__(
        self, parts, d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, kind
    ):
        super().__init__()
        for name in ("self_attn", "multihead_attn")[: parts - 1]:
            self.add_module(name, MultiheadAttention(d_model, nhead, dropout, batch_first=batch_first, **kind))
        self.linear1 = Linear(d_model, dim_feedforward, **kind)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **kind)
        self.norm_first = flag("Transformer", "norm_first", norm_first)
        for i in range(parts):
            self.add_module(f"norm{i + 1}", LayerNorm(d_model, layer_norm_eps, **kind))
        for i in range(parts):
            self.add_module(f"dropout{i + 1}", Dropout(dropout))
        self.activation = _activation(activation)

    def _feed_forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))

    def _in_turn(self, x, parts):
        """Each part with its dropout, residual connection and norm."""
        for i, part in enumerate(parts, 1):
            norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
            x = x + dropout(part(norm(x))) if self.norm_first else norm(x + dropout(part(x)))
        return x


class TransformerEncoderLayer(_Layer):
    """Self-attention and a feed-forward network, each with dropout, a residual connection and a norm."""

    def __init__(
        self,
        d_model,
        nhead,
        dim_feedforward=2048,
        dropout=0.1,
        activation=F.relu,
        layer_norm_eps=1e-5,
        batch_first=False,
        norm_first=False,
        bias=True,
        device=None,
        dtype=None,
    ):
        kind = {"bias": bias, "device": device, "dtype": dtype}
        super().__init__(
            2, d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, kind
        )

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        def attend(x):
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]

        return self._in_turn(src, (attend, self._feed_forward))


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the encoder's result and a feed-forward network, each with dropout, a residual connection and a norm."""

    def __init__(
        self,
        d_model,
        nhead,
        dim_feedforward=2048,
        dropout=0.1,
        activation=F.relu,
        layer_norm_eps=1e-5,
        batch_first=False,
        norm_first=False,
        bias=True,
        device=None,
        dtype=None,
    ):
        kind = {"bias": bias, "device": device, "dtype": dtype}
        super().__init__(
            3, d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, kind
        )

    def forward(
        self,
        tgt,
        memory,
        tgt_mask=None,
        memory_mask=None,
        tgt_key_padding_mask=None,
        memory_key_padding_mask=None,
        tgt_is_causal=False,
        memory_is_causal=False,
    ):
        def attend(x):
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def attend_to_memory(x):
            masks = (memory_key_padding_mask, False, memory_mask)
            return self.multihead_attn(x, memory, memory, *masks, is_causal=memory_is_causal)[0]

        return self._in_turn(tgt, (attend, attend_to_memory, self._feed_forward))


def _copies(layer, count):
    count = size("Transformer", "num_layers", count)
    if not isinstance(layer, Module):
        raise TypeError(f"[Transformer] the layer must be a Module; got {type(layer).__name__}")
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class TransformerEncoder(Module):
    """``num_layers`` copies of a layer, one after the other. ``enable_nested_tensor`` and ``mask_check`` have no effect."""

    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True, mask_check=True):
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, bool(is_causal))
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """``num_layers`` copies of a layer, one after the other."""

    def __init__(self, decoder_layer, num_layers, norm=None):
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt,
        memory,
        tgt_mask=None,
        memory_mask=None,
        tgt_key_padding_mask=None,
        memory_key_padding_mask=None,
        tgt_is_causal=None,
        memory_is_causal=False,
    ):
        paddings = (tgt_key_padding_mask, memory_key_padding_mask)
        for layer in self.layers:
            tgt = layer(tgt, memory, tgt_mask, memory_mask, *paddings, bool(tgt_is_causal), memory_is_causal)
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """Encoder and decoder; src (S, N, E), tgt (T, N, E), (N, S, E) and (N, T, E) with ``batch_first``, or without N."""

    def __init__(
        self,
        d_model=512,
        nhead=8,
        num_encoder_layers=6,
        num_decoder_layers=6,
        dim_feedforward=2048,
        dropout=0.1,
        activation=F.relu,
        custom_encoder=None,
        custom_decoder=None,
        layer_norm_eps=1e-5,
        batch_first=False,
        norm_first=False,
        bias=True,
        device=None,
        dtype=None,
    ):
        super().__init__()
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first)
        kind = {"bias": bias, "device": device, "dtype": dtype}
        self.encoder = custom_encoder
        if custom_encoder is None:
            layer = TransformerEncoderLayer(*sizes, **kind)
            self.encoder = TransformerEncoder(layer, num_encoder_layers, LayerNorm(d_model, layer_norm_eps, **kind))
        self.decoder = custom_decoder
        if custom_decoder is None:
            layer = TransformerDecoderLayer(*sizes, **kind)
            self.decoder = TransformerDecoder(layer, num_decoder_layers, LayerNorm(d_model, layer_norm_eps, **kind))
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    @staticmethod
    def generate_square_subsequent_mask(sz, device=None, dtype=None):
        """(sz, sz), minus infinity above the diagonal, which hides what comes later, else 0."""
        rows = _C.arange(0, sz, 1, _C.int64, device)
        zero = _C.full((), 0.0, dtype or _C.default_dtype(), device)
        return _ops.where(rows > rows.unsqueeze(1), float("-inf"), zero)

    def forward(
        self,
        src,
        tgt,
        src_mask=None,
        tgt_mask=None,
        memory_mask=None,
        src_key_padding_mask=None,
        tgt_key_padding_mask=None,
        memory_key_padding_mask=None,
        src_is_causal=None,
        tgt_is_causal=None,
        memory_is_causal=False,
    ):
        for given in (src, tgt):
            tensor("Transformer", given)
        batch_dim = 0 if self.batch_first else 1
        if src.ndim == 3 and tgt.ndim == 3 and src.shape[batch_dim] != tgt.shape[batch_dim]:
            raise RuntimeError(
                f"[Transformer] src and tgt must have one batch size; got {list(src.shape)} and {list(tgt.shape)}"
            )
        if src.shape[-1:] != (self.d_model,) or tgt.shape[-1:] != (self.d_model,):
            raise RuntimeError(
                f"[Transformer] the last sizes of src and tgt must be d_model={self.d_model}; got {list(src.shape)} and "
                f"{list(tgt.shape)}"
            )
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        paddings = (tgt_key_padding_mask, memory_key_padding_mask)
        return self.decoder(tgt, memory, tgt_mask, memory_mask, *paddings, tgt_is_causal, memory_is_causal)
