// What loops ask for before they need it.
//
// Rows that are read more than once: the first loop over a row waits for memory, the later ones compute on what is then
// in the cache. So the second one asks for half of the next row, and the last one for the other half; and where a
// result is stored by the last loop alone, those before ask for its row: memory is busy all the time, with as many
// lines as the processor can wait for. (softmax of 4096 x 1024, of the bandwidth of a triad in the same minutes: 60 %
// without any, 85 % where the second loop alone asks for the result's row, for half of it, 89 % with this.)
//
// Results of matrix products: each row is written once, and is mostly in no cache. Where a product is finished tile row
// by tile row, the results of the next one are asked for with those of this one. (1024 x 1024 x 1024: 2 %.)
//
// And long bodies of lane loops: the loads of a short one are many, and the processor prefetches for them; a long one
// fills the window of the operations that the processor looks at. (GELU of 2048 x 2048: 2.3 ms without, 2.0 ms with.)
// One of several arrays does so earlier. (A step of Adam over 12 x 1024 x 1024 parameters: 6.6 ms without, 5.3 ms
// with.)
//
// What else a kernel asks for it says itself (ir/kernel/Prefetch.h): rows that are named by data.
#include "codegen/cpu/KernelWriter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace llvm;
namespace arith = mlir::arith;

namespace weft::cpu {

// The value other than `known` in a sum or product of the two; null where `value` is none.
template <class Op> static mlir::Value otherOperand(mlir::Value value, mlir::Value known) {
  auto op = value.getDefiningOp<Op>();
  if (!op || (op.getLhs() != known && op.getRhs() != known))
    return {};
  return op.getLhs() == known ? op.getRhs() : op.getLhs();
}

// Whether a value follows from the index of a loop by arithmetic alone; if not, it must not be asked for ahead of time.
static bool isArithmetic(mlir::Value value, mlir::Block *body) {
  mlir::Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != body)
    return true;
  return mlir::isa<arith::ArithDialect>(op->getDialect()) &&
         all_of(op->getOperands(), [&](mlir::Value operand) { return isArithmetic(operand, body); });
}

// Whether the index is that of element `i` of a row, number * length + i, where the number changes in `body`, and rows
// are neither so short that they are next to the processor's own prefetching nor as long as the cache.
static bool findRow(mlir::Block *body, mlir::Value index, mlir::Value i, mlir::Value &number, mlir::Value &length) {
  constexpr int64_t kShortRow = 128, kLongRow = 16384;
  mlir::Value start = otherOperand<arith::AddIOp>(index, i);
  auto product = start ? start.getDefiningOp<arith::MulIOp>() : nullptr;
  if (!product)
    return false;
  number = product.getLhs(), length = product.getRhs();
  if (number.getParentBlock() != body)
    std::swap(number, length);
  if (number.getParentBlock() != body || length.getParentBlock() == body || !isArithmetic(number, body))
    return false;
  auto known = length.getDefiningOp<arith::ConstantIndexOp>();
  return !known || (known.value() >= kShortRow && known.value() <= kLongRow);
}

void KernelWriter::findPrefetches(kernel::ForOp rows) {
  struct Buffer {
    mlir::Value buffer, row, length;
    SmallVector<mlir::Operation *> reads, writes; // the loops
  };
  SmallVector<Buffer> buffers;
  SmallVector<mlir::Operation *> loops;
  mlir::Operation *last = nullptr;
  auto note = [&](mlir::Operation &loop, mlir::Value buffer, mlir::Value index, bool write) {
    mlir::Value row, length;
    if (!findRow(&rows.getBody().front(), index, loop.getRegion(0).getArgument(0), row, length))
      return;
    last = &loop;
    auto found = find_if(buffers, [&](const Buffer &b) { return b.buffer == buffer; });
    Buffer &known =
        found != buffers.end() ? *found : (buffers.push_back({buffer, row, length, {}, {}}), buffers.back());
    auto &loops = write ? known.writes : known.reads;
    if (loops.empty() || loops.back() != &loop)
      loops.push_back(&loop);
  };
  for (mlir::Operation &op : rows.getBody().front()) {
    if (op.getNumRegions() != 1 || op.getRegion(0).getNumArguments() != 1)
      continue;
    loops.push_back(&op);
    for (auto load : op.getRegion(0).getOps<kernel::LoadOp>())
      note(op, load.getBuffer(), load.getIndex(), false);
    for (auto store : op.getRegion(0).getOps<kernel::StoreOp>())
      note(op, store.getBuffer(), store.getIndex(), true);
  }
  auto ask = [&](mlir::Operation *loop, const Buffer &b, int firstQuarter, int quarters, bool write) {
    if (!write)
      nextRows[b.row] = nullptr;
    rowsAhead[loop].push_back({b.buffer, b.row, b.length, firstQuarter, quarters, write});
  };
  mlir::Operation *first = nullptr, *second = nullptr;
  for (const Buffer &b : buffers)
    if (b.reads.size() > 1) {
      first = b.reads[0];
      second = b.reads[1];
      ask(second, b, 0, 2, /*write=*/false);
      ask(last, b, 2, 2, /*write=*/false);
    }
  for (const Buffer &b : buffers) {
    if (!second || second == last || !b.reads.empty() || b.writes.size() != 1 || b.writes[0] != last)
      continue;
    mlir::Operation *third = *std::next(find(loops, second));
    if (third == last) {
      ask(second, b, 0, 2, /*write=*/true);
      continue;
    }
    ask(first, b, 0, 1, /*write=*/true);
    ask(second, b, 1, 2, /*write=*/true);
    ask(third, b, 3, 1, /*write=*/true);
  }
}

