// Ops that run graphs of their own, the first of which is their first attribute.
#ifndef WEFT_OPS_CONTROL
#define WEFT_OPS_CONTROL

include "ir/ops/Base.td"

class Control<string mnemonic, list<A> attrs = []> : Weft_Op<mnemonic, "Control", ["x..."], !listconcat([A<"body", "Graph">], attrs)> {
  let symbolic = 1;
}

def ScanOp : Control<"scan", [A<"carries", "Int">, A<"sequences", "Int">, A<"sizes", "Ints">, A<"reverse", "Bool">]> {
  let infer = "scan";
  let summary = "A graph run once an element of sequences, one after the other; some of its results are carried from one to the next.";
  let description = [{
    x: the first carries, then the sequences, then what the body reads besides; sizes: [length]. A sequence has an axis of that length in front,
    and the body reads one entry of it. The body's first results have the carries' types; they are the carries of the next run. The op's results
    are the last carries, and what the body gives besides, with an axis of that length in front. reverse: from the last entry to the first.
  }];
}
def WhileLoopOp : Control<"while_loop", [A<"carries", "Int">]> {
  let infer = "whileLoop";
  let summary = "A graph run again and again while a condition holds, which it gives itself.";
  let description = [{
    x: the condition, a 0-d bool; then the carries, then what the body reads besides. The body reads all but the condition, and gives the
    next carries and the condition for another run. The op's results are the last carries, and the last condition.
  }];
}
def CondOp : Control<"cond", [A<"otherwise", "Graph">]> {
  let infer = "cond";
  let summary = "One of two graphs is run.";
  let description = "x: the condition, a 0-d bool; then the inputs of both graphs. Where it holds, the results are the body's, else the other graph's.";
}
#endif
