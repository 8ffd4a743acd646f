/* What the functions of an ahead-of-time model call: the model's shared object holds this, the rest of the run time,
 * its program and, unless they are external, its weights. */
#pragma once
#include "runtime/Abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Memory of an instance that is an input of the program. */
typedef struct WeftModelState {
  const char *name;
  int32_t input;
  int32_t isGenerator; /* the state of the random stream; else its first value lies among the weights, */
  int64_t bytes;
  int64_t offset; /* so far from their beginning */
} WeftModelState;

typedef struct WeftModel {
  const WeftProgram *program;
  const WeftModelState *states;
  const int32_t *donations; /* of each output: the input that has its value after a run, or -1 */
  const char *const *names; /* of the inputs, then of the outputs; null for those that are no parameters in C */
  int64_t stateCount;
} WeftModel;

/* Holds the states of a model. */
typedef struct WeftModelInstance WeftModelInstance;

/* A new instance, or null with the reason in weft_error_of_model(). `weights`: null where there are none. */
WeftModelInstance *weft_create_model(const WeftModel *model, const void *weights);
void weft_destroy_model(WeftModelInstance *instance);
/* The memory of the state of that name, or null. */
void *weft_state_of_model(WeftModelInstance *instance, const char *name);
/* Begins the random stream anew. */
void weft_seed_model(WeftModelInstance *instance, int64_t seed);

/* Runs the program; pointers are to contiguous host memory, anything for states and for outputs that an input has.
 * `instance`: null unless there are states. `symbols` are sizes. Returns 0, or 1 with the reason in
 * weft_error_of_model(). May be called by several threads at once; the runs of an instance come one after the other. */
int weft_run_model(const WeftModel *model, WeftModelInstance *instance, void **inputs, void **outputs,
                   const int64_t *symbols);

/* Maps a safetensors file that must begin with the `headerBytes` bytes of `header`, the file's when the model was
 * built, and hold `fileBytes` bytes. The mapping is never undone. Returns its address, or null with the reason in
 * weft_error_of_model(). */
const void *weft_map_weights(const char *path, const void *header, int64_t headerBytes, int64_t fileBytes);

/* Sets the error that the weights were not loaded. `loader` is the function to call. */
void weft_miss_weights(const char *loader);

/* Why the last call on this thread failed; "" when none did. */
const char *weft_error_of_model(void);

#ifdef __cplusplus
}
#endif
