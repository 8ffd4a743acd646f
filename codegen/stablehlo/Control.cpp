// Loops and branches, whose bodies are regions.
#include "codegen/stablehlo/Printer.h"

#include "ir/GraphIR.h"

using namespace mlir;

namespace weft::stablehlo {

Hlos Printer::loop(const Hlos &carried, const std::function<Hlo(const Hlos &)> &condition, const Body &body) {
  std::string name = fresh(), pairs, types;
  Hlos arguments, found;
  for (size_t i = 0; i < carried.size(); ++i) {
    arguments.push_back({fresh(), carried[i].element, carried[i].shape});
    pairs += (i ? ", " : "") + arguments[i].name + " = " + carried[i].name;
    types += (i ? ", " : "") + typeOf(carried[i]);
    found.push_back(
        {carried.size() == 1 ? name : name + "#" + std::to_string(i), carried[i].element, carried[i].shape});
  }
  line(name + (carried.size() == 1 ? "" : ":" + std::to_string(carried.size())) + " = stablehlo.while(" + pairs +
       ") : " + types);
  open("cond {");
  yield({condition(arguments)});
  between("} do {");
  yield(body(arguments));
  close();
  return found;
}

Hlos Printer::control(Operation &op, const Hlos &x) {
  auto bodyOf = [&](const char *name) { return bodyFunction(&op, op.getAttr(name)); };
  switch (kindOf(&op)) {
  case OpKind::Cond: {
    Hlos given(x.begin() + 1, x.end()), found;
    std::string name = fresh(), types;
    size_t count = op.getNumResults();
    for (size_t i = 0; i < count; ++i) {
      found.push_back(named(count == 1 ? name : name + "#" + std::to_string(i), op.getResult(unsigned(i))));
      types += (i ? ", " : "") + typeOf(found.back());
    }
    open(name + (count == 1 ? "" : ":" + std::to_string(count)) + " = \"stablehlo.if\"(" + x[0].name + ") ({");
    yield(run(bodyOf("body"), given));
    between("}, {");
    yield(run(bodyOf("otherwise"), given));
    close("}) : (" + typeOf(x[0]) + ") -> (" + types + ")");
    return found;
  }
  case OpKind::WhileLoop: {
    auto carries = size_t(intOf(&op, "carries"));
    Hlos carried(x.begin() + 1, x.begin() + 1 + long(carries));
    carried.push_back(x[0]);
    return loop(
        carried, [](const Hlos &p) { return p.back(); },
        [&](const Hlos &p) {
          Hlos operands(p.begin(), p.end() - 1);
          operands.insert(operands.end(), x.begin() + 1 + long(carries), x.end());
          return run(bodyOf("body"), operands);
        });
  }
  case OpKind::Scan:
    return loopOverSequences(op, x);
  default:
    refuse(op, "runs a graph in a way without a counterpart in StableHLO");
  }
}

Hlos Printer::loopOverSequences(Operation &op, const Hlos &x) {
  auto carries = size_t(intOf(&op, "carries")), sequences = size_t(intOf(&op, "sequences"));
  int64_t length = intsOf(&op, "sizes")[0];
  bool reverse = boolOf(&op, "reverse");
  func::FuncOp body = bodyFunction(&op, op.getAttr("body"));
  Type i64 = integer(64);
  Hlos carried = {whole(0, i64)};
  carried.insert(carried.end(), x.begin(), x.begin() + long(carries));
  for (unsigned i = unsigned(carries); i < op.getNumResults(); ++i) // what the steps give, entry after entry
    carried.push_back(number(0, elementOf(op.getResult(i)), sizes(shapeOf(op.getResult(i)))));
  auto starts = [&](const Hlo &place, size_t rank) {
    std::string names = place.name, types = typeOf(place);
    if (rank > 1) {
      Hlo zero = whole(0, i64);
      for (size_t i = 1; i < rank; ++i) {
        names += ", " + zero.name;
        types += ", " + typeOf(zero);
      }
    }
    return std::pair(names, types);
  };
  Hlos found = loop(
      carried, [&](const Hlos &p) { return compare("LT", p[0], whole(length, i64)); },
      [&](const Hlos &p) {
        Hlo place = reverse ? binary("subtract", whole(length - 1, i64), p[0]) : p[0];
        Hlos operands(p.begin() + 1, p.begin() + 1 + long(carries));
        for (size_t i = carries; i < carries + sequences; ++i) {
          Sizes entry = x[i].shape;
          entry[0] = 1;
          auto [names, types] = starts(place, entry.size());
          Hlo part = define("stablehlo.dynamic_slice " + x[i].name + ", " + names + ", sizes = " + listOf(entry) +
                                " : (" + typeOf(x[i]) + ", " + types + ") -> " + typeOf(x[i].element, entry),
                            x[i].element, entry);
          operands.push_back(reshape(part, Sizes(entry.begin() + 1, entry.end())));
        }
        operands.insert(operands.end(), x.begin() + long(carries + sequences), x.end());
        Hlos given = run(body, operands), next = {binary("add", p[0], whole(1, i64))};
        for (size_t i = 0; i < given.size(); ++i) {
          if (i < carries) {
            next.push_back(given[i]);
            continue;
          }
          const Hlo &rows = p[i + 1];
          Sizes entry = rows.shape;
          entry[0] = 1;
          Hlo row = reshape(given[i], entry);
          auto [names, types] = starts(place, entry.size());
          next.push_back(define("stablehlo.dynamic_update_slice " + rows.name + ", " + row.name + ", " + names +
                                    " : (" + typeOf(rows) + ", " + typeOf(row) + ", " + types + ") -> " + typeOf(rows),
                                rows.element, rows.shape));
        }
        return next;
      });
  return Hlos(found.begin() + 1, found.end());
}

} // namespace weft::stablehlo
