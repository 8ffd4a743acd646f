// Copies of parts of A and B into scratch memory, in the order in which tiles read them. All products of a module share
// the functions.
#include "codegen/cpu/Product.h"

using namespace llvm;

namespace weft::cpu {

// Copies are functions (from, to, strideRow, strideColumn, row, column, rows, paddedRows, columns, paddedColumns,
// toStride, panel): element (r, c) goes from from[(row + r) * strideRow + (column + c) * strideColumn] to to[c / 64 *
// panel + r * toStride + c % 64], converted to the type of the copy. Zeros go where r and c are not below `rows` and
// `columns`, up to the padded numbers of them; that of columns is a multiple of 64, or less. Where the copy is in pairs
// it goes to to[c / 64 * panel + r / 2 * 2 * toStride + c % 64 * 2 + r % 2] instead. (Or by MatrixWindows.cpp: `from`
// then is a description.)
Function *KernelWriter::copyFunctionFor(const Copy &copy, Value *strideRow, Value *strideColumn) {
  bool contiguous = isOne(strideColumn);
  return !contiguous && isOne(strideRow) ? transposeFunction(copy) : copyFunction(copy, contiguous);
}

static std::string helperName(const char *kind, mlir::Type element, Type *type, bool isPairs, int64_t lanes) {
  std::string name;
  raw_string_ostream(name) << "weft_" << kind << '_' << element << '_' << *type << (isPairs ? "_pairs_" : "_") << lanes;
  return name;
}

void KernelWriter::pack(kernel::PackOp op) {
  Copy copy{op.getB().getType().getElementType(), type(op.getPanels().getType().getElementType()), false};
  copy.isPairs = copy.from.isBF16() && copy.to == type(copy.from) && !op.getRowStride();
  Value *strideK = scalar(op.getBStrideK()), *strideN = scalar(op.getBStrideN()), *depth = scalar(op.getK());
  Value *columns = scalar(op.getColumns()), *rows = roundUp(depth, kPanelRows), *rounded = roundUp(columns, kPanel);
  Value *toStride = constant(kPanel), *panel = b.CreateMul(rows, toStride);
  if (op.getRowStride()) {
    rows = depth;
    panel = toStride;
    toStride = scalar(op.getRowStride());
    rounded = roundUp(columns, kLanes); // no zeros to fill a panel
  }
  b.CreateCall(copyFunctionFor(copy, strideK, strideN),
               {pointer(op.getB(), scalar(op.getBBase())), pointer(op.getPanels(), scalar(op.getPanelsBase())), strideK,
                strideN, constant(0), constant(0), depth, rows, columns, rounded, toStride, panel});
}

// Where the copy begins.
static Value *corner(IRBuilder<> &b, Type *memory, Function *f) {
  Value *row = b.CreateMul(f->getArg(4), f->getArg(2)), *column = b.CreateMul(f->getArg(5), f->getArg(3));
  return b.CreateGEP(memory, f->getArg(0), b.CreateAdd(row, column));
}

// Widened, or narrowed where it was bf16 that was widened before.
Value *KernelWriter::converted(Value *value, const Copy &kind) {
  if (kind.to == memoryType(kind.from))
    return value;
  if (!kind.to->isIntegerTy(16))
    return widen(value, kind.from);
  Value *bits = b.CreateBitCast(value, VectorType::getInteger(cast<VectorType>(value->getType())));
  return b.CreateTrunc(b.CreateLShr(bits, 16), cast<VectorType>(bits->getType())->getWithNewType(kind.to));
}

// Rows often are pages apart, where the processor does not look ahead by itself: the copies ask for what is so many
// rows (or, of a transposed part, elements of a row) further on.
static constexpr int64_t kRowsAhead = 16, kElementsAhead = 32;

// By rows; vectors are loaded where the elements of a row are contiguous, else gathered.
Function *KernelWriter::copyFunction(const Copy &kind, bool contiguous) {
  std::string name = helperName(contiguous ? "copy" : "gather", kind.from, kind.to, kind.isPairs, kLanes);
  return helper(name, 2, 10, [&](Function *f) {
    Type *memory = memoryType(kind.from);
    Value *from = corner(b, memory, f), *to = f->getArg(1), *strideRow = f->getArg(2), *rows = f->getArg(6),
          *columns = f->getArg(8);
    Value *strideColumn = contiguous ? constant(1) : f->getArg(3), *toStride = f->getArg(10), *panel = f->getArg(11);
    int64_t together = kind.isPairs ? 2 : 1;
    lanes = int(contiguous && memory->getScalarSizeInBits() == 16 && kind.to == memory ? 2 * kLanes : kLanes);
    loop(constant(0), f->getArg(7), together, [&](Value *r) {
      auto validIn = [&](Value *row) { return b.CreateSelect(b.CreateICmpSLT(row, rows), columns, constant(0)); };
      Value *valid = validIn(r), *next = b.CreateAdd(r, constant(1)), *validNext = kind.isPairs ? validIn(next) : valid;
      Value *source = b.CreateGEP(memory, from, b.CreateMul(r, strideRow));
      Value *nextSource = b.CreateGEP(memory, source, strideRow);
      Value *target = b.CreateGEP(kind.to, to, b.CreateMul(r, toStride));
      auto loadElements = [&](Value *source, Value *first, Value *mask) -> Value * {
        if (contiguous) {
          Value *later = b.CreateGEP(memory, source, b.CreateMul(strideRow, constant(kRowsAhead)));
          prefetch(b.CreateGEP(memory, later, first), /*level=*/kind.to == memory ? 2 : 1);
          return loadVector(memory, b.CreateGEP(memory, source, first), mask);
        }
        Value *corner = b.CreateGEP(memory, source, b.CreateMul(first, strideColumn));
        Value *pointers = b.CreateGEP(memory, corner, vector(Lanes::linear(constant(0), strideColumn)));
        return b.CreateMaskedGather(vectorType(memory), pointers, Align(memory->getScalarSizeInBits() / 8), mask,
                                    Constant::getNullValue(vectorType(memory)));
      };
      auto load = [&](Value *source, Value *first, Value *mask) {
        return converted(loadElements(source, first, mask), kind);
      };
      // A panel of the row from column c on, to where the panel lies.
      auto copy = [&](Value *c, Value *place, bool whole) {
        for (int64_t part = 0; part < kPanel; part += lanes) {
          Value *first = b.CreateAdd(c, constant(part));
          auto mask = [&](Value *valid) { return whole ? nullptr : firstLanes(b.CreateSub(valid, first)); };
          Value *value = load(source, first, mask(valid)),
                *target = b.CreateGEP(kind.to, place, constant(part * together));
          if (!kind.isPairs) {
            storeVector(value, target, nullptr);
            continue;
          }
          Value *next = load(nextSource, first, mask(validNext));
          for (int half : {0, 1}) {
            SmallVector<int> inTurn;
            for (int i = 0; i < lanes; ++i)
              inTurn.push_back(half * lanes / 2 + i / 2 + i % 2 * lanes);
            storeVector(b.CreateShuffleVector(value, next, inTurn), target, nullptr);
            target = b.CreateConstGEP1_64(kind.to, target, lanes);
          }
        }
      };
      auto panels = [&](bool whole) {
        return [&, whole](Value *c, const Carried &place) {
          copy(c, place[0], whole);
          return Carried{b.CreateGEP(kind.to, place[0], panel)};
        };
      };
      Value *whole = contiguous ? b.CreateAnd(validNext, constant(-kPanel)) : constant(0);
      Carried place = loop(constant(0), whole, kPanel, {target}, panels(true));
      loop(whole, f->getArg(9), kPanel, place, panels(false));
    });
  });
}

// Columns are contiguous: a vector of rows is loaded from each of a few columns, the vectors are transposed and stored
// in parts.
Function *KernelWriter::transposeFunction(const Copy &kind) {
  int64_t together = kind.isPairs ? 2 : 1, bits = kind.to->getScalarSizeInBits() * together;
  int64_t rowsOfVector = std::min<int64_t>(target.vectorBytes * 8 * together / bits, kLanes);
  return helper(helperName("transpose", kind.from, kind.to, kind.isPairs, rowsOfVector), 2, 10, [&](Function *f) {
    Type *memory = memoryType(kind.from);
    Value *from = corner(b, memory, f), *to = f->getArg(1), *strideColumn = f->getArg(3), *rows = f->getArg(6),
          *columns = f->getArg(8);
    Value *toStride = f->getArg(10), *panel = f->getArg(11);
    lanes = int(rowsOfVector);
    int words = lanes / int(together), part = std::min<int>(words, 128 / int(bits));
    // The rows of half a panel that a vector of them covers stay in the first-level cache until they are complete.
    loop(constant(0), f->getArg(9), kPanel / 2, [&](Value *first) {
      auto inPair = [&](Value *column) { return b.CreateMul(column, constant(together)); };
      Value *target = b.CreateGEP(kind.to, to, b.CreateMul(b.CreateLShr(first, Log2_64(kPanel)), panel));
      target = b.CreateGEP(kind.to, target, inPair(b.CreateAnd(first, constant(kPanel - 1))));
      Value *width = minimum(constant(kPanel / 2), b.CreateSub(f->getArg(9), first));
      Value *isWhole = b.CreateICmpSLE(b.CreateAdd(first, width), columns);
      Value *wholeRows = b.CreateSelect(isWhole, b.CreateAnd(rows, constant(-lanes)), constant(0));
      auto transpose = [&](Value *r, bool whole) {
        Value *rowOfPanel = b.CreateGEP(kind.to, target, b.CreateMul(r, toStride));
        loop(constant(0), width, part, [&](Value *inPanel) {
          Value *c = b.CreateAdd(first, inPanel), *left = b.CreateSub(columns, c);
          Value *source = b.CreateGEP(memory, from, b.CreateAdd(r, b.CreateMul(c, strideColumn)));
          SmallVector<Value *, 16> vectors;
          for (int i = 0; i < part; ++i) {
            Value *valid = b.CreateSelect(b.CreateICmpSLT(constant(i), left), b.CreateSub(rows, r), constant(0));
            Value *start = b.CreateGEP(memory, source, b.CreateMul(constant(i), strideColumn));
            Value *value = converted(loadVector(memory, start, whole ? nullptr : firstLanes(valid)), kind);
            if (kind.isPairs)
              value = b.CreateBitCast(value, FixedVectorType::get(b.getInt32Ty(), words));
            vectors.push_back(value);
            prefetch(b.CreateConstGEP1_64(memory, start, kElementsAhead));
          }
          Value *place = b.CreateGEP(kind.to, rowOfPanel, inPair(inPanel));
          vectors = transposeParts(b, vectors);
          for (int row = 0; row < words; ++row) {
            storeVector(partOf(b, vectors[row % part], row / part, part), place, nullptr);
            place = b.CreateGEP(kind.to, place, inPair(toStride));
          }
        });
      };
      loop(constant(0), wholeRows, lanes, [&](Value *r) { transpose(r, true); });
      loop(wholeRows, f->getArg(7), lanes, [&](Value *r) { transpose(r, false); });
    });
  });
}

} // namespace weft::cpu
