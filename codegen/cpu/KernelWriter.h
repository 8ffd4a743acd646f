// One walk over a kernel.func that writes an LLVM function (WeftKernel of runtime/Abi.h). The walk is in
// KernelWriter.cpp, scalar operations in Arithmetic.cpp, loads and stores in Memory.cpp, reductions in Reduce.cpp,
// matrix products in Contract.cpp.
#pragma once
#include "codegen/cpu/Lanes.h"
#include "codegen/cpu/Target.h"
#include "ir/kernel/KernelDialect.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace weft::cpu {

using Accumulator = llvm::SmallVector<llvm::Value *, 2>; // a value, or a value and its index

class KernelWriter {
public:
  KernelWriter(llvm::Module &module, const Target &target);

  // Adds the function to the module. Returns the bytes of scratch memory that a call needs.
  int64_t write(kernel::FuncOp func);

private:
  using Value = llvm::Value;
  static constexpr int kLanes = 16, kMostLanes = 4 * kLanes;
  static constexpr int64_t kLine = 64; // bytes of the caches' lines

  // ---- the walk (KernelWriter.cpp)
  void block(mlir::Block &block);
  void operation(mlir::Operation *op);
  void forLoop(kernel::ForOp op);
  // Runs run(index), which writes `body`, for [lower, upper) in vectors of lanes.
  void laneLoop(Value *lower, Value *upper, mlir::Block &body, llvm::function_ref<void(Lanes)> run);
  // for (i = lower; i < upper; i += step) carried = body(i, carried); gives what is carried in the end.
  using Carried = llvm::SmallVector<Value *, 4>;
  Carried loop(Value *lower, Value *upper, int64_t step, const Carried &initial,
               llvm::function_ref<Carried(Value *, const Carried &)> body, bool atLeastOnce = false);
  void loop(Value *lower, Value *upper, int64_t step, llvm::function_ref<void(Value *)> body);
  void branch(Value *condition, llvm::function_ref<void()> then);
  // Carried values go through `then` if the condition holds.
  Carried branch(Value *condition, const Carried &carried, llvm::function_ref<Carried(const Carried &)> then);
  int64_t reserveScratch(int64_t bytes); // gives the offset
  Value *reserveScratch(llvm::Type *element, int64_t count);
  Value *reserveScratch(llvm::Type *element, int64_t count, Value *times); // of so many elements, so many times
  llvm::AllocaInst *stackArray(llvm::Type *element, int64_t count);

  // ---- bodies of lane loops (LaneBody.cpp)
  bool isLong(mlir::Block &body) const;
  int lanesFor(mlir::Block &body, Value *count) const;
  llvm::SmallVector<mlir::Operation *> inOrder(mlir::Block &body) const;

  // ---- values (Values.cpp)
  llvm::Type *type(mlir::Type type);       // in registers: f16 and bf16 are i16
  llvm::Type *memoryType(mlir::Type type); // i1 is i8
  llvm::VectorType *vectorType(llvm::Type *element) { return llvm::FixedVectorType::get(element, lanes); }
  Value *constant(int64_t value) { return b.getInt64(value); }
  const Lanes &get(mlir::Value value);
  Value *scalar(mlir::Value value); // of a uniform value
  Value *vector(const Lanes &value);
  Value *vector(mlir::Value value) { return vector(get(value)); }
  Value *laneNumbers(llvm::IntegerType *type);
  Value *firstLanes(Value *count);         // mask of the lanes below count
  llvm::DenseMap<Value *, Value *> counts; // of such masks, where they are not constants
  Value *minimum(Value *a, Value *b);
  Value *maximum(Value *a, Value *b);
  // f16 and bf16 to f32 and back, scalars and vectors; other types pass.
  Value *widen(Value *value, mlir::Type type);
  // hasShortNan: no NaN has bits that bf16 lacks, or none of the results for a NaN is used.
  Value *narrow(Value *value, mlir::Type type, bool hasShortNan = false);
  Value *upperHalves(Value *words);

  // ---- arith and math (Arithmetic.cpp)
  bool arithmetic(mlir::Operation *op); // false: not an operation of these dialects
  Lanes linearArithmetic(mlir::Operation *op);
  bool isAligned(const Lanes &value) const;
  static bool isMultiple(Value *value, Value *of); // whether it is known to be
  Value *compute(mlir::Operation *op, llvm::ArrayRef<Value *> operands);
  Value *compareIndices(mlir::arith::CmpIOp op);
  Value *compareFloats(mlir::arith::CmpFPredicate predicate, Value *x, Value *y);
  Value *divideIndices(mlir::Operation *op);
  Value *divide(mlir::Operation *op, Value *x, Value *y);
  Value *convert(mlir::Operation *op, Value *x, mlir::Type from, mlir::Type to);

