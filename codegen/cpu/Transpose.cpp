// Copies of matrix operands whose contiguous axis is the other one: square blocks are loaded, transposed in registers and stored.
#include "codegen/cpu/Product.h"

using namespace llvm;

namespace weft::cpu {

namespace {

// Registers are made of parts of 128 bits, within and between which shuffles are cheap.
class Transposition {
public:
  Transposition(IRBuilder<> &b, int size, int part) : b(b), size(size), part(part) {}

  // Vector i of the result holds element i of every row.
  SmallVector<Value *, 16> run(SmallVector<Value *, 16> rows) {
    for (int chunk = 1; chunk < part; chunk *= 2)
      rows = interleaveParts(rows, chunk);
    // Row g * part + c now has, in its part p, the column p * part + c of the rows of group g.
    SmallVector<Value *, 16> columns(size);
    for (int c = 0; c < part; ++c) {
      SmallVector<Value *, 4> groups;
      for (int g = 0; g < size / part; ++g)
        groups.push_back(rows[g * part + c]);
      gatherParts(groups, 0, 1, [&](int p, Value *column) { columns[p * part + c] = column; });
    }
    return columns;
  }

private:
  // Within each part, chunks of x and y in turn: of the lower half of the part, or of the upper.
  Value *interleave(Value *x, Value *y, int chunk, bool upper) {
    SmallVector<int, 16> order;
    for (int start = 0; start < size; start += part)
      for (int q = start + (upper ? part / 2 : 0), i = 0; i < part / 2; i += chunk, q += chunk)
        for (int side = 0; side < 2; ++side)
          for (int e = 0; e < chunk; ++e)
            order.push_back(side * size + q + e);
    return b.CreateShuffleVector(x, y, order);
  }

  SmallVector<Value *, 16> interleaveParts(const SmallVector<Value *, 16> &rows, int chunk) {
    SmallVector<Value *, 16> result(size);
    for (int block = 0; block < size; block += 2 * chunk)
      for (int t = 0; t < chunk; ++t)
        for (bool upper : {false, true})
          result[block + 2 * t + upper] = interleave(rows[block + t], rows[block + chunk + t], chunk, upper);
    return result;
  }

  Value *everyOtherPart(Value *x, Value *y, int first) {
    SmallVector<int, 16> order;
    for (int p = first; p < 2 * size / part; p += 2)
      for (int e = 0; e < part; ++e)
        order.push_back(p * part + e);
    return b.CreateShuffleVector(x, y, order);
  }

  // Gives, for each part number, the vector of that part of all groups.
  void gatherParts(ArrayRef<Value *> groups, int number, int step, function_ref<void(int, Value *)> done) {
    if (groups.size() == 1)
      return done(number, groups[0]);
    for (int odd = 0; odd < 2; ++odd) {
      SmallVector<Value *, 4> half;
      for (size_t i = 0; i < groups.size(); i += 2)
        half.push_back(everyOtherPart(groups[i], groups[i + 1], odd));
      gatherParts(half, number + odd * step, step * 2, done);
    }
  }

  IRBuilder<> &b;
  int size, part; // elements
};

} // namespace

// void (from, stride, rows, columns, to, toStride): to[c * toStride + r] = from[r * stride + c] for a square of the tile's vector
// length, with zeros for what is not below rows and columns.
Function *KernelWriter::transposeFunction(Product &p, mlir::Type element) {
  std::string name;
  raw_string_ostream text(name);
  text << "weft_transpose_" << element << '_' << p.vectorLanes;
  if (Function *known = module.getFunction(name))
    return known;
  Type *pointer = b.getPtrTy(), *i64 = b.getInt64Ty();
  Function *result = Function::Create(FunctionType::get(b.getVoidTy(), {pointer, i64, i64, i64, pointer, i64}, false),
                                      GlobalValue::InternalLinkage, name, module);
  result->addFnAttr(Attribute::NoUnwind);
  result->addFnAttr(Attribute::NoInline);
  IRBuilderBase::InsertPointGuard guard(b);
  Function *outer = std::exchange(function, result);
  int outerLanes = std::exchange(lanes, int(p.vectorLanes));
  b.SetInsertPoint(BasicBlock::Create(module.getContext(), "entry", result));
  Type *memory = memoryType(element);
  SmallVector<Value *, 16> rows;
  for (int r = 0; r < lanes; ++r) {
    Value *inside = b.CreateICmpSLT(constant(r), result->getArg(2));
    Value *mask = firstLanes(b.CreateSelect(inside, result->getArg(3), constant(0)));
    Value *from = b.CreateGEP(memory, result->getArg(0), b.CreateMul(constant(r), result->getArg(1)));
    rows.push_back(widen(loadVector(memory, from, mask), element));
  }
  int part = std::min<int>(lanes, 128 / p.type->getScalarSizeInBits());
  for (auto [r, column] : enumerate(Transposition(b, lanes, part).run(rows)))
    storeVector(column, b.CreateGEP(p.type, result->getArg(4), b.CreateMul(constant(r), result->getArg(5))), nullptr);
  b.CreateRetVoid();
  function = outer;
  lanes = outerLanes;
  return result;
}

} // namespace weft::cpu
