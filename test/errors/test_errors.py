"""The message a user sees: one case each. `[op] what is wrong; what was given; how to mend it`, in PyTorch's class."""

import copy
import io

import numpy
import pytest
import weft
from weft import nn

F = nn.functional
x23, x45, i3 = weft.zeros(2, 3), weft.zeros(4, 5), weft.tensor([0, 1, 2])
z23 = x23.to(weft.complex64)


def read_only():
    a = numpy.ones(2, "float32")
    a.flags.writeable = False
    return weft.from_numpy(a)


def leaf_in_place():
    x = weft.ones(2, requires_grad=True)
    x.add_(1)


def backward_twice():
    x = weft.ones(2, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    y.backward()


def overwritten():
    x = weft.ones(2, requires_grad=True)
    y = x.exp()
    y.add_(1)
    y.sum().backward()


def double_assignment():
    x = weft.zeros(3, dtype=weft.int64)
    x.add_(0.5)


# (name, what the user does, the class, what the message holds)
CASES = [
    ("add shapes", lambda: x23 + x45, RuntimeError, ["[add]", "[2, 3]", "[4, 5]"]),
    ("matmul shapes", lambda: x23 @ x45, RuntimeError, ["[matmul]", "[2, 3]", "[4, 5]"]),
    ("matmul dtypes", lambda: x23 @ weft.zeros(3, 2, dtype=weft.float64), RuntimeError, ["[matmul]", "float64"]),
    ("linear shapes", lambda: nn.Linear(4, 5)(x23), RuntimeError, ["[linear]", "[2, 3]", "[5, 4]"]),
    ("mm needs matrices", lambda: weft.mm(i3, i3), RuntimeError, ["[mm]", "matmul"]),
    ("reshape count", lambda: x23.reshape(4), RuntimeError, ["[reshape]", "[4]", "6"]),
    ("view strides", lambda: x23.T.view(6), RuntimeError, ["[view]", "reshape"]),
    ("view two unknown", lambda: x23.view(-1, -1), RuntimeError, ["[view]", "only one"]),
    ("permute twice", lambda: x23.permute(0, 0), RuntimeError, ["[permute]"]),
    ("permute out of range", lambda: x23.permute(0, 2), IndexError, ["[permute]", "2"]),
    ("transpose out of range", lambda: x23.transpose(0, 5), IndexError, ["[transpose]", "5"]),
    ("expand shape", lambda: x23.expand(2, 4), RuntimeError, ["[expand]", "[2, 3]", "4"]),
    ("squeeze range", lambda: x23.squeeze(3), IndexError, ["[squeeze]"]),
    ("cat shapes", lambda: weft.cat([x23, x45]), RuntimeError, ["[cat]", "[4, 5]"]),
    ("cat nothing", lambda: weft.cat([]), ValueError, ["[cat]"]),
    ("stack shapes", lambda: weft.stack([x23, x45]), RuntimeError, ["[stack]", "[4, 5]"]),
    ("sum axis", lambda: x23.sum(2), IndexError, ["[sum]", "2", "[2, 3]"]),
    ("sum axis twice", lambda: x23.sum((0, 0)), RuntimeError, ["[sum]"]),
    ("mean of integers", lambda: i3.mean(), RuntimeError, ["[mean]", "int64"]),
    ("max of nothing", lambda: weft.zeros(0).max(), IndexError, ["[max]"]),
    ("cumsum axis", lambda: x23.cumsum(2), IndexError, ["[cumsum]", "2", "[2, 3]"]),
    ("cumsum in bools", lambda: x23.cumsum(0, dtype=weft.bool), RuntimeError, ["[cumsum]", "bool", "int64"]),
    ("logcumsumexp of integers", lambda: i3.logcumsumexp(0), RuntimeError, ["[logcumsumexp]", "int64"]),
    ("scatter nothing", lambda: x23.scatter(0, i3[None]), TypeError, ["[scatter]", "src or value"]),
    ("scatter_reduce", lambda: x23.scatter_reduce(0, i3[None], x23, "max"), RuntimeError, ["[scatter_reduce]", "amax"]),
    ("index_add source", lambda: x23.index_add(0, i3[:1], x45), RuntimeError, ["[index_add]", "[1, 3]", "[4, 5]"]),
    ("masked_scatter mask", lambda: x23.masked_scatter(x23, x23), RuntimeError, ["[masked_scatter]", "bool"]),
    ("kthvalue", lambda: x23.kthvalue(4), RuntimeError, ["[kthvalue]", "4", "[1, 3]"]),
    ("median of nothing", lambda: weft.zeros(2, 0).median(1), IndexError, ["[median]", "[2, 0]"]),
    ("quantile", lambda: x23.quantile(1.5), RuntimeError, ["[quantile]", "1.5", "[0, 1]"]),
    ("searchsorted shapes", lambda: weft.searchsorted(x23, i3), RuntimeError, ["[searchsorted]", "[2, 3]"]),
    ("bincount of negatives", lambda: (i3 - 1).bincount(), RuntimeError, ["[bincount]", "-1"]),
    ("histc of integers", lambda: i3.histc(), NotImplementedError, ["[histc]", "int64", ".float()"]),
    ("polygamma", lambda: weft.polygamma(-1, x23), RuntimeError, ["[polygamma]", "-1"]),
    ("gcd of floats", lambda: weft.gcd(x23, x23), NotImplementedError, ["[gcd]", "float32", ".long()"]),
    ("embedding_bag mode", lambda: F.embedding_bag(i3, x45, i3, mode="min"), ValueError, ["[embedding_bag]", "'min'"]),
    ("softmax axis", lambda: F.softmax(x23, 2), IndexError, ["[softmax]"]),
    ("sqrt of a string", lambda: weft.sqrt("x"), TypeError, ["[sqrt]", "str"]),
    ("too few arguments", lambda: weft.atan2(x23), TypeError, ["[atan2]", "other"]),
    ("unknown argument", lambda: weft.tanh(x23, z=1), TypeError, ["[tanh]", "z"]),
    ("bitwise on floats", lambda: x23 & x23, RuntimeError, ["[bitwise_and]", "float32"]),
    ("neg of bool", lambda: -(x23 == 0), RuntimeError, ["[neg]", "bool"]),
    ("index too large", lambda: x23[2], IndexError, ["[index]", "2", "size 2"]),
    ("too many indices", lambda: x23[0, 0, 0], IndexError, ["[index]", "3", "[2, 3]"]),
    ("index by a string", lambda: x23["a"], IndexError, ["[index]", "str"]),
    ("index by floats", lambda: x23[weft.zeros(1)], IndexError, ["[index]", "float32"]),
    ("index tensor too large", lambda: x23[weft.tensor([0, 7])], IndexError, ["[index]", "7"]),
    ("mask shape", lambda: x23[weft.tensor([True, False, True])], IndexError, ["[index]", "[3]", "[2, 3]"]),
    ("negative step", lambda: x23[::-1], ValueError, ["[index]", "flip"]),
    ("two ellipses", lambda: x23[..., ...], IndexError, ["[index]", "ellipsis"]),
    ("assignment shape", lambda: x23.__setitem__(0, weft.zeros(5)), RuntimeError, ["[5]"]),
    ("deleting elements", lambda: x23.__delitem__(0), TypeError, ["[index]"]),
    ("sparse sizes", lambda: weft.sparse_coo_tensor([[0], [1]], [1.0], 2.5), TypeError, ["[sparse_coo_tensor] size must be an int or a sequence"]),
    ("sparse dims", lambda: weft.sparse.softmax(x23.to_sparse(), [0.0]), TypeError, ["[softmax] dim must be an int; got list"]),
    ("sparse product", lambda: weft.mm(x23.to_sparse(), 2), TypeError, ["[mm] mat2 must be a tensor; got int"]),
    ("sparse and vector", lambda: x23.to_sparse().mv([1.0]), TypeError, ["[mv] vec must be a tensor; got list"]),
    ("last sizes", lambda: F.layer_norm(x23, 3.0), TypeError, ["[layer_norm] normalized_shape must be an int or a sequence of ints"]),
    ("fft dims", lambda: weft.fft.fftn(x23, dim=[1.0]), TypeError, ["[fftn] dim must be an int, a sequence of ints"]),
    ("fft shift", lambda: weft.fft.fftshift(x23, 1.0), TypeError, ["[fftshift] dim must be an int, a sequence of ints", "float"]),
    ("fft dtype", lambda: weft.fft.fftfreq(3, dtype=float), TypeError, ["[fftfreq]", "dtype"]),
    ("unpool sizes", lambda: F.max_unpool1d(x23, x23.long(), 2, output_size=[1.5]), TypeError, ["[max_unpool1d] output_size must be an int"]),
    ("pool stride", lambda: F.avg_pool1d(x23, 2, numpy.array([1.5])), RuntimeError, ["[avg_pool1d] stride must be an int"]),
    ("histogram range", lambda: weft.histogram(x23, 3, range=[None, 1.0]), TypeError, ["[histogram] range must be 2 numbers; got [None, 1.0]"]),
    ("array for a number", lambda: weft.histc(x23, 3, min=numpy.ones(2)), TypeError, ["[histc]", "min must be a number"]),
    ("lerp complex", lambda: weft.lerp(x23, x23, 1j), RuntimeError, ["[lerp] weight must be real beside"]),
    ("memory format of no module", lambda: nn.utils.convert_conv2d_weight_memory_format(x23, weft.channels_last), TypeError, ["module must be a Module"]),
    ("weight_norm dim", lambda: nn.utils.weight_norm(nn.Linear(2, 2), dim=[1]), TypeError, ["[weight_norm] dim must be an int or None; got list"]),
    ("lstm states", lambda: weft.lstm(x23, 1, [x23], True, 1, 0.0, False, False, False), TypeError, ["[lstm] hx must be (h, c); got int"]),
    ("gru states", lambda: weft.gru(x23, [x23], [x23], True, 1, 0.0, False, False, False), TypeError, ["[gru] hx must be a tensor; got list"]),
    ("update_bn", lambda: weft.optim.swa_utils.update_bn(3, nn.Sequential(nn.BatchNorm1d(2))), TypeError, ["[update_bn] loader must give batches; got int"]),
    ("gather complex", lambda: x23.gather(1, z23), RuntimeError, ["[gather] the index must be int64; got", "complex64[2, 3]"]),
    ("gather float of complex", lambda: z23.gather(1, x23), RuntimeError, ["[gather] the index must be int64; got complex64[2, 3], "]),
    ("index_add complex", lambda: x23.index_add(0, z23[:, 0], x23), RuntimeError, ["[index_add] the index must be int64"]),
    ("complex index", lambda: x23[z23], IndexError, ["[index] tensors used as indices", "complex64[2, 3]"]),
    ("gather rank", lambda: weft.gather(x23, 0, i3), RuntimeError, ["[gather]"]),
    ("gather dtype", lambda: weft.gather(x23, 0, x23), RuntimeError, ["[gather]", "float32"]),
    ("index_select range", lambda: x23.index_select(0, weft.tensor([9])), IndexError, ["[index_select]", "9"]),
    ("embedding range", lambda: nn.Embedding(3, 2)(weft.tensor([3])), IndexError, ["[embedding]", "3"]),
    ("class out of range", lambda: F.cross_entropy(x23, weft.tensor([0, 3])), IndexError, ["[cross_entropy]", "3"]),
    ("cross_entropy shapes", lambda: F.cross_entropy(x23, i3), (RuntimeError, ValueError), ["[cross_entropy]", "[2, 3]", "[3]"]),
    ("cross_entropy reduction", lambda: F.cross_entropy(x23, weft.tensor([0, 1]), reduction="avg"), ValueError, ["'avg'"]),
    ("layer_norm shape", lambda: F.layer_norm(x23, (2,)), RuntimeError, ["[layer_norm]", "[2]", "[2, 3]"]),
    ("dropout p", lambda: F.dropout(x23, 1.5), ValueError, ["[dropout]", "1.5"]),
    ("bool of many", lambda: bool(x23), RuntimeError, ["[bool]", "any()"]),
    ("item of many", lambda: x23.item(), RuntimeError, ["[item]", "[2, 3]"]),
    ("length of 0-d", lambda: len(weft.tensor(1.0)), TypeError, ["numel"]),
    ("iterating 0-d", lambda: list(weft.tensor(1.0)), TypeError, ["0-d"]),
    ("ragged data", lambda: weft.tensor([[1, 2], [3]]), ValueError, ["[tensor]", "length 2"]),
    ("data of strings", lambda: weft.tensor(["a"]), TypeError, ["[tensor]", "str"]),
    ("calling the type with a number", lambda: weft.Tensor(1.0), TypeError, ["[Tensor]", "weft.tensor"]),
    ("negative size", lambda: weft.zeros(-1), RuntimeError, ["negative"]),
    ("too many dimensions", lambda: weft.zeros(*[1] * 65), ValueError, ["64"]),
    ("size of a string", lambda: weft.zeros("a"), TypeError, ["[zeros]"]),
    ("arange step", lambda: weft.arange(0, 5, -1), RuntimeError, ["[arange]", "-1"]),
    ("unknown device", lambda: weft.zeros(1, device="tpu"), RuntimeError, ["tpu", "cpu"]),
    ("numpy of a graph tensor", lambda: weft.ones(1, requires_grad=True).numpy(), RuntimeError, ["[numpy]", "detach"]),
    ("numpy of bfloat16", lambda: weft.ones(1).bfloat16().numpy(), TypeError, ["[numpy]", "float()"]),
    ("negative strides", lambda: weft.from_numpy(numpy.arange(3)[::-1]), ValueError, ["[from_numpy]", "copy()"]),
    ("array of objects", lambda: weft.from_numpy(numpy.array(["a"])), TypeError, ["[from_numpy]", "astype"]),
    ("big-endian array", lambda: weft.from_numpy(numpy.zeros(2, ">f4")), TypeError, ["[from_numpy]", "native"]),
    ("a list to from_numpy", lambda: weft.from_numpy([1]), TypeError, ["[from_numpy]", "weft.tensor"]),
    ("odd strides", lambda: weft.from_numpy(numpy.zeros(2, [("a", "i1"), ("b", "f4")])["b"]), ValueError, ["[from_numpy]"]),
    ("writing read-only memory", lambda: read_only().add_(1), RuntimeError, ["read-only", "clone"]),
    ("in-place result dtype", double_assignment, RuntimeError, ["[add_]", "int64"]),
    ("in-place result shape", lambda: weft.zeros(3).add_(x23), RuntimeError, ["[add_]", "[2, 3]"]),
    ("copy_ shape", lambda: x23.copy_(x45), RuntimeError, ["[2, 3]", "[4, 5]"]),
    ("writing an expanded tensor", lambda: weft.zeros(1).expand(3).add_(1), RuntimeError, ["[add_]", "clone"]),
    ("leaf in place", leaf_in_place, RuntimeError, ["leaf", "no_grad"]),
    ("backward twice", backward_twice, RuntimeError, ["second time", "retain_graph"]),
    ("overwritten for backward", overwritten, RuntimeError, ["in", "version"]),
    ("backward of many", lambda: weft.ones(2, requires_grad=True).backward(), RuntimeError, ["scalar"]),
    ("backward of a constant", lambda: weft.ones(1).backward(), RuntimeError, ["does not require grad"]),
    ("grad of an integer", lambda: i3.requires_grad_(), RuntimeError, ["floating"]),
    ("grad of a stranger", lambda: weft.autograd.grad(weft.ones(1, requires_grad=True) * 1, [weft.ones(1, requires_grad=True)]),
     RuntimeError, ["allow_unused"]),
    ("grad shape", lambda: setattr(weft.ones(2, requires_grad=True), "grad", weft.ones(3)), RuntimeError, ["[grad]"]),
    ("grad of a number", lambda: setattr(weft.ones(2), "grad", 3), TypeError, ["[grad]", "int"]),
    ("deepcopy of a result", lambda: copy.deepcopy(weft.ones(1, requires_grad=True) * 2), RuntimeError, ["[deepcopy]"]),
    ("optimizer without parameters", lambda: weft.optim.SGD([]), ValueError, ["empty"]),
    ("optimizer of a tensor", lambda: weft.optim.SGD(weft.ones(1)), TypeError, ["model.parameters()"]),
    ("optimizer of a result", lambda: weft.optim.SGD([weft.ones(1, requires_grad=True) * 2]), ValueError, ["non-leaf"]),
    ("optimizer rate", lambda: weft.optim.Adam([weft.ones(1)], lr=-1), ValueError, ["learning rate", "-1"]),
    ("module without init", lambda: type("M", (nn.Module,), {"__init__": lambda s: setattr(s, "a", nn.ReLU())})(), AttributeError,
     ["super().__init__()"]),
    ("module without forward", lambda: nn.Module()(1), NotImplementedError, ["forward"]),
    ("parameter from a tensor", lambda: setattr(nn.Linear(1, 1), "weight", weft.ones(1)), TypeError, ["nn.Parameter"]),
    ("load of nothing", lambda: weft.load("/nonexistent.safetensors"), FileNotFoundError, ["nonexistent"]),
    ("compile of a number", lambda: weft.compile(3), TypeError, ["[compile]", "int"]),
    ("compile numerics", lambda: weft.compile(len, numerics="loose"), NotImplementedError, ["[compile]", "'loose'"]),
    ("one_hot class", lambda: F.one_hot(i3, 2), RuntimeError, ["[one_hot]", "got 2", "num_classes=2"]),
    ("linspace steps", lambda: weft.linspace(0, 1, -1), RuntimeError, ["[linspace]", "-1"]),
    ("export of values", lambda: weft.export(lambda x: x * x.sum().item(), (x23,), "/tmp/never.mlir"), NotImplementedError,
     ["[export]", "value"]),
    ("attention of vectors", lambda: F.scaled_dot_product_attention(weft.ones(()), x23, x23), RuntimeError,
     ["[scaled_dot_product_attention]", "[], [2, 3], [2, 3]"]),
    ("device index", lambda: weft.device("cuda", x23), TypeError, ["[device]", "kind and an index"]),
    ("export without tensors", lambda: weft.export(lambda x: 3, (x23,), "/tmp/never.mlir"), TypeError, ["[export]"]),
    ("softmax without dim", lambda: x23.softmax(), TypeError, ["[softmax]", "dim"]),
    ("log_softmax without dim", lambda: weft.log_softmax(x23), TypeError, ["[log_softmax]", "dim"]),
    ("two masks", lambda: F.scaled_dot_product_attention(x23, x23, x23, attn_mask=weft.zeros(2, 2), is_causal=True), RuntimeError, ["[scaled_dot_product_attention]", "attn_mask and is_causal"]),
    ("allclose rtol", lambda: weft.allclose(x23, x23, rtol=-1), RuntimeError, ["[allclose] rtol", "-1"]),
    ("allclose atol", lambda: weft.allclose(x23, x23, atol=float("nan")), RuntimeError, ["[allclose] atol", "nan"]),
    ("gelu of integers", lambda: F.gelu(i3), NotImplementedError, ["[gelu]", "int64[3]"]),
    ("silu of integers", lambda: F.silu(i3), NotImplementedError, ["[silu]", "int64[3]"]),
    ("softplus of integers", lambda: F.softplus(i3), NotImplementedError, ["[softplus]", "int64"]),
    ("normalize of integers", lambda: F.normalize(i3, dim=0), RuntimeError, ["[normalize]", "int64[3]"]),
    ("pow of bools", lambda: (i3 > 0) ** (i3 > 0), NotImplementedError, ["[pow]", "bool[3]"]),
    ("isnan of a number", lambda: weft.isnan(3), TypeError, ["[isnan]", "a tensor", "int"]),
    ("exp of a number", lambda: weft.exp(3.0), TypeError, ["[exp]", "a tensor", "float"]),
    ("eq of a number first", lambda: weft.eq(3, x23), TypeError, ["[eq]", "a tensor"]),
    ("full of an int", lambda: weft.full(3, 1.0), TypeError, ["[full] size", "a sequence of ints", "int"]),
    ("full of a vector", lambda: weft.full((3,), i3), TypeError, ["[full]", "0-d tensor", "int64[3]"]),
    ("zeros of 2**64", lambda: weft.zeros(2**64), TypeError, ["[zeros]", "64 bits", str(2**64)]),
    ("expand to 2**64", lambda: x23.expand(2**64), TypeError, ["[expand]", "64 bits"]),
    ("index 2**64", lambda: x23[2**64], ValueError, ["[index]", "64 bits", str(2**64)]),
    ("linspace of 2**70", lambda: weft.linspace(0, 1, 2**70), ValueError, ["[linspace] steps", "64 bits"]),
    ("randint to 2**64", lambda: weft.randint(0, 2**64, (2,)), ValueError, ["[randint] high", "64 bits"]),
    ("narrow from 2**64", lambda: x23.narrow(0, 2**64, 1), ValueError, ["[narrow] start", "64 bits"]),
    ("plus 2**64", lambda: x23 + 2**64, OverflowError, ["[add]", "64 bits", str(2**64), "use a float"]),
    ("minus 10**5000", lambda: 10**5000 - x23, OverflowError, ["[sub]", "one of 16610 bits"]),
    ("times 2**64 in place", lambda: weft.zeros(2).mul_(2**64), OverflowError, ["[mul_]", "64 bits"]),
    ("arange to 2**64", lambda: weft.arange(2**64), OverflowError, ["[arange]", "64 bits"]),
    ("float of two", lambda: float(weft.tensor([1.0, 2.0])), ValueError, ["[float]", "one element", "float32[2]"]),
    ("int of none", lambda: int(weft.tensor([])), ValueError, ["[int]", "float32[0]"]),
    ("item of two", lambda: weft.tensor([1.0, 2.0]).item(), RuntimeError, ["[item]", "float32[2]"]),
    ("save by numbers", lambda: weft.save({1: x23}, "x.safetensors"), TypeError, ["[save]", "strings", "1"]),
    ("save a number", lambda: weft.save({"a": 3}, "x.safetensors"), TypeError, ["[save]", "'a' is int"]),
    ("save to a number", lambda: weft.save({"a": x23}, 3), TypeError, ["[save] path", "int"]),
    ("save an object", lambda: weft.save([object()], "x.pt"), TypeError, ["[save]", "builtins.object"]),
    ("save in the old format", lambda: weft.save({}, "x", pickle_module=io), NotImplementedError, ["[save] writes zip"]),
    ("mmap of no path", lambda: weft.load(io.BytesIO(), mmap=True), ValueError, ["[load] mmap"]),
    ("another pickle", lambda: weft.load("x.pt", pickle_module=io), NotImplementedError, ["pickle_module"]),
    ("load a number", lambda: weft.load(3), TypeError, ["[load] path", "int"]),
    ("index tensors", lambda: x23[i3, weft.tensor([0, 1])], IndexError, ["[index]", "[3], [2]"]),
    ("optimizer option", lambda: weft.optim.RMSprop([x23], alpha=-1.0), ValueError, ["[RMSprop]", "alpha", "at least 0"]),
    ("optimizer of a vector", lambda: weft.optim.Muon([x23[0]]), ValueError, ["[Muon]", "[3]", "AdamW"]),
    ("optimizer groups", lambda: weft.optim.LBFGS([{"params": [x23]}, {"params": [x45]}]), ValueError, ["[LBFGS]", "one group"]),
    ("scheduler of a model", lambda: weft.optim.lr_scheduler.StepLR(nn.Linear(1, 1), 3), TypeError, ["[StepLR]", "Optimizer", "Linear"]),
    ("scaler order", lambda: weft.amp.GradScaler("cpu").update(), ValueError, ["[GradScaler]", "step()"]),
    ("packed lengths", lambda: nn.utils.rnn.pack_padded_sequence(x23, [1, 2, 2]), RuntimeError, ["[pack_padded_sequence]", "[1, 2, 2]", "enforce_sorted"]),
    ("pruned part", lambda: nn.utils.prune.l1_unstructured(nn.Linear(1, 1), "weight", 2.5), ValueError, ["[prune]", "2.5"]),
    ("lazy shape", lambda: nn.LazyLinear(3).weight.shape, RuntimeError, ["[UninitializedParameter]", "materialize"]),
    ("adaptive targets", lambda: nn.AdaptiveLogSoftmaxWithLoss(3, 5, [2])(x23, weft.tensor([1, 7])), RuntimeError, ["[AdaptiveLogSoftmaxWithLoss]", "[0, 4]", "7"]),
    ("orthogonal vector", lambda: nn.utils.parametrizations.orthogonal(nn.Linear(1, 1), "bias"), ValueError, ["[orthogonal]", "[1]"]),
]  # fmt: skip


@pytest.mark.parametrize("act, kind, texts", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_message(act, kind, texts):
    with pytest.raises(kind) as caught:
        act()
    for text in texts:
        assert text in str(caught.value), f"{caught.value!s} lacks {text!r}"


def test_errors_leave_operands_alone():
    x = weft.ones(2, 3)
    before = x._version
    with pytest.raises(RuntimeError):
        x.add_(weft.ones(4, 5))
    assert x._version == before and x.sum().item() == 6
