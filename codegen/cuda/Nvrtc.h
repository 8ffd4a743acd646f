// NVIDIA's run-time compiler, opened when first asked for. It needs no GPU and no CUDA toolkit: PyPI's
// `nvidia-cuda-nvrtc` suffices.
#pragma once
#include <string>

namespace weft::cuda {

// Empty if libnvrtc is there, else why not and what to install. It is looked for at WEFT_NVRTC (a file), by its name,
// in the virtual environment ($VIRTUAL_ENV), and beside the package that this library is part of.
std::string nvrtcUnavailableReason();
std::string nvrtcVersion(); // "13.0"; of a library that is there
// CUDA C++ to a cubin for `arch` ("sm_90"), without contraction of floating point operations. Throws std::runtime_error
// with the compiler's log.
std::string compileToCubin(const std::string &source, const std::string &arch);

} // namespace weft::cuda
