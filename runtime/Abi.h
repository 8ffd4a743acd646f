/* The launch plan: what a compiled program is to the run time. Generated code exports one `const WeftProgram
 * weft_program`; runtime/Executable.h runs it. Plain C, so that generated code, AOT artifacts and C users share it.
 *
 * A program has symbols (sizes and strides known only when it runs), buffers and steps. A step launches one kernel over
 * a one-dimensional grid of independent tasks. Steps of one `batch` number are independent and share one fork and join.
 */
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_ABI_VERSION 7
#define WEFT_MAX_FACTORS 8
/* The state of a random stream is int64[2]: its seed and how many numbers were drawn. The seed of a process, or of a
 * model's instance, that was given none: */
#define WEFT_DEFAULT_SEED 0x053c49e6748fea9bLL

/* constant * product over the factors, where factor i is ceil(symbols[symbol] / divide); a symbol below zero stands for
 * the constant -symbol. A factor whose divide is 0 is multiplied into the next one before that is divided: s0 / 0, s1 /
 * 16 are ceil(s0 * s1 / 16). */
typedef struct WeftFactor {
  int32_t symbol;
  int32_t reserved;
  int64_t divide;
} WeftFactor;
typedef struct WeftExtent {
  int64_t constant;
  int32_t factorCount;
  int32_t reserved;
  WeftFactor factors[WEFT_MAX_FACTORS];
} WeftExtent;

/* KEPT: made from inputs that seldom change, such as a weight's packed copy, and good until they do. */
enum WeftBufferKind { WEFT_INPUT, WEFT_OUTPUT, WEFT_TEMPORARY, WEFT_CONSTANT, WEFT_KEPT };

/* Buffers are numbered: inputs, outputs, then the others in any order. */
typedef struct WeftBuffer {
  int32_t kind;
  int32_t alias; /* OUTPUT: the input whose memory it takes (donated). TEMPORARY of symbolic size: the one in whose
                    memory it lies, which has the same factors, itself if others lie in its. Else -1 */
  WeftExtent bytes;
  int64_t arenaOffset; /* TEMPORARY: offset in the arena; -1: allocated by itself (its size is symbolic), if others lie
                          in its memory so many bytes as its constant times the factors' value rounded up to a multiple
                          of 64, and where it lies in another's: offset divided by that; KEPT: offset in the block of
                          kept buffers */
  const void *data;    /* CONSTANT */
} WeftBuffer;

/* Runs tasks [begin, end) of the grid. `buffers` and `scalars` are the step's own, in the order it lists them.
 * `scratch` is `scratchBytes` of 64-byte aligned memory private to this call. */
typedef void (*WeftKernel)(void *const *buffers, const int64_t *scalars, int64_t begin, int64_t end, void *scratch);

/* The scratch memory that a call of a library's function takes (runtime/extern/Extern.h), by the step's scalars. */
typedef int64_t (*WeftWorkspace)(const int64_t *scalars);

/* A step that runs programs of its own, which have the symbols of the one around them. Its buffers are operands, one
 * for each of the programs' inputs, with the condition, a byte, before them but in a scan; then results, one for each
 * of the programs' outputs; then as much memory for each carry again.
 * SCAN: `trips` runs of the body. Its first inputs are carries, whose values for the next run are its first outputs;
 * then come sequences. A run reads and writes the entries of its number of sequences and of the other results, which
 * lie one after the other. reverse: the last entry first.
 * WHILE: runs of the body while the condition holds. Its first inputs are carries, and its outputs their values for the
 * next run, and the condition for it.
 * BRANCH: one run, of the body where the condition holds, else of `otherwise`. */
enum WeftControlKind { WEFT_SCAN, WEFT_WHILE, WEFT_BRANCH };
typedef struct WeftControl {
  int32_t kind;
  int32_t carries;
  int32_t sequences;
  int32_t reverse;
  WeftExtent trips;
  const struct WeftProgram *body;
  const struct WeftProgram *otherwise;
} WeftControl;

typedef struct WeftStep {
  WeftKernel
      kernel;       /* CPU; null in a CUDA program, with `control`, and where a library's function is found by `name` */
  const char *name; /* also the symbol in the cubin */
  const char *location; /* "model.py:12 add, relu" */
  int32_t bufferCount;
  int32_t scalarCount;
  const int32_t *buffers;
  const WeftExtent *scalars;
  WeftExtent grid;      /* number of tasks */
  int64_t grain;        /* fewest tasks worth a thread of their own */
  int64_t scratchBytes; /* CUDA: dynamic shared memory */
  int32_t batch;
  int32_t blockThreads;      /* CUDA: threads a block */
  WeftWorkspace workspace;   /* of a library's function that is linked, else null: scratchBytes are what a call takes */
  const WeftExtent *scratch; /* CPU: with what these add to them, as rows of symbolic size do */
  int32_t scratchCount;
  int32_t flopTerms;
  const WeftControl *control; /* else null */
  const WeftExtent *flops;    /* the sum of these, for profiles: codegen/schedule/Flops.h says what counts */
} WeftStep;

/* The buffer's one byte says, once the program's first `checkedSteps` steps have run, whether the run fails. No step
 * among these writes an OUTPUT with an alias. */
typedef struct WeftCheck {
  int32_t buffer;
  int32_t reserved;
  const char *message;
} WeftCheck;

typedef struct WeftProgram {
  int32_t abiVersion;
  int32_t symbolCount;
  int32_t inputCount;
  int32_t outputCount;
  int32_t bufferCount;
  int32_t stepCount;
  const WeftBuffer *buffers;
  const WeftStep *steps;
  int64_t arenaBytes;
  const void *cubin; /* CUDA: the module's image, else null */
  int64_t cubinBytes;
  const char *target; /* "x86-64 cascadelake", "sm_90": for messages */
  int64_t keptBytes;
  int32_t keptSteps; /* the first steps, which write the kept buffers and nothing else */
  int32_t checkCount;
  uint64_t features; /* of the processor that the code may use: bits of the tables in runtime/cpu/Features.h */
  const WeftCheck *checks;
  int32_t checkedSteps; /* the steps after which the checks are looked at */
  int32_t reserved;
} WeftProgram;

/* Many programs in one shared object, which exports one `const WeftLibrary weft_library`. */
typedef struct WeftLibraryEntry {
  uint64_t key[2];
  const WeftProgram *program;
} WeftLibraryEntry;

typedef struct WeftLibrary {
  int32_t abiVersion;
  int32_t count;
  const WeftLibraryEntry *entries; /* by key, the first word before the second */
  const char *compiler;            /* the build of the compiler that made it */
  uint64_t features;               /* as in WeftProgram, of all programs */
} WeftLibrary;

#ifdef __cplusplus
}
#endif
