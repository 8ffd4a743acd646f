#include "test/codegen/cpu/KernelRunner.h"

#include "codegen/cpu/Program.h"
#include "ir/kernel/KernelDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace weft::test {

KernelRunner::KernelRunner(const std::string &text, const std::string &cpu) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<kernel::KernelDialect, mlir::arith::ArithDialect, mlir::math::MathDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module)
    throw std::runtime_error("the kernel's text is wrong");
  Plan plan;
  PlanStep step;
  step.kernel = (*module->getOps<kernel::FuncOp>().begin()).getSymName().str();
  plan.steps.push_back(step);
  std::string bytes = cpu::compileProgram(*module, plan, cpu::Target::find(cpu));
  // The file stays open: the loader takes two libraries of one path for the same.
  file = memfd_create("kernel", 0);
  if (write(file, bytes.data(), bytes.size()) != ssize_t(bytes.size()))
    throw std::runtime_error("no memory file");
  library = dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw std::runtime_error(dlerror());
  auto *program = static_cast<const WeftProgram *>(dlsym(library, "weft_program"));
  kernel = program->steps[0].kernel;
  scratchBytes = program->steps[0].scratchBytes;
}

KernelRunner::~KernelRunner() {
  dlclose(library);
  close(file);
}

void KernelRunner::run(std::vector<void *> buffers, std::vector<int64_t> scalars, int64_t begin, int64_t end) {
  void *scratch = std::aligned_alloc(64, (scratchBytes + 127) / 64 * 64);
  std::memset(scratch, 0xff, scratchBytes); // NaNs
  kernel(buffers.data(), scalars.data(), begin, end, scratch);
  std::free(scratch);
}

std::string substitute(std::string text, const std::vector<std::pair<std::string, std::string>> &names) {
  for (auto &[name, value] : names)
    for (size_t at; (at = text.find("$" + name)) != std::string::npos;)
      text.replace(at, name.size() + 1, value);
  return text;
}

} // namespace weft::test
