"""Prefill = decode = training forward: the logits of a token have the same bits however a sequence is cut into calls."""

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft import nn
from weft.nn import functional as F

TOKENS, VOCABULARY, WIDTH, HEADS = 64, 50, 48, 3


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x, mask=None, past=None, place=None):
        """`past`: keys and values of the tokens before, to which these are appended; with `place` memory for those of all tokens, into
        which they are written from there on. Returns them with the result."""
        batch, length, _ = x.shape
        parts = self.qkv(self.norm1(x)).split(WIDTH, dim=2)
        q, k, v = (part.view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2) for part in parts)
        if place is not None:
            for memory, new in zip(past, (k, v)):
                memory[:, :, place : place + length] = new
            k, v = past
        elif past is not None:
            k, v = (weft.cat([old, new], 2) for old, new in zip(past, (k, v)))
        y = F.scaled_dot_product_attention(q, k, v, mask, is_causal=mask is None)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.down(F.gelu(self.up(self.norm2(x)))), (k, v)


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(TOKENS, WIDTH)
        self.blocks = nn.ModuleList([Block() for _ in range(2)])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, indices, positions, mask=None, past=(None, None), place=None):
        x, kept = self.tokens(indices) + self.positions(positions), []
        for block, before in zip(self.blocks, past):
            x, now = block(x, mask, before, place)
            kept.append(now)
        return self.head(self.norm(x)), kept


def seen(first, end, keys):
    """Of the tokens from first to end, of so many keys."""
    return weft.arange(keys) <= weft.arange(first, end).unsqueeze(1)


def training_forward(model, indices):
    """The logits within a training step."""
    logits, _ = model(indices, weft.arange(TOKENS))
    F.cross_entropy(logits[:, :-1].reshape(-1, VOCABULARY).float(), indices[:, 1:].reshape(-1)).backward()
    return logits.detach()


def appended(run, indices, sizes):
    """Chunks of these sizes, whose keys and values are appended to those before."""
    end, past, logits = 0, (None, None), []
    for size in sizes:
        first, end = end, end + size
        mask = seen(first, end, end) if past[0] is not None else None
        part, past = run(indices[:, first:end], weft.arange(first, end), mask, past)
        logits.append(part)
    return weft.cat(logits, 1)


def written(run, indices, sizes, dtype):
    """Chunks whose keys and values are written into memory for those of all tokens."""
    memory = lambda: weft.zeros(indices.shape[0], HEADS, TOKENS, WIDTH // HEADS, dtype=dtype)
    end, past, logits = 0, [(memory(), memory()) for _ in range(2)], []
    for size in sizes:
        first, end = end, end + size
        part, past = run(indices[:, first:end], weft.arange(first, end), seen(first, end, TOKENS), past, first)
        logits.append(part)
    return weft.cat(logits, 1)


def padded(run, indices, lengths):
    """The first tokens of each sequence, one length each, behind padding up to the longest."""
    most = max(lengths)
    rows = [weft.cat([weft.full((most - n,), 7), row[:n]]) for row, n in zip(indices, lengths)]
    gaps = weft.tensor([most - n for n in lengths]).unsqueeze(1)
    positions = weft.clamp(weft.arange(most) - gaps, min=0)
    mask = seen(0, most, most) & (weft.arange(most) >= gaps).unsqueeze(1)
    logits, _ = run(weft.stack(rows), positions, mask.unsqueeze(1))
    return [row[most - n :] for row, n in zip(logits, lengths)]


def chunks(least):
    sizes = []
    while (left := TOKENS - sum(sizes)) > 0:
        size = numpy.random.randint(least, 3 * least + 9)
        sizes.append(left if left - size < least else size)
    return sizes


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", [weft.float32, weft.bfloat16], ids=str)
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_four_ways(compiled, dtype, threads):
    model = GPT().to(dtype)
    indices = weft.from_numpy(numpy.random.randint(0, VOCABULARY, (3, TOKENS)))
    before = weft.get_num_threads()
    weft.set_num_threads(threads)
    try:
        wrap = weft.compile if compiled else lambda f: f
        whole = wrap(lambda indices: training_forward(model, indices))(indices)
        run = wrap(model.forward)
        with weft.no_grad():
            assert_same_bits(run(indices, weft.arange(TOKENS))[0], whole)
            assert_same_bits(appended(run, indices, [1] * TOKENS), whole)
            assert_same_bits(written(run, indices, [1] * TOKENS, dtype), whole)
            assert_same_bits(appended(run, indices[1:2], [1] * TOKENS), whole[1:2])
            sizes = chunks(1)
            assert_same_bits(appended(run, indices, sizes), whole)
            assert_same_bits(written(run, indices, sizes, dtype), whole)
            lengths = [TOKENS, 41, 17]
            for part, n, expected in zip(padded(run, indices, lengths), lengths, whole):
                assert_same_bits(part, expected[:n])
    finally:
        weft.set_num_threads(before)
