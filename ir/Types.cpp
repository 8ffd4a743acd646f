#include "ir/Types.h"

#include "ir/WeftDialect.h"

using namespace mlir;

namespace weft {

Type toMlir(MLIRContext *context, DType dtype) {
  switch (dtype) {
  case DType::Bool:
    return IntegerType::get(context, 1);
  case DType::UInt8:
  case DType::UInt16:
  case DType::UInt32:
  case DType::UInt64:
    return IntegerType::get(context, unsigned(8 * itemSize(dtype)), IntegerType::Unsigned);
  case DType::Int8:
    return IntegerType::get(context, 8);
  case DType::Int16:
    return IntegerType::get(context, 16);
  case DType::Int32:
    return IntegerType::get(context, 32);
  case DType::Int64:
    return IntegerType::get(context, 64);
  case DType::Float16:
    return Float16Type::get(context);
  case DType::BFloat16:
    return BFloat16Type::get(context);
  case DType::Float32:
    return Float32Type::get(context);
  case DType::Float64:
    return Float64Type::get(context);
  case DType::Complex64:
  case DType::Complex128:
    break; // the front end's alone
  }
  llvm_unreachable("no such dtype");
}

RankedTensorType toMlir(MLIRContext *context, const TensorType &type) {
  SmallVector<int64_t, kInlineRank> shape, symbols;
  for (int64_t size : type.shape) {
    shape.push_back(isSymbol(size) ? ShapedType::kDynamic : size);
    if (isSymbol(size))
      symbols.push_back(size);
  }
  Attribute encoding = symbols.empty() ? Attribute() : SymbolsAttr::get(context, symbols);
  return RankedTensorType::get(shape, toMlir(context, type.dtype), encoding);
}

Attribute toMlir(MLIRContext *context, const Attr &attr) {
  switch (attr.kind) {
  case Attr::Kind::Int:
    return IntegerAttr::get(IntegerType::get(context, 64), attr.i);
  case Attr::Kind::Float:
    return FloatAttr::get(Float64Type::get(context), attr.f);
  case Attr::Kind::Bool:
    return BoolAttr::get(context, attr.asBool());
  case Attr::Kind::DType:
    return TypeAttr::get(toMlir(context, attr.asDType()));
  case Attr::Kind::Ints:
    return DenseI64ArrayAttr::get(context, {attr.ints.begin(), attr.ints.end()});
  case Attr::Kind::Graph:
    break; // a function of the module (GraphIR.h)
  }
  llvm_unreachable("no such kind");
}

std::optional<DType> tryDType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    if (integer.isUnsigned()) {
      for (DType dtype : {DType::UInt8, DType::UInt16, DType::UInt32, DType::UInt64})
        if (integer.getWidth() == unsigned(8 * itemSize(dtype)))
          return dtype;
      return std::nullopt;
    }
    if (!integer.isSignless())
      return std::nullopt;
    switch (integer.getWidth()) {
    case 1:
      return DType::Bool;
    case 8:
      return DType::Int8;
    case 16:
      return DType::Int16;
    case 32:
      return DType::Int32;
    case 64:
      return DType::Int64;
    }
    return std::nullopt;
  }
  if (type.isF16())
    return DType::Float16;
  if (type.isBF16())
    return DType::BFloat16;
  if (type.isF32())
    return DType::Float32;
  if (type.isF64())
    return DType::Float64;
  return std::nullopt;
}

std::optional<TensorType> tryFromMlir(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getRank() > kMaxRank)
    return std::nullopt;
  std::optional<DType> dtype = tryDType(tensor.getElementType());
  auto symbols = dyn_cast_or_null<SymbolsAttr>(tensor.getEncoding());
  ArrayRef<int64_t> sizes = symbols ? symbols.getSizes() : ArrayRef<int64_t>();
  if (!dtype || sizes.size() != size_t(tensor.getNumDynamicDims()))
    return std::nullopt;
  TensorType result{*dtype, {}};
  for (int64_t size : tensor.getShape()) {
    if (ShapedType::isDynamic(size)) {
      if (!isSizeCode(sizes.front()))
        return std::nullopt;
      size = sizes.front();
      sizes = sizes.drop_front();
    }
    result.shape.push_back(size);
  }
  return result;
}

std::optional<Attr> tryFromMlir(Attribute attr, Attr::Kind kind) {
  switch (kind) {
  case Attr::Kind::Int:
    if (auto integer = dyn_cast<IntegerAttr>(attr))
      if (integer.getType().isSignlessInteger(64))
        return Attr::integer(integer.getInt());
    return std::nullopt;
  case Attr::Kind::Float:
    if (auto real = dyn_cast<FloatAttr>(attr))
      if (real.getType().isF64())
        return Attr::real(real.getValueAsDouble());
    return std::nullopt;
  case Attr::Kind::Bool:
    if (auto truth = dyn_cast<BoolAttr>(attr))
      return Attr::boolean(truth.getValue());
    return std::nullopt;
  case Attr::Kind::DType:
    if (auto type = dyn_cast<TypeAttr>(attr))
      if (std::optional<DType> dtype = tryDType(type.getValue()))
        return Attr::dtype(*dtype);
    return std::nullopt;
  case Attr::Kind::Ints:
    if (auto list = dyn_cast<DenseI64ArrayAttr>(attr))
      if (list.size() <= int64_t(kMaxRank))
        return Attr::list(Dims(list.asArrayRef().begin(), list.asArrayRef().end()));
    return std::nullopt;
  case Attr::Kind::Graph:
    break; // a function of the module (GraphIR.h)
  }
  llvm_unreachable("no such kind");
}

DType dtypeFromMlir(Type elementType) {
  std::optional<DType> dtype = tryDType(elementType);
  assert(dtype && "not an element type of weft");
  return *dtype;
}

TensorType fromMlir(Type type) {
  std::optional<TensorType> result = tryFromMlir(type);
  assert(result && "not a tensor type of weft");
  return *result;
}

} // namespace weft
