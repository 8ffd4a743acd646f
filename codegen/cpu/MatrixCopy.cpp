// Copies of parts of A and B into scratch memory, in the order in which tiles read them. All products of a module share
// the functions.
#include "codegen/cpu/Product.h"

using namespace llvm;

namespace weft::cpu {

// Copies are functions (from, to, strideRow, strideColumn, rows, paddedRows, columns, paddedColumns, toStride, panel):
// element (r, c) goes from from[r * strideRow + c * strideColumn] to to[c / 64 * panel + r * toStride + c % 64],
// converted to the type of sums. Zeros go where r and c are not below `rows` and `columns`, up to the padded numbers of
// them; that of columns is a multiple of 64, or less.
Function *KernelWriter::copyFunctionFor(MatrixTypes &p, mlir::Type element, Value *strideRow, Value *strideColumn) {
  bool contiguous = isOne(strideColumn);
  return !contiguous && isOne(strideRow) ? transposeFunction(p, element) : copyFunction(p, element, contiguous);
}

static std::string helperName(const char *kind, mlir::Type element, Type *type, int64_t lanes) {
  std::string name;
  raw_string_ostream(name) << "weft_" << kind << '_' << element << '_' << *type << '_' << lanes;
  return name;
}

void KernelWriter::pack(kernel::PackOp op) {
  mlir::Type element = op.getB().getType().getElementType();
  MatrixTypes types(element, element, *this);
  Value *strideK = scalar(op.getBStrideK()), *strideN = scalar(op.getBStrideN()), *depth = scalar(op.getK());
  Value *columns = scalar(op.getColumns()), *rows = roundUp(depth, kPanelRows), *rounded = roundUp(columns, kPanel);
  Value *toStride = constant(kPanel), *panel = b.CreateMul(rows, toStride);
  if (op.getRowStride()) {
    rows = depth;
    panel = toStride;
    toStride = scalar(op.getRowStride());
    rounded = roundUp(columns, kLanes); // no zeros to fill a panel
  }
  b.CreateCall(copyFunctionFor(types, element, strideK, strideN),
               {pointer(op.getB(), scalar(op.getBBase())), pointer(op.getPanels(), scalar(op.getPanelsBase())), strideK,
                strideN, depth, rows, columns, rounded, toStride, panel});
}

// Rows often are pages apart, where the processor does not look ahead by itself: the copies ask for what is so many
// rows (or, of a transposed part, elements of a row) further on.
static constexpr int64_t kRowsAhead = 16, kElementsAhead = 32;

// By rows; vectors are loaded where the elements of a row are contiguous, else gathered.
Function *KernelWriter::copyFunction(MatrixTypes &p, mlir::Type element, bool contiguous) {
  return helper(helperName(contiguous ? "copy" : "gather", element, p.type, kLanes), 2, 8, [&](Function *f) {
    Value *from = f->getArg(0), *to = f->getArg(1), *strideRow = f->getArg(2), *rows = f->getArg(4),
          *columns = f->getArg(6);
    Value *strideColumn = contiguous ? constant(1) : f->getArg(3), *toStride = f->getArg(8), *panel = f->getArg(9);
    lanes = kLanes;
    Type *memory = memoryType(element);
    loop(constant(0), f->getArg(5), 1, [&](Value *r) {
      Value *valid = b.CreateSelect(b.CreateICmpSLT(r, rows), columns, constant(0));
      Value *source = b.CreateGEP(memory, from, b.CreateMul(r, strideRow));
      Value *later = b.CreateGEP(memory, source, b.CreateMul(strideRow, constant(kRowsAhead)));
      Value *target = b.CreateGEP(p.type, to, b.CreateMul(r, toStride));
      // A panel of the row from column c on, to where the panel lies.
      auto copy = [&](Value *c, Value *place, bool whole) {
        for (int64_t part = 0; part < kPanel; part += lanes) {
          Value *first = b.CreateAdd(c, constant(part)), *value;
          Value *mask = whole ? nullptr : firstLanes(b.CreateSub(valid, first));
          if (contiguous) {
            value = loadVector(memory, b.CreateGEP(memory, source, first), mask);
            prefetch(b.CreateGEP(memory, later, first));
          } else {
            Value *corner = b.CreateGEP(memory, source, b.CreateMul(first, strideColumn));
            Value *pointers = b.CreateGEP(memory, corner, vector(Lanes::linear(constant(0), strideColumn)));
            value = b.CreateMaskedGather(vectorType(memory), pointers, Align(memory->getScalarSizeInBits() / 8), mask,
                                         Constant::getNullValue(vectorType(memory)));
          }
          storeVector(widen(value, element), b.CreateGEP(p.type, place, constant(part)), nullptr);
        }
      };
      auto panels = [&](bool whole) {
        return [&, whole](Value *c, const Carried &place) {
          copy(c, place[0], whole);
          return Carried{b.CreateGEP(p.type, place[0], panel)};
        };
      };
      Value *whole = contiguous ? b.CreateAnd(valid, constant(-kPanel)) : constant(0);
      Carried place = loop(constant(0), whole, kPanel, {target}, panels(true));
      loop(whole, f->getArg(7), kPanel, place, panels(false));
    });
  });
}

// Columns are contiguous: a vector of rows is loaded from each of a few columns, the vectors are transposed and stored
// in parts.
Function *KernelWriter::transposeFunction(MatrixTypes &p, mlir::Type element) {
  return helper(helperName("transpose", element, p.type, p.vectorLanes), 2, 8, [&](Function *f) {
    Value *from = f->getArg(0), *to = f->getArg(1), *strideColumn = f->getArg(3), *rows = f->getArg(4),
          *columns = f->getArg(6);
    Value *toStride = f->getArg(8), *panel = f->getArg(9);
    lanes = int(p.vectorLanes);
    int part = std::min<int>(lanes, 128 / p.type->getScalarSizeInBits());
    Type *memory = memoryType(element);
    // The rows of half a panel that a vector of them covers stay in the first-level cache until they are complete.
    loop(constant(0), f->getArg(7), kPanel / 2, [&](Value *first) {
      Value *target = b.CreateGEP(p.type, to, b.CreateMul(b.CreateLShr(first, Log2_64(kPanel)), panel));
      target = b.CreateGEP(p.type, target, b.CreateAnd(first, constant(kPanel - 1)));
      Value *width = minimum(constant(kPanel / 2), b.CreateSub(f->getArg(7), first));
      Value *isWhole = b.CreateICmpSLE(b.CreateAdd(first, width), columns);
      Value *wholeRows = b.CreateSelect(isWhole, b.CreateAnd(rows, constant(-lanes)), constant(0));
      auto transpose = [&](Value *r, bool whole) {
        Value *rowOfPanel = b.CreateGEP(p.type, target, b.CreateMul(r, toStride));
        loop(constant(0), width, part, [&](Value *inPanel) {
          Value *c = b.CreateAdd(first, inPanel), *left = b.CreateSub(columns, c);
          Value *source = b.CreateGEP(memory, from, b.CreateAdd(r, b.CreateMul(c, strideColumn)));
          SmallVector<Value *, 16> vectors;
          for (int i = 0; i < part; ++i) {
            Value *valid = b.CreateSelect(b.CreateICmpSLT(constant(i), left), b.CreateSub(rows, r), constant(0));
            Value *start = b.CreateGEP(memory, source, b.CreateMul(constant(i), strideColumn));
            vectors.push_back(widen(loadVector(memory, start, whole ? nullptr : firstLanes(valid)), element));
            prefetch(b.CreateConstGEP1_64(memory, start, kElementsAhead));
          }
          Value *place = b.CreateGEP(p.type, rowOfPanel, inPanel);
          vectors = transposeParts(b, vectors);
          for (int row = 0; row < lanes; ++row) {
            storeVector(partOf(b, vectors[row % part], row / part, part), place, nullptr);
            place = b.CreateGEP(p.type, place, toStride);
          }
        });
      };
      loop(constant(0), wholeRows, lanes, [&](Value *r) { transpose(r, true); });
      loop(wholeRows, f->getArg(5), lanes, [&](Value *r) { transpose(r, false); });
    });
  });
}

} // namespace weft::cpu
