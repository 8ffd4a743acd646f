/* RunModel MODEL FILE: calls m_run of the shared object, on a new instance with the seed 5 where it has instances. FILE
 * holds the buffers in the order of its parameters, each as its size in eight bytes and then its bytes; they are written
 * back. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 64 };
#define EIGHT(of, i) of(i), of(i + 1), of(i + 2), of(i + 3), of(i + 4), of(i + 5), of(i + 6), of(i + 7)
#define ALL(of)                                                                                                        \
  EIGHT(of, 0), EIGHT(of, 8), EIGHT(of, 16), EIGHT(of, 24), EIGHT(of, 32), EIGHT(of, 40), EIGHT(of, 48), EIGHT(of, 56)
#define POINTER(i) void *
#define BUFFER(i) buffers[i]

int main(int argc, char **argv) {
  void *model = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL, *buffers[MOST] = {0};
  if (!model)
    return fprintf(stderr, "%s\n", argc == 3 ? dlerror() : "RunModel MODEL FILE"), 1;
  int64_t sizes[MOST];
  void *(*create)(void) = (void *(*)(void))dlsym(model, "m_create");
  void (*seed)(void *, int64_t) = (void (*)(void *, int64_t))dlsym(model, "m_seed");
  int count = create != NULL, first = count;
  if (create)
    buffers[0] = create();
  if (seed)
    seed(buffers[0], 5);
  FILE *file = fopen(argv[2], "rb");
  for (; count < MOST && fread(&sizes[count], 8, 1, file); ++count) {
    buffers[count] = aligned_alloc(64, (sizes[count] + 127) / 64 * 64);
    if (fread(buffers[count], 1, sizes[count], file) != (size_t)sizes[count])
      return 1;
  }
  fclose(file);
  // A function may be given more arguments than it has parameters.
  int (*run)(ALL(POINTER)) = (int (*)(ALL(POINTER)))dlsym(model, "m_run");
  const char *(*error)(void) = (const char *(*)(void))dlsym(model, "m_error");
  if (run(ALL(BUFFER)))
    return fprintf(stderr, "%s\n", error()), 2;
  file = fopen(argv[2], "wb");
  for (int i = first; i < count; ++i) {
    fwrite(&sizes[i], 8, 1, file);
    fwrite(buffers[i], 1, sizes[i], file);
  }
  return fclose(file);
}
