#include "codegen/attention/AttentionKernel.h"

#include "ir/kernel/CanonicalOrder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <algorithm>

using namespace mlir;

namespace weft {

using order::kProductBlock;

void HiddenSums::write(const ResultProduct &product) {
  Size width = product.other.freeSize(), length = product.overRows ? a.parts.rows : a.parts.columns;
  // Symbolic rows and columns are as many (AttentionKernel).
  Size entries =
      product.overRows || !a.parts.isStatic() ? a.strips() : Size(std::max(a.strips().constant, a.blocks.constant));
  Type element = storageType(elementType(product.dot->getResult(0))),
       type = kernel::ContractOp::sumType(element, element);
  Value table = tables[product.dot] = k.scratch(entries * width, type);
  Scalar zero{&k.builder, k.location, a.kernel.e.constantZero(type)}, none = zero.constant(-0.0);
  auto place = [&](Value entry, Value n) { return k.add(k.mul(entry, width), n); };
  auto begin = [&](Value block) { return k.min(k.mul(block, k.index(a.blockRows)), k.size(length)); };

  // Nothing is left out before the first strip of columns, nor behind the last.
  Value full = product.overRows ? k.index(0) : k.sub(k.size(entries), k.index(1));
  k.loop(k.index(0), k.size(width), true, [&](Value n) { k.store(none.value, table, place(full, n)); });
  k.loop(k.index(1), k.size(entries), false, [&](Value step) {
    Value entry = product.overRows ? step : k.sub(full, step);
    Value before = product.overRows ? k.sub(step, k.index(1)) : k.add(entry, k.index(1));
    Value from = begin(before), count = k.sub(begin(k.add(before, k.index(1))), from);
    // A block of the order of the sum that is left out as a whole is +0.
    Value nextDepth =
        k.mul(k.div(k.add(from, k.index(kProductBlock - 1)), k.index(kProductBlock)), k.index(kProductBlock));
    Value anyWhole = k.less(nextDepth, k.size(length));
    k.loop(k.index(0), k.size(width), true, [&](Value n) {
      Value most = k.reduce("max", count, type, [&](Value i) {
        Scalar product0 = a.element(product.other, n, k.add(from, i)) * 0.0;
        return (product.overRows ? -absolute(product0) : product0).value;
      });
      Scalar known = zero.with(kernel::LoadOp::create(k.builder, k.location, table, place(before, n)));
      Scalar all = maximum(known.with(most), known);
      if (!product.overRows)
        all = maximum(all, select(all.with(anyWhole), zero, none));
      k.store(all.value, table, place(entry, n));
    });
  });
}

Value HiddenSums::added(const ResultProduct &product, Value sum, Value entry, Value otherFree) {
  if (!a.causal)
    return sum;
  Value index = k.add(k.mul(entry, product.other.freeSize()), otherFree);
  Value hidden = kernel::LoadOp::create(k.builder, k.location, tables.lookup(product.dot), index);
  return arith::AddFOp::create(k.builder, k.location, sum, hidden);
}

} // namespace weft
