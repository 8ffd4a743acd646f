/* What the functions of an ahead-of-time model call: the model's shared object holds this, the rest of the run time,
 * its program and, unless they are external, its weights. */
#pragma once
#include "runtime/Abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the program; pointers are to contiguous host memory. Returns 0, or 1 with the reason in weft_model_error(). May
 * be called by several threads at once. */
int weft_model_run(const WeftProgram *program, void *const *inputs, void *const *outputs, const int64_t *symbols);

/* Maps a safetensors file that must begin with the `headerBytes` bytes of `header`, the file's when the model was
 * built, and hold `fileBytes` bytes. The mapping is never undone. Returns its address, or null with the reason in
 * weft_model_error(). */
const void *weft_model_map_weights(const char *path, const void *header, int64_t headerBytes, int64_t fileBytes);

/* Fails because the weights were not loaded; returns 1. `loader` is the function to call. */
int weft_model_no_weights(const char *loader);

/* Why the last call on this thread failed; "" when none did. */
const char *weft_model_error(void);

#ifdef __cplusplus
}
#endif
