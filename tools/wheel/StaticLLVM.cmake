# Makes LLVM's archives, and those of what it needs, stand for its shared library: whoever links to `LLVM`, MLIR's and lld's archives among
# them, then carries what it uses.

llvm_map_components_to_libnames(LLVM_ARCHIVES Passes LTO DTLTO Option X86 AArch64)
get_target_property(LLVM_CORE LLVMCore LOCATION)
set_target_properties(LLVM PROPERTIES IMPORTED_LOCATION_RELWITHDEBINFO ${LLVM_CORE})
target_link_libraries(LLVM INTERFACE ${LLVM_ARCHIVES})
add_link_options(LINKER:--as-needed) # LLVM's archives name more libraries than are used

foreach(library ZLIB::ZLIB zstd::libzstd_shared)
  get_target_property(shared ${library} LOCATION)
  string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive ${shared})
  foreach(configuration "" _NONE _RELEASE _RELWITHDEBINFO)
    set_target_properties(${library} PROPERTIES IMPORTED_LOCATION${configuration} ${archive})
  endforeach()
endforeach()

# lld initialises every target that LLVM was configured with. The others are empty.
set(OTHER_TARGETS ${LLVM_TARGETS_TO_BUILD})
list(REMOVE_ITEM OTHER_TARGETS X86 AArch64)
set(INITIALISERS)
foreach(target ${OTHER_TARGETS})
  foreach(part TargetInfo Target TargetMC AsmPrinter AsmParser)
    string(APPEND INITIALISERS "void LLVMInitialize${target}${part}(void) {}\n")
  endforeach()
endforeach()
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/OtherTargets.c CONTENT "${INITIALISERS}")
add_library(weft_other_targets STATIC ${PROJECT_BINARY_DIR}/OtherTargets.c)
target_link_libraries(LLVM INTERFACE weft_other_targets)
