// Copies of parts of the matrix of a convolution's windows, which is nowhere in memory, into panels or rows. Columns
// are taken in runs of results that are neighbours along the last axis: for each position of the kernel the same
// elements of a run are inside the input in all channels, and they are loaded by vectors, one channel after the other.
#include "codegen/cpu/Product.h"
#include "ir/kernel/Windows.h"

using namespace llvm;

namespace weft::cpu {

using kernel::Windows;

static constexpr int kFirstRow = 1, kFirstColumn = 2;

Value *KernelWriter::describeWindows(kernel::ContractOp op) {
  Value *description = stackArray(b.getInt64Ty(), kWindowsNumbers + Windows::kCount);
  auto set = [&](int at, Value *value) { b.CreateStore(value, b.CreateConstGEP1_64(b.getInt64Ty(), description, at)); };
  Value *input = op.getOfA() ? pointer(op.getA(), scalar(op.getABase())) : pointer(op.getB(), scalar(op.getBBase()));
  set(kWindowsAddress, b.CreatePtrToInt(input, b.getInt64Ty()));
  for (auto [i, number] : enumerate(op.getWindows()))
    set(kWindowsNumbers + int(i), scalar(number));
  return description;
}

void KernelWriter::beginWindows(Value *description, Value *row, Value *column) {
  b.CreateStore(row, b.CreateConstGEP1_64(b.getInt64Ty(), description, kFirstRow));
  b.CreateStore(column, b.CreateConstGEP1_64(b.getInt64Ty(), description, kFirstColumn));
}

// while (first of carried < end) carried = body(carried); at least once.
static void whileBelow(IRBuilder<> &b, Function *function, Value *end, SmallVector<Value *, 8> carried,
                       function_ref<SmallVector<Value *, 8>(ArrayRef<Value *>)> body) {
  BasicBlock *before = b.GetInsertBlock(), *enter = BasicBlock::Create(b.getContext(), "while", function);
  b.CreateBr(enter);
  b.SetInsertPoint(enter);
  SmallVector<Value *, 8> phis;
  for (Value *value : carried) {
    PHINode *phi = b.CreatePHI(value->getType(), 2);
    phi->addIncoming(value, before);
    phis.push_back(phi);
  }
  SmallVector<Value *, 8> next = body(phis);
  BasicBlock *latch = b.GetInsertBlock(), *exit = BasicBlock::Create(b.getContext(), "done", function);
  b.CreateCondBr(b.CreateICmpSLT(next[0], end), enter, exit);
  for (auto [phi, value] : zip(phis, next))
    cast<PHINode>(phi)->addIncoming(value, latch);
  b.SetInsertPoint(exit);
}

// A copy as MatrixCopy.cpp has them, but that nothing is filled with zeros: tiles sum up what is past the last column
// for nobody.
Function *KernelWriter::windowsFunction(MatrixTypes &p, mlir::Type element) {
  std::string name;
  raw_string_ostream(name) << "weft_windows_" << element << '_' << *p.type;
  return helper(name, 2, 10, [&](Function *f) {
    lanes = kLanes;
    Type *memory = memoryType(element), *i64 = b.getInt64Ty();
    Value *to = f->getArg(1), *rows = f->getArg(6), *columns = f->getArg(8), *toStride = f->getArg(10),
          *panel = f->getArg(11), *zero = constant(0), *one = constant(1);
    auto get = [&](int at) { return b.CreateLoad(i64, b.CreateConstGEP1_64(i64, f->getArg(0), at)); };
    auto number = [&](int at) { return get(kWindowsNumbers + at); };
    auto ofAxes = [&](Windows::OfAxis what) {
      std::array<Value *, Windows::kAxes> values;
      for (int axis = 0; axis < Windows::kAxes; ++axis)
        values[axis] = number(Windows::at(axis, what));
      return values;
    };
    Value *input = b.CreateIntToPtr(get(kWindowsAddress), b.getPtrTy());
    Value *channels = number(Windows::Channels), *channelStride = number(Windows::ChannelStride);
    Value *imageStride = number(Windows::ImageStride);
    auto results = ofAxes(Windows::Results), kernel = ofAxes(Windows::Kernel), sizes = ofAxes(Windows::Size);
    auto strides = ofAxes(Windows::Stride), steps = ofAxes(Windows::Step), dilations = ofAxes(Windows::Dilation);
    auto lows = ofAxes(Windows::Low);
    constexpr int last = Windows::kAxes - 1;
    Value *stride = b.CreateMul(steps[last], strides[last]);

    // Digits of a number, the last first, and the next number's where some of the lowest digit are passed.
    auto digits = [&](Value *value, ArrayRef<Value *> radices) {
      SmallVector<Value *, 4> list;
      for (Value *radix : radices) {
        list.push_back(b.CreateURem(value, radix));
        value = b.CreateUDiv(value, radix);
      }
      list.push_back(value);
      return list;
    };
    auto advance = [&](ArrayRef<Value *> list, Value *by, ArrayRef<Value *> radices, SmallVector<Value *, 8> &next) {
      Value *carry = by;
      for (auto [digit, radix] : zip(list, radices)) {
        Value *sum = b.CreateAdd(digit, carry), *ends = b.CreateICmpEQ(sum, radix);
        next.push_back(b.CreateSelect(ends, zero, sum));
        carry = b.CreateZExt(ends, i64);
      }
      next.push_back(b.CreateAdd(list[radices.size()], carry));
    };
    Value *ofColumns[] = {results[2], results[1], results[0]}, *ofRows[] = {channels, kernel[2], kernel[1]};
    SmallVector<Value *, 4> firstColumn = digits(b.CreateAdd(get(kFirstColumn), f->getArg(5)), ofColumns);
    SmallVector<Value *, 4> firstRow = digits(b.CreateAdd(get(kFirstRow), f->getArg(4)), ofRows);
    auto before = [&](Value *distance) { // steps along the last axis that cover it
      Value *unit = b.CreateICmpEQ(steps[last], one), *far = b.CreateSub(b.CreateAdd(distance, steps[last]), one);
      Value *count = branch(b.CreateNot(unit), {distance},
                            [&](const Carried &) { return Carried{b.CreateSDiv(far, steps[last])}; })[0];
      return maximum(count, zero);
    };

    // A run of a position's channels, `count` of them from `source` on; `low` to `high` of the run are inside.
    // Vectors are stored whole (a masked store of AVX2 takes as long as twelve): what they write behind the run, the
    // next run writes again. At the panel's end they end with it, and keep what lies before the run.
    auto copy = [&](Value *source, Value *target, Value *count, Value *inPanel, Value *run, Value *low, Value *high) {
      high = minimum(high, run);
      Value *isUnit = b.CreateICmpEQ(stride, one), *isTwo = b.CreateICmpEQ(stride, constant(2));
      Value *isOther = b.CreateNot(b.CreateOr(isUnit, isTwo)), *left = b.CreateSub(constant(kPanel), inPanel);
      // Channels are often pages apart, where the processor does not look ahead by itself.
      Value *ahead = b.CreateMul(stride, constant(2 * lanes));
      loop(zero, run, lanes, [&](Value *next) {
        Value *first = minimum(next, b.CreateSub(left, constant(lanes)));
        Value *end = b.CreateAdd(first, constant(lanes)),
              *from = b.CreateGEP(memory, source, b.CreateMul(first, stride));
        Value *isInside = b.CreateAnd(b.CreateICmpSGE(first, low), b.CreateICmpSLE(end, high));
        auto each = [&](function_ref<Value *(Value * from, Value * place)> load) {
          loop(zero, count, 1, {from, b.CreateGEP(p.type, target, first)}, [&](Value *, const Carried &at) {
            storeVector(load(at[0], at[1]), at[1], nullptr);
            prefetch(b.CreateGEP(memory, at[0], ahead), 2);
            return Carried{b.CreateGEP(memory, at[0], channelStride), b.CreateGEP(p.type, at[1], toStride)};
          });
        };
        Value *isPlain = b.CreateAnd(isInside, isUnit);
        branch(isPlain,
               [&] { each([&](Value *from, Value *) { return widen(loadVector(memory, from, nullptr), element); }); });
        branch(b.CreateNot(isPlain), [&] {
          auto from = [&](Value *bound) { // the lanes from this place in the run on
            Value *number = b.CreateVectorSplat(lanes, b.CreateTrunc(b.CreateSub(bound, first), b.getInt32Ty()));
            return b.CreateICmpSGE(laneNumbers(b.getInt32Ty()), number);
          };
          Value *inside = b.CreateAnd(from(low), b.CreateNot(from(high)));
          // What is not inside is loaded as zeros, so that bits of both are the result.
          Type *bits = vectorType(b.getIntNTy(p.type->getScalarSizeInBits()));
          Value *isBefore = b.CreateSExt(b.CreateNot(from(zero)), bits);
          auto masked = [&](function_ref<Value *(Value * from)> load) {
            each([&](Value *from, Value *place) {
              Value *before = b.CreateAnd(loadVector(bits->getScalarType(), place, nullptr), isBefore);
              return b.CreateOr(b.CreateBitCast(widen(load(from), element), bits), before);
            });
          };
          branch(isUnit, [&] {
            Value *words = maskWords(memory, inside);
            masked([&](Value *from) { return loadMasked(memory, from, inside, words); });
          });
          branch(isTwo, [&] {
            auto [lower, upper] = everyOther(inside);
            Value *lowerWords = maskWords(memory, lower), *upperWords = maskWords(memory, upper);
            masked([&, lower = lower, upper = upper](Value *from) {
              Value *later = b.CreateConstGEP1_64(memory, from, lanes);
              return everyOtherOf(loadMasked(memory, from, lower, lowerWords),
                                  loadMasked(memory, later, upper, upperWords), 0);
            });
          });
          branch(isOther, [&] {
            Value *offsets = vector(Lanes::linear(zero, stride));
            masked([&](Value *from) {
              return b.CreateMaskedGather(vectorType(memory), b.CreateGEP(memory, from, offsets),
                                          Align(memory->getScalarSizeInBits() / 8), inside,
                                          Constant::getNullValue(vectorType(memory)));
            });
          });
        });
      });
    };

    SmallVector<Value *, 8> atColumn{zero}, atRow{zero};
    atColumn.append(firstColumn.begin(), firstColumn.end());
    atRow.append(firstRow.begin(), firstRow.end());
    branch(b.CreateAnd(b.CreateICmpSGT(rows, zero), b.CreateICmpSGT(columns, zero)), [&] {
      whileBelow(b, f, columns, atColumn, [&](ArrayRef<Value *> c) {
        // c: the column from the first on, the result's indices (last axis first), the image.
        Value *inPanel = b.CreateAnd(c[0], constant(kPanel - 1));
        Value *run = minimum(b.CreateSub(results[last], c[1]), b.CreateSub(columns, c[0]));
        run = minimum(run, b.CreateSub(constant(kPanel), inPanel));
        Value *place = b.CreateAdd(b.CreateMul(b.CreateLShr(c[0], Log2_64(kPanel)), panel), inPanel);
        Value *image = b.CreateGEP(memory, input, b.CreateMul(c[4], imageStride));
        std::array<Value *, Windows::kAxes> starts;
        for (int axis = 0; axis < Windows::kAxes; ++axis)
          starts[axis] = b.CreateSub(b.CreateMul(c[3 - axis], steps[axis]), lows[axis]);
        whileBelow(b, f, rows, atRow, [&](ArrayRef<Value *> r) {
          // r: the row from the first on, the channel, the position (last axis first).
          Value *count = minimum(b.CreateSub(channels, r[1]), b.CreateSub(rows, r[0]));
          Value *offset = b.CreateMul(r[1], channelStride), *isInside = b.getTrue(), *x = nullptr;
          for (int axis = 0; axis < Windows::kAxes; ++axis) {
            x = b.CreateAdd(starts[axis], b.CreateMul(r[4 - axis], dilations[axis]));
            offset = b.CreateAdd(offset, b.CreateMul(x, strides[axis]));
            if (axis < last)
              isInside = b.CreateAnd(isInside, b.CreateICmpULT(x, sizes[axis]));
          }
          Value *low = before(b.CreateNeg(x)), *high = before(b.CreateSub(sizes[last], x));
          high = b.CreateSelect(isInside, high, zero);
          Value *target = b.CreateGEP(p.type, to, b.CreateAdd(place, b.CreateMul(r[0], toStride)));
          copy(b.CreateGEP(memory, image, offset), target, count, inPanel, run, low, high);
          SmallVector<Value *, 8> next{b.CreateAdd(r[0], count)};
          advance(r.drop_front(), count, ofRows, next);
          return next;
        });
        SmallVector<Value *, 8> next{b.CreateAdd(c[0], run)};
        advance(c.drop_front(), run, ofColumns, next);
        return next;
      });
    });
  });
}

// The results of a row that are neighbours in an image, image by image.
void KernelWriter::epilogueOfImages(kernel::ContractOp op, Value *row, Value *firstColumn, Value *columns,
                                    function_ref<Value *(Value *)> sums) {
  mlir::Block &body = op.getEpilogue().front();
  Value *positions = scalar(op.getWindows()[Windows::Positions]), *end = b.CreateAdd(firstColumn, columns);
  loop(b.CreateUDiv(firstColumn, positions),
       b.CreateAdd(b.CreateUDiv(b.CreateSub(end, constant(1)), positions), constant(1)), 1, [&](Value *image) {
         Value *start = b.CreateMul(image, positions);
         laneLoop(maximum(firstColumn, start), minimum(end, b.CreateAdd(start, positions)), body, [&](Lanes n) {
           n.run = positions, n.runNumber = image;
           values[body.getArgument(0)] = Lanes::uniform(row);
           values[body.getArgument(1)] = n;
           values[body.getArgument(2)] = Lanes::varying(sums(b.CreateSub(n.value, firstColumn)));
           block(body);
         });
       });
}

} // namespace weft::cpu
