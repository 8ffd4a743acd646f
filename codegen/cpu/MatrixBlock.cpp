// A block of C = A * B in scratch memory, in strips of 128 columns. For each 256 of K register tiles (MatrixTile.cpp)
// run over rows of A and panels of 32 columns of B, adding to the strip. B is packed before (kernel.pack) or copied
// here, part by part between the tiles that work on the strip before, so that memory and arithmetic are busy at once. A
// is copied where it is not of the type of the sums or its rows are not contiguous (MatrixCopy.cpp).
#include "codegen/cpu/Product.h"

using namespace llvm;

namespace weft::cpu {

// void (a, b, copy of a, two copies of a strip of b, c, totals, functions that copy a and b, tile, a's strides, b's
// strides, k, rows, columns, rows from a strip of c to the next, rows and columns of a tile, what the parts of b that
// are copied are a multiple of, first and end of the rows): these rows of a block of C, and with the first of them all
// that comes before the last 256 of K. An a that is read in place, or a packed b, has no copy and no function. What
// depends on the layout is in the functions it is given, so that all products share it.
Function *KernelWriter::blockFunction(Product &p) {
  return helper(p.name("block"), 10, 13, [&](Function *f) {
    auto argument = [&](int i) -> Value * { return f->getArg(i); };
    Value *fromA = argument(0), *fromB = argument(1), *a = argument(2), *evenPanels = argument(3);
    Value *oddPanels = argument(4), *c = argument(5), *totals = argument(6), *copyA = argument(7), *copyB = argument(8);
    Value *tile = argument(9), *strideM = argument(10), *strideK = argument(11), *strideBK = argument(12);
    Value *strideBN = argument(13), *k = argument(14), *rows = argument(15), *columns = argument(16);
    Value *blockRows = argument(17), *height = argument(18), *width = argument(19), *multiple = argument(20);
    auto functionType = [&](unsigned pointers, unsigned integers) {
      SmallVector<Type *, 12> types(pointers, b.getPtrTy());
      types.append(integers, b.getInt64Ty());
      return FunctionType::get(b.getVoidTy(), types, false);
    };
    Value *zero = constant(0), *one = constant(1), *lessOne = b.CreateSub(multiple, one);
    Value *copiesA = b.CreateIsNotNull(copyA), *copiesB = b.CreateIsNotNull(copyB);
    Value *tilesDown = divideUp(rows, height), *firstTile = b.CreateUDiv(argument(21), height);
    Value *endTile = divideUp(argument(22), height), *isFirst = b.CreateICmpEQ(firstTile, zero);
    Value *strips = divideUp(columns, constant(kStripColumns));
    Value *blocksOfK = maximum(divideUp(k, constant(kDepth)), one);
    Value *strideA = b.CreateSelect(copiesA, constant(kStrideA), strideM);
    Value *panel = b.CreateSelect(copiesB, constant(kPanelElements), b.CreateMul(strideBN, constant(kPanel)));
    Value *slice = b.CreateAnd(b.CreateAdd(divideUp(constant(kDepth), tilesDown), lessOne), b.CreateNot(lessOne));

    auto partOfB = [&](Value *k0, Value *column) {
      Value *place = b.CreateAdd(b.CreateMul(column, strideBN), b.CreateMul(k0, strideBK));
      return b.CreateGEP(memoryType(p.bType), fromB, place);
    };
    auto depthFrom = [&](Value *k0) { return minimum(constant(kDepth), b.CreateSub(k, k0)); };
    auto columnsFrom = [&](Value *column) { return minimum(constant(kStripColumns), b.CreateSub(columns, column)); };
    auto copyRows = [&](Value *from, Value *to, Value *count, Value *columns) {
      b.CreateCall(
          functionType(2, 8), copyB,
          {from, to, strideBK, strideBN, count, count, columns, roundUp(columns, kPanel), constant(kPanel), panel});
    };
    branch(b.CreateAnd(copiesB, isFirst), [&] { copyRows(fromB, evenPanels, depthFrom(zero), columnsFrom(zero)); });

    // A step is 256 of K for a strip of columns.
    Value *steps = b.CreateMul(blocksOfK, strips);
    loop(b.CreateSelect(isFirst, zero, b.CreateSub(steps, strips)), steps, 1, [&](Value *step) {
      auto blockOfK = [&](Value *step) { return b.CreateUDiv(step, strips); };
      auto columnOf = [&](Value *step, Value *number) {
        return b.CreateMul(b.CreateSub(step, b.CreateMul(number, strips)), constant(kStripColumns));
      };
      Value *next = b.CreateAdd(step, one), *number = blockOfK(step), *nextNumber = blockOfK(next);
      Value *k0 = b.CreateMul(number, constant(kDepth)), *nextK = b.CreateMul(nextNumber, constant(kDepth));
      Value *column = columnOf(step, number), *nextColumn = columnOf(next, nextNumber);
      Value *depth = depthFrom(k0), *isLast = b.CreateICmpSGE(b.CreateAdd(k0, constant(kDepth)), k);
      Value *inGroup = b.CreateAnd(k0, constant(kGroupDepth - 1));
      Value *begin = b.CreateSelect(isLast, firstTile, zero), *end = b.CreateSelect(isLast, endTile, tilesDown);
      Value *nextDepth = maximum(depthFrom(nextK), zero), *nextPart = partOfB(nextK, nextColumn);
      Value *nextColumns = b.CreateSelect(b.CreateICmpSLT(nextK, k), columnsFrom(nextColumn), zero);
      Value *isOdd = b.CreateTrunc(step, b.getInt1Ty());
      Value *panels = b.CreateSelect(copiesB, b.CreateSelect(isOdd, oddPanels, evenPanels), partOfB(k0, column));
      Value *nextPanels = b.CreateSelect(isOdd, evenPanels, oddPanels);
      Value *corner = b.CreateGEP(memoryType(p.aType), fromA, b.CreateMul(k0, strideK));
      Value *left = b.CreateSelect(copiesA, a, corner);
      branch(b.CreateAnd(b.CreateAnd(copiesA, isFirst), b.CreateICmpEQ(column, zero)), [&] {
        b.CreateCall(functionType(2, 8), copyA,
                     {corner, a, strideM, strideK, rows, b.CreateMul(tilesDown, height), depth, roundUp(depth, kPanel),
                      strideA, constant(kPanel)});
      });

      // What a tile asks for, a line each few steps of K: a part of the next panels that are packed, as long as there
      // are any, then the lines of C that lie before the end of its rows.
      int64_t most = kDepth / kUnrolledSteps * kLine, parts = p.panelBytes() / most;
      Value *asked = b.CreateMul(b.CreateUDiv(depth, constant(kUnrolledSteps)), constant(kLine));
      Value *packedParts = b.CreateMul(b.CreateLShr(roundUp(nextColumns, kPanel), Log2_64(kPanel)), constant(parts));
      packedParts = b.CreateSelect(copiesB, zero, packedParts);
      Value *copied = b.CreateSelect(copiesB, nextDepth, zero);
      Value *strip = b.CreateMul(column, blockRows), *sums = b.CreateGEP(p.type, c, strip);
      Value *stripColumns = columnsFrom(column), *tilesAcross = divideUp(stripColumns, width);
      loop(begin, end, 1, [&](Value *number) {
        Value *firstRow = b.CreateMul(number, slice);
        branch(b.CreateICmpSLT(firstRow, copied), [&] {
          copyRows(b.CreateGEP(memoryType(p.bType), nextPart, b.CreateMul(firstRow, strideBK)),
                   b.CreateGEP(p.type, nextPanels, b.CreateMul(firstRow, constant(kPanel))),
                   minimum(slice, b.CreateSub(copied, firstRow)), nextColumns);
        });
        Value *i = b.CreateMul(number, height), *rowOfA = b.CreateGEP(p.type, left, b.CreateMul(i, strideA));
        Value *lastRow = b.CreateSub(b.CreateSub(rows, i), one);
        Value *rowsOfC = b.CreateGEP(p.type, sums, b.CreateMul(i, constant(kStrideC)));
        Value *endOfC = b.CreateGEP(p.type, rowsOfC, b.CreateMul(height, constant(kStrideC)));
        Value *linesOfC = b.CreateGEP(b.getInt8Ty(), endOfC, b.CreateNeg(asked));
        Value *firstPart = b.CreateMul(number, tilesAcross);
        loop(zero, tilesAcross, 1, [&](Value *across) {
          Value *part = b.CreateAdd(firstPart, across), *inPanel = b.CreateAnd(part, constant(parts - 1));
          Value *askedOfB = b.CreateGEP(p.type, nextPart, b.CreateMul(b.CreateLShr(part, Log2_64(parts)), panel));
          askedOfB = b.CreateGEP(b.getInt8Ty(), askedOfB, b.CreateMul(inPanel, constant(most)));
          Value *ahead = b.CreateSelect(b.CreateICmpSLT(part, packedParts), askedOfB, linesOfC);
          Value *j = b.CreateMul(across, width), *inPanels = b.CreateMul(b.CreateLShr(j, Log2_64(kPanel)), panel);
          Value *right = b.CreateGEP(p.type, panels, b.CreateAdd(inPanels, b.CreateAnd(j, constant(kPanel - 1))));
          // Where a tile's second panel does not exist, its first serves for columns that nobody reads.
          Value *hasNext = b.CreateICmpSLT(b.CreateAdd(j, constant(kPanel)), stripColumns);
          Value *nextPanel = b.CreateSelect(hasNext, panel, zero);
          b.CreateCall(
              functionType(4, 5), tile,
              {rowOfA, right, b.CreateGEP(p.type, rowsOfC, j), ahead, depth, inGroup, nextPanel, strideA, lastRow});
        });
      });
      Value *endsGroup = b.CreateOr(isLast, b.CreateICmpEQ(inGroup, constant(kGroupDepth - kDepth)));
      branch(b.CreateAnd(b.CreateICmpSGT(k, constant(kGroupDepth)), endsGroup), [&] {
        Value *rowsOfStrip = b.CreateMul(height, constant(kStrideC));
        addGroup(p, sums, b.CreateGEP(p.type, totals, strip), b.CreateICmpSLT(k0, constant(kGroupDepth)),
                 b.CreateMul(begin, rowsOfStrip), b.CreateMul(end, rowsOfStrip));
      });
    });
  });
}

// To the totals, which the sums of the first group are.
void KernelWriter::addGroup(MatrixTypes &p, Value *c, Value *totals, Value *isFirst, Value *begin, Value *end) {
  int outerLanes = std::exchange(lanes, kLanes);
  loop(begin, end, kLanes, [&](Value *i) {
    Value *total = b.CreateGEP(p.type, totals, i), *group = loadVector(p.type, b.CreateGEP(p.type, c, i), nullptr);
    Value *sum = add(loadVector(p.type, total, nullptr), group);
    storeVector(b.CreateSelect(isFirst, group, sum), total, nullptr);
  });
  lanes = outerLanes;
}

} // namespace weft::cpu