  // ---- quotients by a number that is known before the lane loop (Quotients.cpp)
  bool dividesByOne(mlir::Operation *op) const;
  Value *quotientsByOne(mlir::arith::DivFOp op);
  llvm::DenseSet<Value *> ofOneNan; // quotients whose NaNs are the one of results

  Value *remainder(Value *dividend, Value *by); // Remainders.cpp
  Value *copySign(Value *magnitude, Value *sign);

  // ---- instructions of AVX-512; elsewhere the same results (Avx512.cpp)
  int elementsOfRegister(Value *vector) const;
  llvm::SmallVector<Value *> registersOf(Value *vector);
  Value *addHalf(Value *bits); // of the last place of bf16
  Value *extremum(bool isMax, Value *x, Value *y);
  Value *select(Value *condition, Value *x, Value *y);

  // ---- memory (Memory.cpp)
  void load(kernel::LoadOp op);
  // The elements at an index that is not uniform, as they are in memory.
  Value *loadLanes(mlir::Value buffer, const Lanes &index, Value *mask, Value *otherwise = nullptr);
  void store(kernel::StoreOp op);
  Value *mask(mlir::Value condition); // the lane loop's mask and the condition; null: all lanes
  Value *pointer(mlir::Value buffer, Value *index);
  Value *gatherPointers(mlir::Value buffer, const Lanes &index);
  Value *loadVector(llvm::Type *element, Value *pointer, Value *mask, Value *otherwise = nullptr);
  // Every other element: of two vectors, whose masks are those of the lanes, with what is between left out.
  std::pair<Value *, Value *> everyOther(Value *mask);
  Value *loadEveryOther(llvm::Type *element, Value *pointer, std::pair<Value *, Value *> masks);
  // Every other element of two vectors side by side, in the upper one from its first element or the next on.
  Value *everyOtherOf(Value *lower, Value *upper, int firstOfUpper);
  // A mask in the form in which loads of this type take it, null where they take it as it is; for loads in a loop,
  // where LLVM would make the one of the other each time.
  Value *maskWords(llvm::Type *element, Value *mask);
  Value *loadMasked(llvm::Type *element, Value *pointer, Value *mask, Value *words);
  void storeVector(Value *value, Value *pointer, Value *mask);
  Value *reversed(Value *vector);
  // Through the stack, where there are no masks for elements of this size.
  Value *loadFirst(llvm::Type *element, Value *pointer, Value *count, Value *otherwise);
  void storeFirst(Value *value, Value *pointer, Value *count);
  void copyElements(llvm::Type *element, Value *from, Value *to, Value *count);
  void prefetch(Value *address, int level = 1, bool write = false); // into the cache of that level

  // ---- what will be needed (Prefetch.cpp)
  struct RowAhead {
    mlir::Value buffer, row, length;
    int firstQuarter, quarters; // of the row: one or two
    bool write;                 // the row itself is going to be written; else the next one is going to be read
  };
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<RowAhead, 2>> rowsAhead; // by the loop that asks for them
  llvm::MapVector<mlir::Value, llvm::Value *> nextRows;                        // by the number of a row in its loop
  void findPrefetches(kernel::ForOp rows);
  void findNextRows(kernel::ForOp rows, llvm::Value *index);
  void prefetchRows(mlir::Operation *loop, const Lanes &index);
  // Where a product's epilogue is going to store so many rows later.
  void prefetchResults(kernel::ContractOp op, const Lanes &column, int64_t rowsAhead);
  // Of a load of whole vectors from `place` on.
  void prefetchAhead(kernel::LoadOp load, Value *place);
  void prefetchLines(Value *place, int64_t bytes, bool write);

  void transpose(kernel::TransposeOp op); // Transpose.cpp
  void compact(kernel::CompactOp op);     // Compact.cpp

  // ---- reductions (Reduce.cpp)
  struct Reduction;
  void reduce(kernel::ReduceOp op);
  llvm::DenseSet<mlir::Operation *> joined; // to one that came before
  llvm::SmallVector<kernel::ReduceOp> together(kernel::ReduceOp op);
  // Of several with elements of one type: their results.
  llvm::SmallVector<Accumulator, 2> reduceAcross(llvm::MutableArrayRef<Reduction> reductions, Value *upper);
  Accumulator reduceWithin(Reduction &r, Value *upper);
  llvm::SmallVector<Accumulator, 2> reduceBlock(llvm::MutableArrayRef<Reduction> reductions, Value *lower,
                                                Value *upper);
  llvm::SmallVector<Accumulator, 2>
  combineBlocks(llvm::MutableArrayRef<Reduction> reductions, Value *upper,
                llvm::function_ref<llvm::SmallVector<Accumulator, 2>(Value *, Value *)> blockResults);
  void fill(Reduction &r, llvm::AllocaInst *array, llvm::Type *element);
  Value *tree(Reduction &r, llvm::AllocaInst *array, llvm::Type *element, int64_t count);
  Accumulator tree(Reduction &r, llvm::MutableArrayRef<Accumulator> positions);
  Accumulator acrossVector(Reduction &r, Accumulator vector);

