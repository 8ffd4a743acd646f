// A block of C = A * B in scratch memory, in strips of 128 columns. For each step of K register tiles (MatrixTile.cpp)
// run over rows of A and panels of 64 columns of B, adding to the strip what each 256 of K sum up to. B is packed
// before (kernel.pack) or copied here, part by part between the tiles that work on the strip before, so that memory and
// arithmetic are busy at once; or tiles read its rows where they are. A is copied where it is not of the type of the
// sums or its rows are not contiguous (MatrixCopy.cpp).
#include "codegen/cpu/Product.h"

using namespace llvm;

namespace weft::cpu {

// void (a, b, copy of a, two copies of a strip of b, c, totals, functions that copy a and b, tile, that of the last
// rows, a's strides, b's strides, k, that of a step, rows, columns, rows from a strip of c to the next, rows and
// columns of a tile, what the parts of b that are copied are a multiple of, first and end of the rows, K of a group):
// these rows of a block of C, and with the first of them all that comes before the last step. What is read where it is
// has no copy and no function. What depends on the layout is in the functions it is given, so that all products share
// it.
Function *KernelWriter::blockFunction(Product &p) {
  return helper(p.name("block"), 11, 15, [&](Function *f) {
    Value *mode = p.isPairs ? flushSubnormals() : nullptr;
    auto argument = [&](int i) -> Value * { return f->getArg(i); };
    Value *fromA = argument(0), *fromB = argument(1), *a = argument(2), *evenPanels = argument(3);
    Value *oddPanels = argument(4), *c = argument(5), *totals = argument(6), *copyA = argument(7), *copyB = argument(8);
    Value *tile = argument(9), *lastTile = argument(10), *strideM = argument(11), *strideK = argument(12);
    Value *strideBK = argument(13), *strideBN = argument(14), *k = argument(15), *stepDepth = argument(16);
    Value *rows = argument(17), *columns = argument(18), *blockRows = argument(19), *height = argument(20);
    Value *width = argument(21), *multiple = argument(22), *firstRow = argument(23), *endRow = argument(24);
    Value *groupDepth = argument(25);
    auto functionType = [&](unsigned pointers, unsigned integers) {
      SmallVector<Type *, 12> types(pointers, b.getPtrTy());
      types.append(integers, b.getInt64Ty());
      return FunctionType::get(b.getVoidTy(), types, false);
    };
    Value *zero = constant(0), *one = constant(1), *lessOne = b.CreateSub(multiple, one);
    Value *copiesA = b.CreateIsNotNull(copyA), *copiesB = b.CreateIsNotNull(copyB);
    Value *tilesDown = divideUp(rows, height), *firstTile = b.CreateUDiv(firstRow, height);
    Value *endTile = divideUp(endRow, height), *isFirst = b.CreateICmpEQ(firstTile, zero);
    Value *strips = divideUp(columns, constant(kStripColumns));
    Value *stepsOfK = maximum(divideUp(k, stepDepth), one);
    Value *strideA = b.CreateSelect(copiesA, constant(p.isTiles ? kStrideOfTiles : kStrideA), strideM);
    int64_t depthOfTile = p.isTiles ? kDepthOfTiles : kDepth;
    Value *panelOfB = b.CreateMul(strideBN, constant(kPanel));
    Value *panel = b.CreateSelect(copiesB, b.CreateMul(stepDepth, constant(kPanel)), panelOfB);
    Value *strideB = b.CreateSelect(copiesB, constant(kPanel), strideBK);
    // Rows of an A that is more than the second-level cache holds beside C are asked for a tile ahead.
    Value *bytesOfA = b.CreateMul(b.CreateMul(rows, k), constant(p.copied->getScalarSizeInBits() / 8));
    Value *isFar = b.CreateAnd(b.CreateNot(copiesA), b.CreateICmpSGT(bytesOfA, constant(kMostBlockBytes)));
    Value *laterRow = b.CreateSelect(isFar, b.CreateMul(height, strideM), zero);
    Value *slice = b.CreateAnd(b.CreateAdd(divideUp(stepDepth, tilesDown), lessOne), b.CreateNot(lessOne));

    auto partOfB = [&](Value *k0, Value *column) {
      Value *place = b.CreateAdd(b.CreateMul(column, strideBN), b.CreateMul(k0, strideBK));
      return b.CreateGEP(memoryType(p.bType), fromB, place);
    };
    auto inPanels = [&](Value *column, Value *panel) {
      Value *number = b.CreateLShr(column, Log2_64(kPanel)), *inPanel = b.CreateAnd(column, constant(kPanel - 1));
      return b.CreateAdd(b.CreateMul(number, panel), b.CreateMul(inPanel, constant(p.isDots ? 2 : 1)));
    };
    auto depthFrom = [&](Value *k0) { return minimum(stepDepth, b.CreateSub(k, k0)); };
    auto columnsFrom = [&](Value *column) { return minimum(constant(kStripColumns), b.CreateSub(columns, column)); };
    int64_t rowsTogether = p.isTiles ? kStepOfTiles : p.isPairs ? 2 : 1; // with zeros where there are not so many
    auto copyRows = [&](Value *k0, Value *column, Value *to, Value *count, Value *columns) {
      b.CreateCall(functionType(2, 10), copyB,
                   {fromB, to, strideBK, strideBN, k0, column, count, roundUp(count, rowsTogether), columns,
                    roundUp(columns, p.isTiles ? kSideOfTiles : kPanel), constant(kPanel), panel});
    };
    branch(b.CreateAnd(copiesB, isFirst),
           [&] { copyRows(zero, zero, evenPanels, depthFrom(zero), columnsFrom(zero)); });

    // Each step of K is taken for one strip of columns after the other.
    Value *steps = b.CreateMul(stepsOfK, strips);
    loop(b.CreateSelect(isFirst, zero, b.CreateSub(steps, strips)), steps, 1, [&](Value *step) {
      auto stepOfK = [&](Value *step) { return b.CreateUDiv(step, strips); };
      auto columnOf = [&](Value *step, Value *number) {
        return b.CreateMul(b.CreateSub(step, b.CreateMul(number, strips)), constant(kStripColumns));
      };
      Value *next = b.CreateAdd(step, one), *number = stepOfK(step), *nextNumber = stepOfK(next);
      Value *k0 = b.CreateMul(number, stepDepth), *nextK = b.CreateMul(nextNumber, stepDepth);
      Value *column = columnOf(step, number), *nextColumn = columnOf(next, nextNumber);
      Value *depth = depthFrom(k0), *isLast = b.CreateICmpSGE(b.CreateAdd(k0, stepDepth), k);
      Value *before = b.CreateAnd(k0, b.CreateSub(groupDepth, one)); // of K, in the group
      Value *begin = b.CreateSelect(isLast, firstTile, zero), *end = b.CreateSelect(isLast, endTile, tilesDown);
      Value *nextDepth = maximum(depthFrom(nextK), zero), *nextPart = partOfB(nextK, nextColumn);
      Value *nextColumns = b.CreateSelect(b.CreateICmpSLT(nextK, k), columnsFrom(nextColumn), zero);
      Value *isOdd = b.CreateTrunc(step, b.getInt1Ty());
      Value *panels = b.CreateSelect(copiesB, b.CreateSelect(isOdd, oddPanels, evenPanels), partOfB(k0, column));
      Value *nextPanels = b.CreateSelect(isOdd, evenPanels, oddPanels);
      Value *corner = b.CreateGEP(memoryType(p.aType), fromA, b.CreateMul(k0, strideK));
      Value *left = b.CreateSelect(copiesA, a, corner);
      branch(b.CreateAnd(b.CreateAnd(copiesA, isFirst), b.CreateICmpEQ(column, zero)), [&] {
        b.CreateCall(functionType(2, 10), copyA,
                     {fromA, a, strideM, strideK, zero, k0, rows, b.CreateMul(tilesDown, height), depth,
                      roundUp(depth, kPanel), strideA, constant(kPanel)});
      });

      // What a tile asks for, a line each few steps of K: the lines of C that lie before the end of its rows; but the
      // last tiles of a step, one line of each of 64 rows of B that the next step reads, or probably the next task.
      int64_t rowsOfPart = depthOfTile / kUnrolledSteps;
      int64_t inLine = kLine * 8 / memoryType(p.bType)->getScalarSizeInBits();
      Value *isEnd = b.CreateICmpSGE(nextK, k), *stripColumns = columnsFrom(column);
      Value *askedPart = b.CreateSelect(isEnd, partOfB(zero, columns), nextPart);
      Value *askedColumns = b.CreateSelect(isEnd, stripColumns, nextColumns);
      Value *askedDepth = b.CreateSelect(isEnd, depthFrom(zero), nextDepth);
      Value *partsOfRow = b.CreateOr(b.CreateUDiv(askedColumns, constant(inLine)), one);
      Value *partsLog2 = b.CreateSub(constant(63), b.CreateBinaryIntrinsic(Intrinsic::ctlz, partsOfRow, b.getTrue()));
      Value *parts = b.CreateShl(divideUp(askedDepth, constant(rowsOfPart)), partsLog2);
      parts = b.CreateSelect(copiesB, zero, parts); // which asks for its rows by itself
      Value *bytesOfRow = b.CreateMul(strideBK, constant(kLine / inLine));
      Value *copied = b.CreateSelect(copiesB, nextDepth, zero);
      Value *tilesAcross = divideUp(stripColumns, width);
      Value *tilesOfRow = b.CreateMul(tilesAcross, divideUp(depth, constant(depthOfTile)));
      Value *firstAsking = maximum(b.CreateSub(b.CreateMul(tilesDown, tilesOfRow), parts), zero);
      Value *strip = b.CreateMul(column, blockRows), *sums = b.CreateGEP(p.type, c, strip);
      loop(begin, end, 1, [&](Value *number) {
        Value *firstCopied = b.CreateMul(number, slice);
        branch(b.CreateICmpSLT(firstCopied, copied), [&] {
          copyRows(b.CreateAdd(nextK, firstCopied), nextColumn,
                   b.CreateGEP(p.copied, nextPanels, b.CreateMul(firstCopied, constant(kPanel))),
                   minimum(slice, b.CreateSub(copied, firstCopied)), nextColumns);
        });
        Value *i = b.CreateMul(number, height), *rowOfA = b.CreateGEP(p.copied, left, b.CreateMul(i, strideA));
        Value *lastRow = b.CreateSub(b.CreateSub(rows, i), one);
        Value *rowsOfC = b.CreateGEP(p.type, sums, b.CreateMul(i, constant(kStrideC)));
        Value *endOfC = b.CreateGEP(p.type, rowsOfC, b.CreateMul(height, constant(kStrideC)));
        Value *isLastTile = b.CreateICmpEQ(b.CreateAdd(number, one), tilesDown);
        Value *tileOfRows = b.CreateSelect(isLastTile, lastTile, tile);
        Value *firstPart = b.CreateSub(b.CreateMul(number, tilesOfRow), firstAsking);
        Value *isShort = b.CreateAnd(isLastTile, b.CreateICmpSLT(b.CreateAdd(lastRow, one), height));
        auto configure = [&](Value *rows) {
          if (p.isTiles)
            branch(isShort, [&] { configureTiles(rows); });
        };
        configure(b.CreateAdd(lastRow, one));
        // The sums of these rows stay in the first-level cache from one 256 of K to the next.
        loop(
            zero, depth, depthOfTile, {firstPart},
            [&](Value *inStep, Carried part) {
              Value *tileDepth = minimum(constant(depthOfTile), b.CreateSub(depth, inStep));
              Value *asked = b.CreateMul(b.CreateUDiv(tileDepth, constant(kUnrolledSteps)), constant(kLine));
              Value *linesOfC = b.CreateGEP(b.getInt8Ty(), endOfC, b.CreateNeg(asked));
              Value *blockOfA = b.CreateGEP(p.copied, rowOfA, b.CreateMul(inStep, strideK));
              return loop(zero, tilesAcross, 1, part, [&](Value *across, Carried part) {
                Value *group = b.CreateLShr(part[0], partsLog2), *row = b.CreateMul(group, constant(rowsOfPart));
                Value *inRow = b.CreateSub(part[0], b.CreateShl(group, partsLog2));
                Value *place = inPanels(b.CreateMul(inRow, constant(inLine)), panelOfB);
                place = b.CreateAdd(place, b.CreateMul(row, strideBK));
                Value *isOfB = b.CreateICmpSGE(part[0], zero);
                Value *ahead = b.CreateSelect(isOfB, b.CreateGEP(memoryType(p.bType), askedPart, place), linesOfC);
                Value *j = b.CreateMul(across, width);
                Value *right = b.CreateAdd(inPanels(j, panel), b.CreateMul(inStep, strideB));
                b.CreateCall(functionType(4, 7), tileOfRows,
                             {blockOfA, b.CreateGEP(p.copied, panels, right), b.CreateGEP(p.type, rowsOfC, j), ahead,
                              tileDepth, b.CreateAdd(before, inStep), strideA, lastRow, strideB,
                              b.CreateSelect(isOfB, bytesOfRow, constant(kLine)), laterRow});
                return Carried{b.CreateAdd(part[0], one)};
              });
            },
            /*atLeastOnce=*/true);
        configure(height);
      });
      Value *endsGroup = b.CreateOr(isLast, b.CreateICmpEQ(b.CreateAdd(before, stepDepth), groupDepth));
      branch(b.CreateAnd(b.CreateICmpSGT(k, groupDepth), endsGroup), [&] {
        Value *rowsOfStrip = b.CreateMul(height, constant(kStrideC));
        addGroup(p, sums, b.CreateGEP(p.type, totals, strip), b.CreateICmpSLT(k0, groupDepth),
                 b.CreateMul(begin, rowsOfStrip), b.CreateMul(end, rowsOfStrip));
      });
    });
    if (mode)
      setFloatMode(mode);
  });
}

// To the totals, which the sums of the first group are.
void KernelWriter::addGroup(MatrixTypes &p, Value *c, Value *totals, Value *isFirst, Value *begin, Value *end) {
  int outerLanes = std::exchange(lanes, kLanes);
  loop(begin, end, kLanes, [&](Value *i) {
    Value *total = b.CreateGEP(p.type, totals, i), *group = loadVector(p.type, b.CreateGEP(p.type, c, i), nullptr);
    Value *sum = add(loadVector(p.type, total, nullptr), group);
    sum = p.isPairs ? flushed(sum) : sum;
    storeVector(b.CreateSelect(isFirst, group, sum), total, nullptr);
  });
  lanes = outerLanes;
}

} // namespace weft::cpu
