// What fusion makes: a group of ops that becomes one kernel.
#ifndef WEFT_OPS_GROUP
#define WEFT_OPS_GROUP

include "ir/ops/Base.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def GroupOp : Op<Weft_Dialect, "group", [IsolatedFromAbove, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "Ops that become one kernel.";
  let description = "The block's arguments are the operands; its `weft.yield` gives the results. Nothing else is visible inside.";
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let hasCustomAssemblyFormat = 1; // %r = weft.group (%a = %x : type) -> (type) { ... }
  let extraClassDeclaration = [{
    ::mlir::Block *block() { return &getBody().front(); }
    ::mlir::Operation *yield() { return block()->getTerminator(); }
  }];
}

def YieldOp : Op<Weft_Dialect, "yield", [Terminator, Pure, HasParent<"GroupOp">, ReturnLike]> {
  let summary = "The results of a group.";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}
#endif
