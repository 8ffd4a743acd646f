#include "ir/OpTable.h"

#include "ir/Infer.h"

#include <array>
#include <cassert>
#include <unordered_map>

namespace weft {
namespace {
#include "ir/OpTable.inc"

const char *word(Attr::Kind kind) {
  static const char *const words[] = {"an integer", "a float", "a bool", "a dtype", "a list of integers", "a graph"};
  return words[int(kind)];
}
} // namespace

void fail(UserError::Kind kind, const char *op, const std::string &message) {
  throw UserError(kind, std::string("[") + op + "] " + message);
}

const OpInfo &info(OpKind op) { return table[int(op)]; }

OpKind opByName(const std::string &name) {
  static const auto *byName = [] {
    auto *map = new std::unordered_map<std::string, OpKind>;
    for (int i = 0; i < kOpCount; ++i)
      (*map)[table[i].name] = OpKind(i);
    return map;
  }();
  return byName->at(name);
}

OpKind comparison(int relation) {
  static const auto *byRelation = [] {
    auto *kinds = new std::array<OpKind, 8>{};
    for (int i = 0; i < kOpCount; ++i)
      if (int relation = table[i].traits.relation)
        (*kinds)[size_t(relation)] = OpKind(i);
    return kinds;
  }();
  assert(relation > 0 && relation < (kLess | kEqual | kGreater));
  return (*byRelation)[size_t(relation)];
}

TensorType inferType(OpKind op, const TensorType *operands, int count, const Attrs &attrs, int result) {
  const OpInfo &record = info(op);
  bool variadic = record.operandCount < 0;
  if (count < record.requiredOperands || (!variadic && count > record.operandCount)) {
    std::string expected = std::to_string(record.requiredOperands);
    if (variadic)
      expected += " or more";
    else if (record.operandCount != record.requiredOperands)
      expected += " to " + std::to_string(record.operandCount);
    fail(UserError::Kind::Type, record.name,
         "takes " + expected + " tensor" + (expected == "1" ? "" : "s") + ", but got " + std::to_string(count));
  }
  if (int(attrs.size()) != record.attrCount)
    fail(UserError::Kind::Type, record.name,
         "takes " + std::to_string(record.attrCount) + " attributes, but got " + std::to_string(attrs.size()));
  for (int i = 0; i < record.attrCount; ++i)
    if (attrs[i].kind != record.attrs[i].kind)
      fail(UserError::Kind::Type, record.name,
           std::string("attribute ") + record.attrs[i].name + " must be " + word(record.attrs[i].kind) + ", but is " +
               word(attrs[i].kind));
  TensorType type = result == 0   ? record.infer(record.name, operands, count, attrs)
                    : hasBody(op) ? infer::resultOfBody(op, attrs, result)
                                  : record.inferOthers[result - 1](record.name, operands, count, attrs);
  if (!isAddressable(type.shape, itemSize(type.dtype)))
    checkSizes(record.name, type);
  return type;
}

void checkSizes(const char *op, const TensorType &type) {
  for (int64_t size : type.shape)
    if (size < 0)
      fail(UserError::Kind::Runtime, op, "sizes must not be negative; got " + toStringAsGiven(type.shape));
  if (!isAddressable(type.shape, itemSize(type.dtype)))
    fail(UserError::Kind::Runtime, op,
         "a tensor of sizes " + toString(type.shape) + " and dtype " + name(type.dtype) +
             " is larger than any memory; it must take at most 2^62 bytes");
}

} // namespace weft
