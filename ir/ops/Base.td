// What every op record has. From a record come: the MLIR op (mlir-tblgen), and through tools/generate_op_table.py the
// op table, the scalar body, the derivatives, the expansions, the Python entry points and stubs, the reference manual
// and the table of the tests.
#ifndef WEFT_OPS_BASE
#define WEFT_OPS_BASE

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Weft_Dialect : Dialect {
  let name = "weft";
  let cppNamespace = "::weft";
  let useDefaultAttributePrinterParser = 1;
}

// An attribute of a record: its name, kind (one of Int, Float, Bool, DType, Ints) and default in Python ("" : none).
class A<string name_, string kind_, string default_ = ""> {
  string name = name_;
  string kind = kind_;
  string default = default_;
}

// The verifier asks the record's shape and dtype rule (ir/OpTable.h).
def FollowsRecord : NativeOpTrait<"FollowsRecord"> { let cppNamespace = "::weft"; }

// Names in the C++ fields: the operands and attributes by their names, `result` for the result, `ct` for its cotangent.
class Weft_Op<string mnemonic, string family_, list<string> operands_, list<A> attrs_ = [], list<Trait> traits = []>
    : Op<Weft_Dialect, mnemonic, !listconcat(traits, [Pure, FollowsRecord])> {
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs);
  let results = (outs AnyRankedTensor:$output);
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, results)";

  string family = family_;             // an OpFamily of ir/OpTable.h
  list<string> operandNames = operands_; // one name that ends in "..." : variadic
  list<A> attrs = attrs_;
  string infer = "";                   // C++: a function of ir/Infer.h, called (op name, operand types, attributes)
  bit symbolic = 0;                    // infer works on symbolic sizes
  string scalar = "";                  // C++ over codegen/Scalar.h: `return ...;` (elementwise and reductions)
  list<string> vjp = [];               // C++ over ir/GraphBuilder.h, an expression an operand; "" : no derivative
  string jvp = "";                     // C++: tangent of the result from `t_NAME` of each operand
  string expansion = "";               // C++ over ir/GraphBuilder.h: `return ...;` (composites)
  string numpy = "";                   // Python: the reference result
  string domain = "";                  // Python: (low, high) of the test inputs
  string python = "";                  // Python signature, where it is not "operands, attributes in order"
}
#endif
