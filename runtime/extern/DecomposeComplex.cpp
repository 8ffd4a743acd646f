// Decompositions of complex matrices.
#include "runtime/extern/Decompose.h"

using namespace weft;

WEFT_OF_HEAP(complex_svd_ex, Svd, runAllComplex)
WEFT_OF_HEAP(complex_eigh_ex, Eigh, runAllComplex)
WEFT_OF_HEAP(complex_eig_ex, Eig, runAllComplex)
WEFT_OF_HEAP(complex_qr, Qr, runAllComplex)