// What the rows of a loop are the next time around: what makes their numbers is written a second time.
void KernelWriter::findNextRows(kernel::ForOp rows, Value *index) {
  mlir::Block *body = &rows.getBody().front();
  std::function<void(mlir::Value)> write = [&](mlir::Value value) {
    mlir::Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != body)
      return;
    for (mlir::Value operand : op->getOperands())
      write(operand);
    operation(op);
  };
  for (auto &[row, next] : nextRows)
    if (row.getParentBlock() == body) {
      values[rows.index()] = Lanes::uniform(b.CreateAdd(index, constant(1)));
      write(row);
      next = scalar(row);
    }
}

// One or two quarters of a row are asked for while a loop goes over a whole one.
void KernelWriter::prefetchRows(mlir::Operation *loop, const Lanes &index) {
  auto found = rowsAhead.find(loop);
  if (found == rowsAhead.end() || index.kind != Lanes::Linear)
    return;
  for (const RowAhead &ahead : found->second) {
    Value *row = ahead.write ? scalar(ahead.row) : nextRows.lookup(ahead.row), *length = scalar(ahead.length);
    Value *at = b.CreateMul(row, length);
    if (ahead.firstQuarter)
      at = b.CreateAdd(at, b.CreateMul(b.CreateLShr(length, 2), constant(ahead.firstQuarter)));
    int shift = ahead.quarters == 2 ? 1 : 2;
    Value *place = pointer(ahead.buffer, b.CreateAdd(at, b.CreateLShr(index.value, shift)));
    Type *element = memoryType(mlir::cast<kernel::BufferType>(ahead.buffer.getType()).getElementType());
    prefetchLines(place, int64_t(module.getDataLayout().getTypeStoreSize(element)) * lanes >> shift, ahead.write);
  }
}

void KernelWriter::prefetchResults(kernel::ContractOp op, const Lanes &column, int64_t rowsAhead) {
  mlir::Block &body = op.getEpilogue().front();
  mlir::Value row = body.getArgument(0), number, length;
  for (auto store : body.getOps<kernel::StoreOp>()) {
    if (!findRow(&body, store.getIndex(), body.getArgument(1), number, length) || number != row)
      continue;
    Value *later = b.CreateMul(b.CreateAdd(scalar(row), constant(rowsAhead)), scalar(length));
    int64_t bytes = module.getDataLayout().getTypeStoreSize(memoryType(store.getValue().getType()));
    prefetchLines(pointer(store.getBuffer(), b.CreateAdd(later, column.value)), bytes * lanes, /*write=*/true);
  }
}

// Whether a body computes so long on what it loads that the processor's own prefetching falls behind.
static bool computesLong(mlir::Block &body) {
  constexpr int kOperations = 8, kArrays = 3, kOperationsOfArrays = 3; // for each load
  int loads = 0, operations = 0;
  for (mlir::Operation &op : body) {
    loads += mlir::isa<kernel::LoadOp>(op);
    operations += !mlir::isa<arith::ConstantOp>(op);
  }
  return operations >= (loads >= kArrays ? kOperationsOfArrays : kOperations) * loads;
}

void KernelWriter::prefetchAhead(kernel::LoadOp load, Value *place) {
  constexpr int64_t kBytesAhead = 1024;
  mlir::Block &body = *load->getBlock();
  if (!inLanes() || !mlir::isa<mlir::BlockArgument>(load.getBuffer()) || !isLong(body) || !computesLong(body) ||
      rowsAhead.count(body.getParentOp()))
    return;
  int64_t bytes = int64_t(module.getDataLayout().getTypeStoreSize(memoryType(load.getType()))) * lanes;
  prefetchLines(b.CreateConstGEP1_64(b.getInt8Ty(), place, kBytesAhead), bytes, /*write=*/false);
}

void KernelWriter::prefetchLines(Value *place, int64_t bytes, bool write) {
  for (int64_t at = 0; at < bytes; at += kLine)
    prefetch(at ? b.CreateConstGEP1_64(b.getInt8Ty(), place, at) : place, 1, write);
}

void KernelWriter::prefetch(Value *address, int level, bool write) {
  b.CreateIntrinsic(Intrinsic::prefetch, {address->getType()},
                    {address, b.getInt32(write), b.getInt32(4 - level), b.getInt32(1)});
}

} // namespace weft::cpu