  // ---- matrix products (Contract.cpp, MatrixBlock.cpp, MatrixTile.cpp, MatrixCopy.cpp)
  struct MatrixTypes;
  struct Product;
  void contract(kernel::ContractOp op);
  void pack(kernel::PackOp op);
  // Up to a multiple of a power of two.
  Value *roundUp(Value *value, int64_t multiple) {
    return b.CreateAnd(b.CreateAdd(value, constant(multiple - 1)), constant(-multiple));
  }
  Value *divideUp(Value *value, Value *size) {
    return b.CreateUDiv(b.CreateSub(b.CreateAdd(value, size), constant(1)), size);
  }
  // Runs body(first) for [begin, end) in blocks of `size`; one: there is never more than one.
  void blocks(Value *begin, Value *end, int64_t size, bool one, llvm::function_ref<void(Value *)> body);
  // The epilogue for `columns` results of a row; `sums` gives the vector of them that begins at the n-th. If it comes
  // for so many rows at a time, those of the next time are asked for.
  void epilogue(kernel::ContractOp op, Value *row, Value *firstColumn, Value *columns,
                llvm::function_ref<Value *(Value *)> sums, int64_t rowsAhead = 0);
  void epilogueOfImages(kernel::ContractOp op, Value *row, Value *firstColumn, Value *columns,
                        llvm::function_ref<Value *(Value *)> sums);
  Value *multiplyAdd(Value *x, Value *y, Value *sum);
  // Of vectors of pairs of bf16, each an i32: as multiplyAdd of the upper halves, then of the lower.
  Value *dotAdd(Value *x, Value *y, Value *sum);
  // From here on subnormal numbers are zeros, operands and results, in what is called; gives where the mode is that was
  // found. Processors that have none with the same results write more instructions instead, for the two below.
  Value *flushSubnormals();
  void setFloatMode(Value *mode);
  Value *multiplyAddWithoutSubnormals(Value *x, Value *y, Value *sum);
  Value *flushed(Value *sum);
  Value *add(Value *x, Value *y);
  // Functions that all products of a module share; `body` is called with the new function as the current one.
  llvm::Function *helper(const std::string &name, unsigned pointers, unsigned integers,
                         llvm::function_ref<void(llvm::Function *)> body);
  void contractBlock(kernel::ContractOp op, Product &p, Value *windows, Value *row, Value *rows, Value *column,
                     Value *columns);
  Value *readsRows(kernel::ContractOp op, Product &p, Value *fromB, Value *rows, Value *columns);
  llvm::Function *blockFunction(Product &p);
  void addGroup(MatrixTypes &p, Value *c, Value *totals, Value *isFirst, Value *begin, Value *end);
  llvm::Function *tileFunction(Product &p, int64_t rows);
  llvm::Function *matrixTilesFunction(Product &p); // by AMX (MatrixTiles.cpp)
  void configureTiles(Value *rows);
  void releaseTiles();
  struct Copy {
    mlir::Type from;
    llvm::Type *to; // that of sums, or that of `from` in registers
    bool isPairs;   // rows 2i and 2i + 1 become one, whose neighbours are elements of a column
  };
  Value *converted(Value *value, const Copy &kind);
  llvm::Function *copyFunctionFor(const Copy &copy, Value *strideRow, Value *strideColumn);
  llvm::Function *copyFunction(const Copy &copy, bool contiguous);
  llvm::Function *transposeFunction(const Copy &copy);
  // Windows of a convolution (MatrixWindows.cpp): the description, which is that of a part from a row and column on,
  // and the function that copies from it.
  Value *describeWindows(kernel::ContractOp op);
  void beginWindows(Value *description, Value *row, Value *column);
  llvm::Function *windowsFunction(MatrixTypes &p, mlir::Type element);

  // ---- windows whose rows are read where they are (WindowRows.cpp)
  struct RowWindows;
  void contractWindowRows(kernel::ContractOp op);
  llvm::Function *rowTableFunction();
  llvm::Function *windowTileFunction(RowWindows &p);
  llvm::Function *windowBlockFunction(RowWindows &p);
  llvm::Function *windowColumnsFunction(RowWindows &p);
  llvm::Function *windowColumnsBlockFunction(RowWindows &p);
  void storeTile(RowWindows &p, Value *c, Carried sums, Value *goesOn);
  void endGroup(RowWindows &p, Value *c, Value *totals, Value *k0, Value *depth, Value *k, Value *elements);

