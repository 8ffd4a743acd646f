// kernel.contract: the rows and columns of the task are taken in blocks that stay in the second-level cache. For each
// 256 of K a block of A is copied row by row, a block of B in panels of 32 columns (MatrixCopy.cpp), and register tiles
// (MatrixTile.cpp) run over the two, adding to the block of C in scratch memory; the epilogue then reads the sums from
// there. Copies are padded with zeros, so tiles are always whole. An A that is in scratch memory is not copied.
#include "codegen/cpu/Product.h"

using namespace llvm;
namespace arith = mlir::arith;

namespace weft::cpu {

int64_t span(mlir::Value begin, mlir::Value end) {
  auto constantOf = [](mlir::Value value) -> std::optional<int64_t> {
    auto constant = value ? value.getDefiningOp<arith::ConstantIndexOp>() : nullptr;
    return constant ? std::optional<int64_t>(constant.value()) : std::nullopt;
  };
  if (auto low = constantOf(begin), high = constantOf(end); low && high)
    return std::max<int64_t>(*high - *low, 0);
  if (auto least = end.getDefiningOp<arith::MinSIOp>()) {
    int64_t x = span(begin, least.getLhs()), y = span(begin, least.getRhs());
    return x < 0 ? y : y < 0 ? x : std::min(x, y);
  }
  if (auto sum = end.getDefiningOp<arith::AddIOp>()) {
    if (sum.getLhs() == begin)
      return constantOf(sum.getRhs()).value_or(-1);
    if (sum.getRhs() == begin)
      return constantOf(sum.getLhs()).value_or(-1);
  }
  // A begin that is not known is at least 0.
  return constantOf(end).value_or(-1);
}

KernelWriter::MatrixTypes::MatrixTypes(mlir::Type a, mlir::Type b, KernelWriter &w) : aType(a), bType(b) {
  sumType = kernel::ContractOp::sumType(a, b);
  type = w.type(sumType);
  vectorLanes = std::min<int64_t>(w.target.vectorBytes * 8 / type->getScalarSizeInBits(), kLanes);
}

std::string KernelWriter::MatrixTypes::name(const char *kind) const {
  std::string name;
  raw_string_ostream(name) << "weft_" << kind << '_' << aType << '_' << bType << '_' << *type;
  return name;
}

// The height of the tiles that take the least time: a row costs as much as a multiply-add a vector of columns, and each
// step of a tile about half a row more.
static int64_t tileHeight(int64_t rows, int64_t most) {
  int64_t best = most, least = INT64_MAX;
  for (int64_t height = most; height > 0; --height)
    if (int64_t cost = divideCeil(rows, height) * (2 * height + 1); cost < least)
      least = cost, best = height;
  return best;
}

KernelWriter::Product::Product(kernel::ContractOp op, KernelWriter &w)
    : MatrixTypes(op.getA().getType().getElementType(), op.getB().getType().getElementType(), w) {
  tileColumns = kTileVectors * vectorLanes;

  int64_t mostRows = w.target.vectorBytes == 64 ? 14 : 6; // accumulators fill the registers
  int64_t rowSpan = span(op.getRowBegin(), op.getRowEnd()), columnSpan = span(op.getColumnBegin(), op.getColumnEnd());
  tileRows = mostRows;
  blockRows = kMostBlockRows / mostRows * mostRows;
  if (rowSpan > 0) {
    tileRows = tileHeight(std::min(rowSpan, kMostBlockRows), mostRows);
    blockRows = std::min<int64_t>(kMostBlockRows / tileRows, divideCeil(rowSpan, tileRows)) * tileRows;
  }
  blockColumns = kMostBlockColumns;
  if (columnSpan > 0)
    blockColumns = std::min<int64_t>(blockColumns, alignTo(columnSpan, kPanel));
  oneRowBlock = rowSpan >= 0 && rowSpan <= blockRows;
  oneColumnBlock = columnSpan >= 0 && columnSpan <= blockColumns;
  auto reserve = [&](int64_t elements) { return w.reserveScratch(type, elements); };
  auto constantOf = [](mlir::Value stride) {
    auto known = stride.getDefiningOp<arith::ConstantIndexOp>();
    return known ? known.value() : 0;
  };
  aStrideM = constantOf(op.getAStrideM()), aStrideK = constantOf(op.getAStrideK());
  inPlace = op.getA().getDefiningOp<kernel::ScratchOp>() && aType == sumType && (aStrideM == 1 || aStrideK == 1) &&
            aStrideM && aStrideK;
  if (!inPlace) {
    a = reserve((blockRows + kLanes) * kStrideA); // a transposed block may end past the last tile
    aStrideM = kStrideA, aStrideK = 1;
  }
  c = reserve(blockRows * kStrideC);
  packed = op.getPackedB() && bType == sumType;
  b = packed ? nullptr : reserve(blockColumns / kPanel * kPanelElements);
}

void KernelWriter::contract(kernel::ContractOp op) {
  if (op.getLanes())
    return contractByLanes(op);
  int64_t before = scratchBytes;
  Product p(op, *this);
  Value *strideM = scalar(op.getAStrideM()), *strideK = scalar(op.getAStrideK()), *k = scalar(op.getK());
  Value *strideBK = scalar(op.getBStrideK()), *strideBN = scalar(op.getBStrideN());
  // Packed panels lie side by side, as if a column were as many elements from the one before as a panel has rows.
  if (op.getPackedB() && !p.packed)
    unsupported(op, "a packed operand has the type of the sums");
  Value *rowEnd = scalar(op.getRowEnd()), *columnEnd = scalar(op.getColumnEnd());
  Function *function = blockFunction(p), *tile = tileFunction(p);
  Function *copyA = tile, *copyB = tile;
  if (!p.inPlace)
    copyA = copyFunctionFor(p, p.aType, strideM, strideK);
  if (!p.packed)
    copyB = copyFunctionFor(p, p.bType, strideBK, strideBN);

  blocks(scalar(op.getRowBegin()), rowEnd, p.blockRows, p.oneRowBlock, [&](Value *row) {
    Value *rows = minimum(constant(p.blockRows), b.CreateSub(rowEnd, row));
    blocks(scalar(op.getColumnBegin()), columnEnd, p.blockColumns, p.oneColumnBlock, [&](Value *column) {
      Value *columns = minimum(constant(p.blockColumns), b.CreateSub(columnEnd, column));
      Value *fromA = pointer(op.getA(), b.CreateAdd(scalar(op.getABase()), b.CreateMul(row, strideM)));
      Value *fromB = pointer(op.getB(), b.CreateAdd(scalar(op.getBBase()), b.CreateMul(column, strideBN)));
      b.CreateCall(function, {fromA, fromB, p.inPlace ? p.c : p.a, p.packed ? p.c : p.b, p.c, copyA, copyB, tile,
                              strideM, strideK, strideBK, strideBN, k, rows, columns, constant(p.tileRows)});
      loop(constant(0), rows, 1, [&](Value *i) {
        Value *rowOfC = b.CreateGEP(p.type, p.c, b.CreateMul(i, constant(kStrideC)));
        epilogue(op, b.CreateAdd(row, i), column, columns,
                 [&](Value *n) { return loadVector(p.type, b.CreateGEP(p.type, rowOfC, n), laneMask); });
      });
    });
  });
  // The next product may use the same memory.
  mostScratchBytes = std::max(mostScratchBytes, scratchBytes);
  scratchBytes = before;
}

// Most tasks are one block: no loop then.
void KernelWriter::blocks(Value *begin, Value *end, int64_t size, bool one, function_ref<void(Value *)> body) {
  if (one)
    return branch(b.CreateICmpSLT(begin, end), [&] { body(begin); });
  loop(begin, end, size, body);
}

void KernelWriter::epilogue(kernel::ContractOp op, Value *row, Value *firstColumn, Value *columns,
                            function_ref<Value *(Value *)> sums) {
  mlir::Block &body = op.getEpilogue().front();
  laneLoop(firstColumn, b.CreateAdd(firstColumn, columns), body, [&](Lanes n) {
    values[body.getArgument(0)] = Lanes::uniform(row);
    values[body.getArgument(1)] = n;
    values[body.getArgument(2)] = Lanes::varying(sums(b.CreateSub(n.value, firstColumn)));
    block(body);
  });
}

Value *KernelWriter::multiplyAdd(Value *x, Value *y, Value *sum) {
  if (x->getType()->isFPOrFPVectorTy())
    return b.CreateIntrinsic(Intrinsic::fma, {x->getType()}, {x, y, sum});
  return b.CreateAdd(b.CreateMul(x, y), sum);
}

Value *KernelWriter::add(Value *x, Value *y) {
  return x->getType()->isFPOrFPVectorTy() ? b.CreateFAdd(x, y) : b.CreateAdd(x, y);
}

// void (a, b, copy of a, copy of b, c, function that copies a, that copies b, tile, a's strides, b's strides, k, rows,
// columns, rows of a tile): the block of C. What depends on the layout is in the functions it is given, so
// that all products share it.
Function *KernelWriter::blockFunction(Product &p) {
  return helper(p.name("block") + (p.packed ? "_packed" : "") + (p.inPlace ? "_in_place" : ""), 8, 8, [&](Function *f) {
    auto argument = [&](int i) -> Value * { return f->getArg(i); };
    Value *fromA = argument(0), *fromB = argument(1), *a = argument(2), *panels = argument(3), *c = argument(4);
    Value *copyA = argument(5), *copyB = argument(6), *tile = argument(7), *strideM = argument(8);
    Value *strideK = argument(9), *strideBK = argument(10), *strideBN = argument(11), *k = argument(12);
    Value *rows = argument(13), *columns = argument(14), *height = argument(15);
    Value *tiles = b.CreateUDiv(b.CreateSub(b.CreateAdd(rows, height), constant(1)), height);
    Value *paddedRows = b.CreateMul(tiles, height);
    Type *pointer = b.getPtrTy(), *i64 = b.getInt64Ty();
    FunctionType *copyType =
        FunctionType::get(b.getVoidTy(), {pointer, pointer, i64, i64, i64, i64, i64, i64, i64, i64}, false);
    FunctionType *tileType = FunctionType::get(b.getVoidTy(), {pointer, pointer, pointer, pointer, i64, i64}, false);

    branch(b.CreateICmpEQ(k, constant(0)), [&] {
      Value *zeros = b.CreateVectorSplat(kLanes, Constant::getNullValue(p.type));
      loop(constant(0), b.CreateMul(paddedRows, constant(kStrideC)), kLanes,
           [&](Value *i) { storeVector(zeros, b.CreateGEP(p.type, c, i), nullptr); });
    });

    loop(constant(0), k, kDepth, [&](Value *k0) {
      Value *depth = minimum(constant(kDepth), b.CreateSub(k, k0));
      Value *cornerA = b.CreateGEP(memoryType(p.aType), fromA, b.CreateMul(k0, strideK));
      Value *left = p.inPlace ? cornerA : a, *leftStride = p.inPlace ? strideM : constant(kStrideA);
      if (!p.inPlace)
        b.CreateCall(copyType, copyA,
                     {cornerA, a, strideM, strideK, rows, paddedRows, depth, roundUp(depth, kPanel), constant(kStrideA),
                      constant(kPanel)});
      Value *right = panels, *panel = constant(kPanelElements);
      if (p.packed) {
        right = b.CreateGEP(p.type, fromB, b.CreateMul(k0, constant(kPanel)));
        panel = b.CreateMul(strideBN, constant(kPanel));
      } else {
        Value *cornerB = b.CreateGEP(memoryType(p.bType), fromB, b.CreateMul(k0, strideBK));
        b.CreateCall(copyType, copyB,
                     {cornerB, panels, strideBK, strideBN, depth, depth, columns, roundUp(columns, kPanel),
                      constant(kPanel), panel});
      }
      loop(constant(0), columns, p.tileColumns, [&](Value *j) {
        Value *inPanels = b.CreateMul(b.CreateLShr(j, Log2_64(kPanel)), panel);
        Value *rightTile = b.CreateGEP(p.type, right, b.CreateAdd(inPanels, b.CreateAnd(j, constant(kPanel - 1))));
        loop(constant(0), tiles, 1, [&](Value *number) {
          Value *i = b.CreateMul(number, height);
          Value *rowOfA = b.CreateGEP(p.type, left, b.CreateMul(i, leftStride));
          Value *tileOfC = b.CreateGEP(p.type, c, b.CreateAdd(b.CreateMul(i, constant(kStrideC)), j));
          // The tiles of a panel ask for the next one together.
          Value *ahead = rightTile;
          if (p.packed)
            ahead = b.CreateGEP(b.getInt8Ty(), b.CreateGEP(p.type, rightTile, panel),
                                b.CreateMul(number, constant(kDepth * kAheadBytes)));
          b.CreateCall(tileType, tile, {rowOfA, rightTile, tileOfC, ahead, depth, k0});
        });
      });
    });
  });
}

} // namespace weft::cpu
