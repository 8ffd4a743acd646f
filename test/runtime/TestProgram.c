/* A compiled program as the code generator would make it: out[i] = in[i] + constant[i % 4], symbol 0 = the number of
 * elements. */
#include "runtime/Abi.h"

static void addConstant(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch) {
  const float *in = buffers[0], *constant = buffers[2];
  float *out = buffers[1];
  (void)scratch;
  for (int64_t i = begin; i < end && i < scalars[0]; ++i)
    out[i] = in[i] + constant[i % 4];
}

static const float constant[4] = {1, 2, 3, 4};
static const WeftBuffer buffers[] = {
    {WEFT_INPUT, -1, {4, 1, 0, {{0, 0, 1}}}, 0, 0},
    {WEFT_OUTPUT, 0, {4, 1, 0, {{0, 0, 1}}}, 0, 0},
    {WEFT_CONSTANT, -1, {16, 0, 0, {{0, 0, 0}}}, 0, constant},
};
static const int32_t order[] = {0, 1, 2};
static const WeftExtent size = {1, 1, 0, {{0, 0, 1}}};
static const WeftStep step = {
    addConstant, "add_constant", "model.py:3 add", 3, 1, order, &size, {1, 1, 0, {{0, 0, 1}}}, 100, 0, 0, 0, 0, 0, 0, 0};

__attribute__((visibility("default"))) const WeftProgram weft_program = {
    WEFT_ABI_VERSION, 1, 1, 1, 3, 1, buffers, &step, 0, 0, 0, "test", 0, 0, 0, 0, 0, 0, 0};
