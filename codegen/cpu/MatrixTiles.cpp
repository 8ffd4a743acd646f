// The tile of a product of bf16 by AMX, whose tile registers hold 16 rows of 64 bytes: two by two of them are sums of
// 32 rows and columns; two of A and two of B are multiplied in a step of 32 of K, in the order of tiles
// (ir/kernel/KernelOps.td), which tdpbf16ps computes whatever the mode.
#include "codegen/cpu/Product.h"

#include "llvm/IR/IntrinsicsX86.h"

using namespace llvm;

namespace weft::cpu {

static constexpr int64_t kRowsOfTile = kSideOfTiles / 2, kBytesOfTile = 2 * kStepOfTiles;
// Numbers of tile registers: that of the sums of a row and a column of them is 2 * row + column.
static constexpr int kSums = 0, kTilesOfA = 4, kTilesOfB = 6;

static void onTile(IRBuilder<> &b, Intrinsic::ID id, int number, Value *address, Value *bytesOfRow) {
  b.CreateIntrinsic(b.getVoidTy(), id, {b.getInt8(number), address, bytesOfRow});
}

// Tile registers for so many rows of A, at least one: those of B are whole.
void KernelWriter::configureTiles(Value *rows) {
  constexpr int kColumnBytes = 16, kRows = 48, kRegisters = 8;
  AllocaInst *memory = stackArray(b.getInt8Ty(), 64);
  b.CreateAlignedStore(Constant::getNullValue(FixedVectorType::get(b.getInt8Ty(), 64)), memory, Align(64));
  auto at = [&](int place) { return b.CreateConstGEP1_64(b.getInt8Ty(), memory, place); };
  b.CreateStore(b.getInt8(1), at(0)); // the palette
  auto present = [&](int row) {
    Value *left = maximum(b.CreateSub(rows, constant(row * kRowsOfTile)), constant(1));
    return b.CreateTrunc(minimum(left, constant(kRowsOfTile)), b.getInt8Ty());
  };
  for (int i = 0; i < kRegisters; ++i) {
    b.CreateStore(b.getInt16(kBytesOfTile), at(kColumnBytes + 2 * i));
    int row = i < kTilesOfA ? i / 2 : i - kTilesOfA;
    b.CreateStore(i < kTilesOfB ? present(row) : b.getInt8(kRowsOfTile), at(kRows + i));
  }
  b.CreateIntrinsic(b.getVoidTy(), Intrinsic::x86_ldtilecfg, {memory});
}

void KernelWriter::releaseTiles() { b.CreateIntrinsic(b.getVoidTy(), Intrinsic::x86_tilerelease, {}); }

// As tileFunction (MatrixTile.cpp). Both operands are copies, or panels, which end in zeros where K is no multiple of a
// step.
Function *KernelWriter::matrixTilesFunction(Product &p) {
  return helper(p.name("tile"), 4, 7, [&](Function *tile) {
    Type *byte = b.getInt8Ty();
    Value *strideA = b.CreateShl(tile->getArg(6), 1), *strideB = b.CreateShl(tile->getArg(8), 2);
    Value *strideC = constant(kStrideC * 4), *goesOn = b.CreateICmpNE(tile->getArg(5), constant(0));
    auto multiply = [&](int64_t down) {
      auto eachSum = [&](function_ref<void(int number, Value *address)> use) {
        for (int64_t row = 0; row < down; ++row)
          for (int64_t column : {0, 1})
            use(kSums + 2 * row + column,
                b.CreateConstGEP1_64(p.type, tile->getArg(2), row * kRowsOfTile * kStrideC + column * kRowsOfTile));
      };
      eachSum(
          [&](int number, Value *) { b.CreateIntrinsic(b.getVoidTy(), Intrinsic::x86_tilezero, {b.getInt8(number)}); });
      branch(goesOn, [&] {
        eachSum([&](int number, Value *at) { onTile(b, Intrinsic::x86_tileloadd64, number, at, strideC); });
      });
      Carried initial{tile->getArg(0), tile->getArg(1)};
      loop(constant(0), tile->getArg(4), kStepOfTiles, initial, [&](Value *, Carried state) {
        Value *&fromA = state[0], *&fromB = state[1];
        for (int64_t column : {0, 1})
          onTile(b, Intrinsic::x86_tileloadd64, kTilesOfB + column,
                 b.CreateConstGEP1_64(byte, fromB, column * kBytesOfTile), strideB);
        for (int64_t row = 0; row < down; ++row) {
          Value *rows = b.CreateGEP(byte, fromA, b.CreateMul(strideA, constant(row * kRowsOfTile)));
          onTile(b, Intrinsic::x86_tileloadd64, kTilesOfA + row, rows, strideA);
          for (int64_t column : {0, 1})
            b.CreateIntrinsic(
                b.getVoidTy(), Intrinsic::x86_tdpbf16ps,
                {b.getInt8(kSums + 2 * row + column), b.getInt8(kTilesOfA + row), b.getInt8(kTilesOfB + column)});
        }
        fromA = b.CreateConstGEP1_64(byte, fromA, kBytesOfTile);
        fromB = b.CreateGEP(byte, fromB, b.CreateMul(strideB, constant(kRowsOfTile)));
        return state;
      });
      eachSum([&](int number, Value *at) { onTile(b, Intrinsic::x86_tilestored64, number, at, strideC); });
    };
    Value *isHigh = b.CreateICmpSGE(tile->getArg(7), constant(kRowsOfTile));
    branch(isHigh, [&] { multiply(2); });
    branch(b.CreateNot(isHigh), [&] { multiply(1); });
  });
}

} // namespace weft::cpu
