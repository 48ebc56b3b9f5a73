// The parts of duke-cc that use LLVM: bitcode to object or assembly, assembly to object.
#pragma once
#include <string>

struct CodeOptions {
  unsigned OptLevel = 0;
  bool Assembly = false; // write assembly text instead of an object
  std::string Machine = "default";
  std::string SaveIR; // write the optimised IR here too, if not empty
};

// Both return false after having said on standard error what is wrong.
bool compileBitcode(const std::string &Input, const std::string &Output, const CodeOptions &Options);
bool assemble(const std::string &Input, const std::string &ShownName, const std::string &Output,
              const CodeOptions &Options);

// Registers the target and hands LLVM its own command-line options (those after -mllvm).
void initBackend(const char *Program, int Count, const char *const *Options);
