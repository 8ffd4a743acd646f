// The table of windows in rows (WindowRows.cpp): where in the input each position of the kernel begins for each row. A
// row's first address and indices are found once, one after the other; positions add the same to those of all rows.
#include "codegen/cpu/Product.h"
#include "ir/kernel/Windows.h"

using namespace llvm;

namespace weft::cpu {

using kernel::Windows;

// void (description of the windows, table, zeros, first row, rows, rows of whole tiles, height of a tile, positions of
// the kernel, bytes of an element): for each tile and position, the addresses of a tile's rows. Past the last row they
// are those of that one. Vectors are stored whole: what is behind a tile's rows is written later, or the table's end.
Function *KernelWriter::rowTableFunction() {
  return helper("weft_row_table", 3, 6, [&](Function *f) {
    Type *i64 = b.getInt64Ty();
    Value *zero = constant(0), *one = constant(1), *zeros = b.CreatePtrToInt(f->getArg(2), i64);
    Value *first = f->getArg(3), *rows = f->getArg(4), *height = f->getArg(6), *bytes = f->getArg(8);
    auto get = [&](int at) { return b.CreateLoad(i64, b.CreateConstGEP1_64(i64, f->getArg(0), at)); };
    using Axes = std::array<Value *, Windows::kAxes>;
    auto ofAxes = [&](Windows::OfAxis what) {
      Axes values;
      for (int axis = 0; axis < Windows::kAxes; ++axis)
        values[axis] = get(kWindowsNumbers + Windows::at(axis, what));
      return values;
    };
    auto inBytes = [&](Value *elements) { return b.CreateMul(elements, bytes); };
    constexpr int last = Windows::kAxes - 1;
    Value *input = get(kWindowsAddress), *imageStride = inBytes(get(kWindowsNumbers + Windows::ImageStride));
    Axes results = ofAxes(Windows::Results), kernel = ofAxes(Windows::Kernel), sizes = ofAxes(Windows::Size);
    Axes strides = ofAxes(Windows::Stride), steps = ofAxes(Windows::Step), dilations = ofAxes(Windows::Dilation);
    Axes lows = ofAxes(Windows::Low);
    for (Value *&stride : strides)
      stride = inBytes(stride);
    Value *lastStep = b.CreateMul(steps[last], strides[last]);

    // Of each row: its address, and its indices in the input.
    int64_t length = kDepth + 2 * kLanes;
    Value *addresses = stackArray(i64, length);
    Axes indices;
    for (Value *&index : indices)
      index = stackArray(i64, length);
    auto at = [&](Value *array, Value *row) { return b.CreateGEP(i64, array, row); };
    auto begin = [&](const Carried &digits) { // the result's indices, the first last, and the image
      Carried found{b.CreateAdd(input, b.CreateMul(digits[Windows::kAxes], imageStride))};
      for (int axis = 0; axis < Windows::kAxes; ++axis) {
        found.push_back(b.CreateSub(b.CreateMul(digits[last - axis], steps[axis]), lows[axis]));
        found[0] = b.CreateAdd(found[0], b.CreateMul(found.back(), strides[axis]));
      }
      return found;
    };
    auto store = [&](Value *row, const Carried &found) {
      b.CreateStore(found[0], at(addresses, row));
      for (int axis = 0; axis < Windows::kAxes; ++axis)
        b.CreateStore(found[1 + axis], at(indices[axis], row));
    };
    Carried state;
    Value *rest = first;
    for (int axis = last; axis >= 0; --axis) {
      state.push_back(b.CreateURem(rest, results[axis]));
      rest = b.CreateUDiv(rest, results[axis]);
    }
    state.push_back(rest);
    state.append(begin(state));
    constexpr int digitCount = Windows::kAxes + 1;
    Value *lastRow = b.CreateSub(rows, one);
    auto found = [&](const Carried &state) { return Carried(state.begin() + digitCount, state.end()); };
    state = loop(zero, lastRow, 1, state, [&](Value *row, Carried state) {
      store(row, found(state));
      state[0] = b.CreateAdd(state[0], one);
      state[digitCount] = b.CreateAdd(state[digitCount], lastStep);
      state.back() = b.CreateAdd(state.back(), steps[last]);
      return branch(b.CreateICmpEQ(state[0], results[last]), state, [&](const Carried &state) {
        Carried digits{zero};
        Value *carry = one;
        for (int digit = 1; digit < Windows::kAxes; ++digit) {
          Value *sum = b.CreateAdd(state[digit], carry), *ends = b.CreateICmpEQ(sum, results[last - digit]);
          digits.push_back(b.CreateSelect(ends, zero, sum));
          carry = b.CreateZExt(ends, i64);
        }
        digits.push_back(b.CreateAdd(state[Windows::kAxes], carry));
        digits.append(begin(digits));
        return digits;
      });
    });
    loop(lastRow, f->getArg(5), 1, [&](Value *row) { store(row, found(state)); });

    int64_t width = target.vectorBytes / 8;
    auto *vector = FixedVectorType::get(i64, unsigned(width));
    auto load = [&](Value *array, Value *row) { return b.CreateAlignedLoad(vector, at(array, row), Align(8)); };
    auto splat = [&](Value *value) { return b.CreateVectorSplat(unsigned(width), value); };
    loop(zero, divideUp(f->getArg(5), height), 1, [&](Value *number) {
      Value *tile = b.CreateMul(number, height);
      Value *count = minimum(height, b.CreateSub(f->getArg(5), tile));
      Axes distances;
      std::function<Carried(int, Value *, Carried)> along = [&](int axis, Value *offset, Carried entry) {
        return loop(
            zero, kernel[axis], 1, entry,
            [&](Value *position, const Carried &entry) {
              distances[axis] = b.CreateMul(position, dilations[axis]);
              Value *from = b.CreateAdd(offset, b.CreateMul(distances[axis], strides[axis]));
              if (axis < last)
                return along(axis + 1, from, entry);
              loop(zero, count, width, [&](Value *inTile) {
                Value *row = b.CreateAdd(tile, inTile), *inside = nullptr;
                for (auto [index, distance, size] : zip(indices, distances, sizes)) {
                  Value *fits = b.CreateICmpULT(b.CreateAdd(load(index, row), splat(distance)), splat(size));
                  inside = inside ? b.CreateAnd(inside, fits) : fits;
                }
                Value *address = b.CreateAdd(load(addresses, row), splat(from));
                b.CreateAlignedStore(b.CreateSelect(inside, address, splat(zeros)), at(entry[0], inTile), Align(8));
              });
              return Carried{at(entry[0], height)};
            },
            /*atLeastOnce=*/true);
      };
      Value *entry = at(f->getArg(1), b.CreateMul(tile, f->getArg(7)));
      along(0, zero, {entry});
    });
  });
}

} // namespace weft::cpu