  // ---- products of few rows (MatrixRows.cpp)
  struct RowsProduct;
  struct RowsOperands;
  struct RowsChain;
  bool hasFewRows(kernel::ContractOp op);
  void contractRows(kernel::ContractOp op);
  llvm::Function *rowsFunction(RowsProduct &p);
  void copyRows(RowsProduct &p, const RowsOperands &x);
  Value *elementOfA(RowsProduct &p, const RowsOperands &x, int64_t row, Value *k, int64_t next);
  void clear(RowsProduct &p, Value *sums, Value *columns);
  Value *multiplyAddTo(MatrixTypes &p, Value *x, Value *y, Value *sum);
  Value *addBlock(MatrixTypes &p, Value *total, Value *chain);
  void addZeros(Carried &sums); // what the product of zeros that ends an odd K does
  void sumPanel(RowsProduct &p, const RowsOperands &x);
  void sumBlocksOfPanel(RowsProduct &p, const RowsOperands &x, int64_t blocks);
  void sumAlongN(RowsProduct &p, const RowsOperands &x);
  void addRowsOfB(RowsProduct &p, const RowsOperands &x, Value *chains, Value *k, int64_t count);
  void sumAlongK(RowsProduct &p, RowsOperands x);
  void sumTwoVectors(RowsProduct &p, const RowsOperands &x, Value *column);
  void sumOneVector(RowsProduct &p, const RowsOperands &x, Value *column, int64_t blocks);
  llvm::SmallVector<Value *, 16> loadRows(RowsProduct &p, llvm::ArrayRef<Value *> rows);
  void askForRows(RowsProduct &p, const RowsOperands &x, const RowsChain &chain, Value *k);
  void addProducts(RowsProduct &p, const RowsOperands &x, llvm::ArrayRef<RowsChain> chains, int64_t first,
                   llvm::ArrayRef<Value *> right, Value *k, int64_t next, Carried &sums);
  Carried addVectors(RowsProduct &p, const RowsOperands &x, llvm::ArrayRef<RowsChain> chains, Value *from, Value *to,
                     const Carried &sums);
  llvm::Function *lastRowsFunction(RowsProduct &given);
  Carried addLastVector(RowsProduct &p, const RowsOperands &x, llvm::ArrayRef<RowsChain> chains, int64_t first,
                        Value *whole, Value *depth, const Carried &sums);
  Carried addRest(RowsProduct &p, const RowsOperands &x, llvm::ArrayRef<RowsChain> chains, Value *whole, Value *depth,
                  Carried sums);
  Carried beginSums(RowsProduct &p, const RowsOperands &x, llvm::ArrayRef<Value *> places);
  void endSums(RowsProduct &p, const RowsOperands &x, Carried sums, llvm::ArrayRef<Value *> places);
  void chainsOfDots(RowsProduct &p, const RowsOperands &x);
  void addDots(RowsProduct &p, const RowsOperands &x, Value *block);
  Value *loadColumns(RowsProduct &p, Value *row, Value *n, Value *strideN, Value *mask);
  llvm::SmallVector<Value *, 16> transpose(llvm::SmallVector<Value *, 16> vectors);

  llvm::Module &module;
  const Target &target;
  llvm::IRBuilder<> b; // folds constants only: more would look through phis that are not complete yet
  llvm::Function *function = nullptr;
  llvm::DenseMap<mlir::Value, Lanes> values;
  Value *scratch = nullptr;
  int64_t scratchBytes = 0, mostScratchBytes = 0; // reserved now, and ever
  int64_t roundedBytes = 0;                       // of scratch memory of symbolic size
  int lanes = 1;                                  // of the lane loop the walk is in; 1 outside
  Value *laneMask = nullptr;                      // the lanes that are in range; null: all
  bool inLanes() const { return lanes > 1; }
};

// Of as many vectors as a part has elements (Transpose.cpp): element i of part p of vector c of the result is element c
// of part p of vector i. Parts have 128 bits.
llvm::SmallVector<llvm::Value *, 16> transposeParts(llvm::IRBuilder<> &b, llvm::SmallVector<llvm::Value *, 16> vectors);
llvm::Value *partOf(llvm::IRBuilder<> &b, llvm::Value *vector, int part, int size);

[[noreturn]] void unsupported(mlir::Operation *op, const llvm::Twine &what);

} // namespace weft::cpu
