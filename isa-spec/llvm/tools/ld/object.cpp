// Reads ELF objects and ar archives. Everything in a file is checked before it is used.
#include "link.h"
#include <cstring>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

namespace ld {

std::string hex(uint64_t Value) {
  char Text[32];
  snprintf(Text, sizeof Text, "0x%llx", (unsigned long long)Value);
  return Text;
}

std::string readFile(const std::string &Path) {
  struct stat St;
  if (stat(Path.c_str(), &St) != 0)
    throw Error(Path + ": " + strerror(errno));
  if (S_ISDIR(St.st_mode))
    throw Error(Path + ": is a directory, not an object or archive");
  std::ifstream In(Path, std::ios::binary);
  std::stringstream Text;
  Text << In.rdbuf();
  if (!In)
    throw Error(Path + ": cannot be read");
  return Text.str();
}

bool isArchive(std::string_view Data) { return Data.substr(0, 8) == "!<arch>\n"; }

static std::string_view slice(const std::string &Name, std::string_view Data, uint64_t Offset, uint64_t Size) {
  if (Offset > Data.size() || Size > Data.size() - Offset)
    throw Error(Name + ": truncated or corrupt: it refers to bytes after its end");
  return Data.substr(Offset, Size);
}

static std::string_view stringAt(const std::string &Name, std::string_view Table, uint64_t Offset) {
  size_t End = Offset < Table.size() ? Table.find('\0', Offset) : std::string_view::npos;
  if (End == std::string_view::npos)
    throw Error(Name + ": corrupt: a name lies outside its string table");
  return Table.substr(Offset, End - Offset);
}

std::string_view Object::symbolName(const Elf64_Sym &S) const { return stringAt(Name, Strings, S.st_name); }

std::unique_ptr<Object> parseObject(const std::string &Name, std::string_view Data) {
  auto O = std::make_unique<Object>();
  O->Name = Name;
  O->Data = Data;
  if (Data.size() < sizeof(Elf64_Ehdr) || memcmp(Data.data(), ELFMAG, SELFMAG) != 0)
    throw Error(Name + ": not an ELF object; give objects made by duke-cc -c, or archives of them");
  const auto &Header = *reinterpret_cast<const Elf64_Ehdr *>(Data.data());
  if (Header.e_ident[EI_CLASS] != ELFCLASS64 || Header.e_ident[EI_DATA] != ELFDATA2LSB ||
      Header.e_machine != duke::EMachine)
    throw Error(Name + ": an ELF file for machine " + std::to_string(Header.e_machine) + ", not for Duke (" +
                std::to_string(duke::EMachine) + ")");
  if (Header.e_type != ET_REL)
    throw Error(Name + ": not a relocatable object; it is linked already");
  if (Header.e_shentsize != sizeof(Elf64_Shdr))
    throw Error(Name + ": corrupt: wrong size of section headers");
  std::string_view Table = slice(Name, Data, Header.e_shoff, uint64_t(Header.e_shnum) * sizeof(Elf64_Shdr));
  const auto *Headers = reinterpret_cast<const Elf64_Shdr *>(Table.data());
  if (Header.e_shstrndx >= Header.e_shnum)
    throw Error(Name + ": corrupt: no section names");
  const Elf64_Shdr &NameHeader = Headers[Header.e_shstrndx];
  std::string_view Names = slice(Name, Data, NameHeader.sh_offset, NameHeader.sh_size);
  for (unsigned I = 0; I < Header.e_shnum; I++) {
    const Elf64_Shdr &H = Headers[I];
    if (H.sh_type != SHT_NOBITS && H.sh_type != SHT_NULL)
      slice(Name, Data, H.sh_offset, H.sh_size);
    if (H.sh_link >= Header.e_shnum || (H.sh_type == SHT_RELA && H.sh_info >= Header.e_shnum))
      throw Error(Name + ": corrupt: a section header refers to a section that does not exist");
    Section S;
    S.Name = stringAt(Name, Names, H.sh_name);
    S.Header = &H;
    O->Sections.push_back(S);
    if (H.sh_type == SHT_SYMTAB) {
      O->Symbols = reinterpret_cast<const Elf64_Sym *>(Data.data() + H.sh_offset);
      O->SymbolCount = H.sh_size / sizeof(Elf64_Sym);
      O->Strings = slice(Name, Data, Headers[H.sh_link].sh_offset, Headers[H.sh_link].sh_size);
    }
  }
  for (size_t I = 0; I < O->SymbolCount; I++) {
    uint16_t Index = O->Symbols[I].st_shndx;
    if (Index < SHN_LORESERVE && Index >= O->Sections.size())
      throw Error(Name + ": corrupt: a symbol lies in a section that does not exist");
  }
  return O;
}

// The GNU format: 60-byte headers; "/" and "/SYM64/" are symbol tables, "//" holds long names.
Archive parseArchive(const std::string &Name, std::string_view Data) {
  Archive A;
  A.Name = Name;
  std::string_view LongNames;
  for (uint64_t At = 8; At < Data.size();) {
    std::string_view Header = slice(Name, Data, At, 60);
    uint64_t Size = strtoull(std::string(Header.substr(48, 10)).c_str(), nullptr, 10);
    std::string Member(Header.substr(0, 16));
    Member.erase(Member.find_last_not_of(' ') + 1);
    std::string_view Body = slice(Name, Data, At + 60, Size);
    At += 60 + Size + (Size & 1);
    if (Member == "/" || Member == "/SYM64/")
      continue;
    if (Member == "//") {
      LongNames = Body;
      continue;
    }
    if (Member[0] == '/' && Member.size() > 1) {
      std::string_view Long =
          LongNames.substr(std::min<size_t>(strtoull(Member.c_str() + 1, nullptr, 10), LongNames.size()));
      Member = std::string(Long.substr(0, Long.find('/')));
    } else if (Member.back() == '/') {
      Member.pop_back();
    }
    A.Members.push_back(parseObject(Name + "(" + Member + ")", Body));
  }
  return A;
}

} // namespace ld
