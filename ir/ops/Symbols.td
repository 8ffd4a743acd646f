// The encoding of a tensor with symbolic sizes: which symbol each dynamic size is, in order of the axes.
#ifndef WEFT_OPS_SYMBOLS
#define WEFT_OPS_SYMBOLS

include "ir/ops/Base.td"

def Weft_Symbols : AttrDef<Weft_Dialect, "Symbols"> {
  let mnemonic = "symbols";
  let summary = "Symbols of the dynamic sizes of a tensor: tensor<?x?xf32, #weft.symbols<[0, 3 * s0 * s1]>>.";
  let description = "The sizes as ir/Dims.h writes them: symbols by their numbers, products by their factors.";
  let parameters = (ins ArrayRefParameter<"int64_t">:$sizes);
  let assemblyFormat = "`<` `[` custom<Sizes>($sizes) `]` `>`";
}
#endif
