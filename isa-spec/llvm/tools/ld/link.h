// duke-ld: links objects and archives of Duke code into an ELF executable.
//
// Reading (object.cpp): files to Objects, whose sections and symbols point into the file's bytes. Linking (link.cpp):
// archive members are pulled in until nothing is missing, sections that are used get addresses, relocations are
// applied. Writing (output.cpp): the image, the symbol table and the debug sections.
#pragma once
#include "DukeFixups.h"
#include <cstdint>
#include <elf.h>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ld {

// One line for the user.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Section {
  std::string_view Name;
  const Elf64_Shdr *Header;
  bool Used = false;
  uint64_t Address = 0; // of debug sections: offset in the output section
  bool isAlloc() const { return Header->sh_flags & SHF_ALLOC; }
  bool isDebug() const { return !isAlloc() && Name.substr(0, 7) == ".debug_"; }
};

struct Object {
  std::string Name; // path, or archive(member)
  std::string_view Data;
  std::vector<Section> Sections;
  const Elf64_Sym *Symbols = nullptr;
  size_t SymbolCount = 0;
  std::string_view Strings;
  std::string_view symbolName(const Elf64_Sym &S) const;
};

struct Archive {
  std::string Name;
  std::vector<std::unique_ptr<Object>> Members; // those not yet pulled in
};

// Where a global name is defined.
struct Definition {
  Object *Owner = nullptr; // none: defined by the linker
  const Elf64_Sym *Symbol = nullptr;
  uint64_t Address = 0;
  bool Weak = false;
  size_t Common = 0; // size of a common symbol, which the linker allots
};

struct Options {
  std::string Output = "a.out", Entry = "_start", Map;
  uint64_t Base = 0x40010000;
  bool CollectGarbage = false;
  std::vector<std::string> Inputs;
  std::map<std::string, size_t, std::less<>> Order; // sections that are to lie first, with their place from 1
};

// A run of output sections of one kind, contiguous in memory.
struct Segment {
  const char *Name;
  uint32_t Flags;
  uint64_t Address = 0, Size = 0;
  std::vector<uint8_t> Bytes{}; // empty for zero-initialised memory
};

struct Link {
  Options Opt;
  std::vector<std::string> Files; // contents; objects point into them
  std::vector<std::unique_ptr<Object>> Objects;
  std::vector<Archive> Archives;
  std::map<std::string_view, Definition> Globals;
  std::vector<Segment> Segments; // text, rodata, data, bss
  std::map<std::string_view, std::vector<uint8_t>> Debug;

  void run();

private:
  void pullMembers();
  void define(Object &O);
  void markUsed();
  void layOut();
  void relocate();
  void relocateSection(Object &O, const Elf64_Shdr &Relocations);
  uint64_t symbolAddress(Object &O, const Elf64_Sym &S, const std::string &Where);
  uint8_t *bytesOf(const Section &S);
};

std::unique_ptr<Object> parseObject(const std::string &Name, std::string_view Data);
Archive parseArchive(const std::string &Name, std::string_view Data);
bool isArchive(std::string_view Data);
std::string readFile(const std::string &Path);
void writeExecutable(Link &L);
void writeMap(Link &L);
std::string hex(uint64_t Value);

} // namespace ld
