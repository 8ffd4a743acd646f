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
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let extraClassDeclaration = [{
    // By OpKind: the MLIR names of the op and of its attributes, in the record's order.
    const ::mlir::OperationName &opName(OpKind op) const { return opNames[int(op)]; }
    ::llvm::ArrayRef<::mlir::StringAttr> attrNames(OpKind op) const { return attributeNames[int(op)]; }
    const ::llvm::DenseMap<::mlir::OperationName, OpKind> &kinds() const { return kindByName; }

  private:
    ::std::vector<::mlir::OperationName> opNames;
    ::std::vector<::llvm::SmallVector<::mlir::StringAttr, 4>> attributeNames;
    ::llvm::DenseMap<::mlir::OperationName, OpKind> kindByName;

  public:
  }];
}

// An attribute of a record: its name, kind (one of Int, Float, Bool, DType, Ints, Graph) and default in Python ("" : none).
class A<string name_, string kind_, string default_ = ""> {
  string name = name_;
  string kind = kind_;
  string default = default_;
}

// What the values of an operand must be, which the front end sees to (frontend/dispatch/OperandCheck.h). Divisor: not 0, of
// integers. Index: a position along an axis of the operand `of`. Target: the same, or the attribute `ignored`.
class ValueCheck<string rule_, string operand_, string of_, string axis_ = "", string ignored_ = ""> {
  string rule = rule_;
  string operand = operand_;
  string of = of_;
  string axis = axis_; // C++: the axis, by the attributes' names and the `rank` of `of`
  string ignored = ignored_;
}

// The verifier asks the record's shape and dtype rule (ir/OpTable.h).
def FollowsRecord : NativeOpTrait<"FollowsRecord"> { let cppNamespace = "::weft"; }

// Names in the C++ fields: the operands and attributes by their names, `result` for the result, `ct` for its cotangent.
// An op of several results gives them names (resultNames): its fields see them by these, and their cotangents as ct_NAME, null
// where none came. A field holds an expression, or statements with a `return`; for several results it returns a list.
class Weft_Op<string mnemonic, string family_, list<string> operands_, list<A> attrs_ = [], list<Trait> traits = []>
    : Op<Weft_Dialect, mnemonic, !listconcat(traits, [Pure, FollowsRecord])> {
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, results)";

  string family = family_;             // an OpFamily of ir/OpTable.h
  // "name..." (the only one): variadic. "name?" (the last ones): may be absent, and is then a null Val in the C++ fields.
  list<string> operandNames = operands_;
  list<A> attrs = attrs_;
  list<string> resultNames = ["result"];
  string infer = "";                   // C++: a function of ir/Infer.h, called (op name, operand types, count, attributes)
  list<string> inferOthers = [];       // the same for the results but the first
  bit symbolic = 0;                    // infer works on symbolic sizes
  string scalar = "";                  // C++ over codegen/elementary/Scalar.h
  list<string> scalarOperands = [];    // names of the scalar's operands where they are not the op's
  string reduction = "";               // reductions: the kind of kernel.reduce
  // C++ over ir/GraphBuilder.h, one an operand; "" : no derivative. Variadic: one for operand `i`. Composites without any are
  // differentiated through their expansion.
  list<string> vjp = [];
  // C++: tangents of the results from `t_NAME` of each operand. Elementwise ops need none: it is the sum of the vjps.
  string jvp = "";
  string expansion = "";               // C++ over ir/GraphBuilder.h (composites)
  // A rule of ir/Batching.h: the op on a batch of examples (vmap). "" : a composite is batched through its expansion, others not at all.
  string batching = "";
  // 16-bit floats are cast to float32 around the derivative and the expansion.
  bit upcast = 0;

  // What the op is on complex tensors (frontend/dispatch/Complex.cpp): a ComplexRule of ir/OpTable.h, or the op on pairs of ir/ops/Complex.td
  // that stands for it there. "" : it takes none.
  string complex = "";

  // What passes, code generators and the front end ask instead of the op's name.
  bit view = 0;                        // the result may be the operand's memory seen another way
  list<string> selects = [];           // operands whose elements, and constants, are all that the result is made of
  string externFunction = "";          // Extern: the C function of runtime/extern that computes it
  int coreAxes = 0;                    // Extern: it works on so many last axes; those before are batches
  int batchesTogether = 1;             // Extern: it is faster on so many batches at once; fewer are not worth a thread
  bit cutsBatches = 0;                 // Extern: the last attribute says into how many tasks a batch is cut
  string library = "";                 // Extern: whose work it is; another architecture may have other bits of it
  bit product = 0;                     // most of its work is a product
  bit pairs = 0;                       // the last axis of an operand is of size 2, and its own
  bit scatters = 0;                    // writes at positions that are data
  list<ValueCheck> checks = [];        // at most one
  string converts = "No";              // the first operand before the call: a Conversion of ir/OpTable.h
  string relation = "";                // comparisons: < <= == >= > !=
  list<string> lowerBounds = [];       // operands that limit the result: a number beyond the dtype's may stand there
  list<string> upperBounds = [];
  bit modular = 0;                     // integers: the result's low bits follow from the operands' low bits
  string leftIdentity = "";            // op(identity, x) is x, to the bit; C++: a number
  string rightIdentity = "";           // op(x, identity) is x
  bit idempotent = 0;                  // op(x, x) is x
  bit involution = 0;                  // op(op(x)) is x
  string positionsAlong = "";          // the last result's elements are positions along this axis of the first operand; C++

  string numpy = "";                   // Python: the reference result (a tuple of several), an expression or statements with a `return`
  string domain = "";                  // Python: (low, high) of the test inputs
  // Python: arguments to test with, as a dict of operands F(2, 3) (floats), P(2) (two floats a number), I(2, high=3) (int64), B(2) (bool), and attributes.
  list<string> examples = [];
  string dtypes = "float";             // the operands' dtypes: words of float, int, bool
  // Python, by the words of tools/weft_fuzz/independent.py: the axes along which a slice of the operands gives that slice of the
  // result, to the bit. "" : that of the family (tools/generate_op_table.py). The tests and weft-fuzz compare slices by it.
  string independent = "";
  string python = "";                  // Python signature, where it is not "operands, attributes in order"
}
#endif
