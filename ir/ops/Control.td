// Ops that run a graph of their own, their first attribute.
#ifndef WEFT_OPS_CONTROL
#define WEFT_OPS_CONTROL

include "ir/ops/Base.td"

class Control<string mnemonic, list<A> attrs> : Weft_Op<mnemonic, "Control", ["x..."], !listconcat([A<"body", "Graph">], attrs)> {
  let symbolic = 1;
}

def ScanOp : Control<"scan", [A<"carries", "Int">, A<"sequences", "Int">, A<"sizes", "Ints">, A<"reverse", "Bool">]> {
  let summary = "A graph run once an element of sequences, one after the other; some of its results are carried from one to the next.";
  let description = [{
    x: the first carries, then the sequences, then what the body reads besides; sizes: [length]. A sequence has an axis of that length in front,
    and the body reads one entry of it. The body's first results have the carries' types; they are the carries of the next run. The op's results
    are the last carries, and what the body gives besides, with an axis of that length in front. reverse: from the last entry to the first.
  }];
  let infer = "scan";
}
#endif
