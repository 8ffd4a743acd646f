// Discrete Fourier transforms, and their steps, which functions of runtime/extern/fft compute.
#ifndef WEFT_OPS_FOURIER
#define WEFT_OPS_FOURIER

include "ir/ops/Composite.td"
include "ir/ops/Extern.td"

class Fourier<string mnemonic, list<A> attrs> : Weft_Op<mnemonic, "Composite", ["x"], attrs> {
  let batching = "shiftedAxes";
  let domain = "(-2, 2)";
}
def FftComplexOp : Fourier<"fft_complex", [A<"dim", "Int">, A<"inverse", "Bool", "False">, A<"scale", "Float", "1.0">]> {
  let summary = "The discrete Fourier transform along an axis, of complex numbers as pairs.";
  let description = [{
    x: float32 or float64, [..., 2], of any length along dim. scale sum x[j] exp(-2 pi i j k / n), or with inverse exp(2 pi i j k / n). The order of
    operations is a function of the length alone.
  }];
  let infer = "fourier";
  let independent = "every_axis(but=[dim, x.ndim - 1])";
  let expansion = "fourier(x, dim, inverse, scale)";
  let vjp = ["fft_complex(ct, dim, !inverse, scale)"];
  let jvp = "fft_complex(t_x, dim, inverse, scale)";
  let numpy = [{
    z = x[..., 0] + 1j * x[..., 1]
    y = scale * (numpy.fft.ifft(z, axis=dim) * z.shape[dim] if inverse else numpy.fft.fft(z, axis=dim))
    return numpy.stack([y.real, y.imag], -1)
  }];
  let examples = ["dict(x=P(3, 12), dim=1, inverse=False, scale=1.0)", "dict(x=P(2, 7, 5), dim=1, inverse=True, scale=0.5)", "dict(x=P(10, 3), dim=0, inverse=False, scale=1.0)", "dict(x=P(67), dim=0, inverse=True, scale=1.0)"];
}
def FftRealOp : Fourier<"fft_real", [A<"dim", "Int">, A<"scale", "Float", "1.0">]> {
  let summary = "The discrete Fourier transform of real numbers along an axis: the first half of it, which the second is the conjugate of.";
  let description = "x: float32 or float64, of n along dim; the result has n / 2 + 1 pairs there, in a last axis of 2.";
  let infer = "fourierOfReal";
  let independent = "[pair(i, x=i) for i in range(x.ndim) if i != dim]";
  let expansion = "fourierOfReal(x, dim, scale)";
  let vjp = ["fft_to_real(doubledInside(ct, dim, x.shape()[dim], 0.5), dim, x.shape()[dim], scale)"];
  let jvp = "fft_real(t_x, dim, scale)";
  let numpy = [{
    y = scale * numpy.fft.rfft(x, axis=dim)
    return numpy.stack([y.real, y.imag], -1)
  }];
  let examples = ["dict(x=F(3, 12), dim=1, scale=1.0)", "dict(x=F(9, 2), dim=0, scale=0.5)", "dict(x=F(2, 1), dim=1, scale=1.0)"];
}
def FftToRealOp : Fourier<"fft_to_real", [A<"dim", "Int">, A<"size", "Int">, A<"scale", "Float", "1.0">]> {
  let summary = "The real numbers, `size` along an axis, whose discrete Fourier transform has this first half; by the inverse transform.";
  let description = [{
    x: float32 or float64, pairs in the last axis, size / 2 + 1 of them along dim. The imaginary part of the first, and for an even size of the last, is
    not read: a real signal has none.
  }];
  let infer = "fourierToReal";
  let independent = "[pair(i, x=i) for i in range(x.ndim - 1) if i != dim]";
  let expansion = "fourierToReal(x, dim, size, scale)";
  let vjp = ["doubledInside(fft_real(ct, dim, scale), dim, size, 2.0)"];
  let jvp = "fft_to_real(t_x, dim, size, scale)";
  let numpy = "scale * size * numpy.fft.irfft(x[..., 0] + 1j * x[..., 1], size, axis=dim)";
  let examples = ["dict(x=P(3, 7), dim=1, size=12, scale=1.0)", "dict(x=P(5, 2), dim=0, size=9, scale=0.5)", "dict(x=P(2, 1), dim=1, size=1, scale=1.0)"];
}
// What these are made of; a vector has a lane for each of several batches.
class FourierStep<string mnemonic, int axes, list<A> attrs> : Extern<mnemonic, ["x"], axes, attrs> {
  let symbolic = 0;
  let independent = "every_axis(but=range(x.ndim - " # axes # ", x.ndim))";
}
def FftRowsOp : FourierStep<"fft_rows", 2, [A<"inverse", "Bool", "False">, A<"scale", "Float", "1.0">]> {
  let summary = "fft_complex of each row of pairs.";
  let description = "x: float32 or float64, [..., n, 2].";
  let infer = "fourierRows";
  let batchesTogether = 16;
}
def FftColumnsOp : FourierStep<"fft_columns", 3, [A<"inverse", "Bool", "False">, A<"scale", "Float", "1.0">, A<"pieces", "Int", "1">]> {
  let summary = "fft_complex of each column of pairs.";
  let description = "x: float32 or float64, [..., n, columns, 2]; a batch is done in so many pieces.";
  let infer = "fourierColumns";
  let cutsBatches = 1;
}
def FftRealRowsOp : FourierStep<"fft_real_rows", 1, [A<"scale", "Float", "1.0">]> {
  let summary = "fft_real of each row.";
  let description = "x: float32 or float64, [..., n], n even.";
  let infer = "fourierRealRows";
  let batchesTogether = 16;
}
def FftToRealRowsOp : FourierStep<"fft_to_real_rows", 2, [A<"scale", "Float", "1.0">]> {
  let summary = "fft_to_real of each row, of an even size.";
  let description = "x: float32 or float64, [..., size / 2 + 1, 2].";
  let infer = "fourierToRealRows";
  let batchesTogether = 16;
}
def FftFirstOp : FourierStep<"fft_first", 3, [A<"inverse", "Bool", "False">, A<"pieces", "Int", "1">]> {
  let summary = "The first step of a long transform, whose elements are those of a matrix of rows.";
  let description = [{
    x: float32 or float64, [..., rows, columns, 2]. The columns' transforms, each element turned as Cooley and Tukey have it, in tiles of 64 bytes of numbers each
    way: [..., rows / L, columns / L, L, L, 2], rounded up.
  }];
  let infer = "fourierFirst";
  let cutsBatches = 1;
}
def FftSecondOp : FourierStep<"fft_second", 5, [A<"rows", "Int">, A<"columns", "Int">, A<"inverse", "Bool", "False">, A<"scale", "Float", "1.0">, A<"pieces", "Int", "1">]> {
  let summary = "The second step of a long transform: of the rows of the matrix, to columns.";
  let description = "x: what fft_first gives; the result is [..., columns, rows, 2].";
  let infer = "fourierSecond";
  let cutsBatches = 1;
}
#endif
