// The executable: image, symbol table, debug sections.
#include "link.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace ld {
namespace {

// Offset of the image in the file; congruent to its address modulo the page size if that is a multiple of a page.
constexpr uint64_t ImageOffset = 4096;

class Writer {
  Link &L;
  std::string Out, SectionNames = std::string(1, '\0');
  std::vector<Elf64_Shdr> Headers{Elf64_Shdr{}};

  void pad(uint64_t Align) { Out.resize((Out.size() + Align - 1) / Align * Align); }

  Elf64_Shdr &header(std::string_view Name, uint32_t Type, uint64_t Flags, uint64_t Address, uint64_t Offset,
                     uint64_t Size, uint64_t Align) {
    Elf64_Shdr H{};
    H.sh_name = uint32_t(SectionNames.size());
    SectionNames.append(Name).push_back('\0');
    H.sh_type = Type;
    H.sh_flags = Flags;
    H.sh_addr = Address;
    H.sh_offset = Offset;
    H.sh_size = Size;
    H.sh_addralign = Align;
    Headers.push_back(H);
    return Headers.back();
  }
  Elf64_Shdr &append(std::string_view Name, uint32_t Type, const void *Bytes, size_t Size, uint64_t Align) {
    pad(Align);
    uint64_t At = Out.size();
    Out.append(static_cast<const char *>(Bytes), Size);
    return header(Name, Type, 0, 0, At, Size, Align);
  }

  uint16_t sectionAt(uint64_t Address) const {
    uint16_t Index = SHN_ABS;
    for (size_t I = 0; I < L.Segments.size(); I++)
      if (L.Segments[I].Size != 0 && Address >= L.Segments[I].Address)
        Index = uint16_t(I + 1);
    return Index;
  }

  void appendSymbols() {
    std::vector<Elf64_Sym> Symbols(1);
    std::string Names(1, '\0');
    auto Add = [&](std::string_view Name, uint64_t Address, uint64_t Size, unsigned char Info) {
      Elf64_Sym S{};
      S.st_name = uint32_t(Names.size());
      Names.append(Name).push_back('\0');
      S.st_info = Info;
      S.st_value = Address;
      S.st_size = Size;
      S.st_shndx = sectionAt(Address);
      Symbols.push_back(S);
    };
    for (auto &O : L.Objects)
      for (size_t I = 0; I < O->SymbolCount; I++) {
        const Elf64_Sym &S = O->Symbols[I];
        unsigned Type = ELF64_ST_TYPE(S.st_info);
        if (ELF64_ST_BIND(S.st_info) != STB_LOCAL || S.st_shndx == SHN_UNDEF || S.st_shndx >= SHN_LORESERVE ||
            Type == STT_SECTION || Type == STT_FILE)
          continue;
        const Section &Sec = O->Sections[S.st_shndx];
        std::string_view Name = O->symbolName(S);
        if (Sec.isAlloc() && Sec.Used && Name.substr(0, 2) != ".L")
          Add(Name, Sec.Address + S.st_value, S.st_size, S.st_info);
      }
    uint32_t Locals = uint32_t(Symbols.size());
    for (auto &[Name, D] : L.Globals) {
      if (D.Symbol && D.Common == 0 && D.Symbol->st_shndx < SHN_LORESERVE &&
          !D.Owner->Sections[D.Symbol->st_shndx].Used)
        continue;
      if (D.Symbol)
        Add(Name, D.Address, D.Symbol->st_size, D.Symbol->st_info);
      else if (D.Address != 0)
        Add(Name, D.Address, 0, ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE));
    }
    uint32_t Strings = uint32_t(Headers.size()) + 1;
    Elf64_Shdr &H = append(".symtab", SHT_SYMTAB, Symbols.data(), Symbols.size() * sizeof(Elf64_Sym), 8);
    H.sh_link = Strings;
    H.sh_info = Locals;
    H.sh_entsize = sizeof(Elf64_Sym);
    append(".strtab", SHT_STRTAB, Names.data(), Names.size(), 1);
  }

public:
  explicit Writer(Link &L) : L(L) {}

  std::string make() {
    Elf64_Ehdr E{};
    std::vector<Elf64_Phdr> Program;
    uint64_t Skew = L.Opt.Base % ImageOffset;
    Out.resize(ImageOffset + Skew);
    for (const Segment &S : L.Segments) {
      uint64_t Offset = ImageOffset + Skew + (S.Address - L.Opt.Base);
      bool Zero = S.Bytes.empty();
      uint64_t Flags = SHF_ALLOC | (S.Flags & PF_X ? SHF_EXECINSTR : 0) | (S.Flags & PF_W ? SHF_WRITE : 0);
      header(S.Name, Zero ? SHT_NOBITS : SHT_PROGBITS, Flags, S.Address, Offset, S.Size, 64);
      if (S.Size == 0)
        continue;
      if (!Zero) {
        Out.resize(Offset);
        Out.append(reinterpret_cast<const char *>(S.Bytes.data()), S.Bytes.size());
      }
      Program.push_back({PT_LOAD, S.Flags, Offset, S.Address, S.Address, Zero ? 0 : S.Size, S.Size, ImageOffset});
    }
    for (auto &[Name, Bytes] : L.Debug)
      append(Name, SHT_PROGBITS, Bytes.data(), Bytes.size(), 1);
    appendSymbols();
    uint64_t NamesAt = Out.size();
    Elf64_Shdr &Names = header(".shstrtab", SHT_STRTAB, 0, 0, NamesAt, 0, 1);
    Names.sh_size = SectionNames.size();
    Out += SectionNames;
    pad(8);
    memcpy(E.e_ident, ELFMAG, SELFMAG);
    E.e_ident[EI_CLASS] = ELFCLASS64;
    E.e_ident[EI_DATA] = ELFDATA2LSB;
    E.e_ident[EI_VERSION] = EV_CURRENT;
    E.e_type = ET_EXEC;
    E.e_machine = duke::EMachine;
    E.e_version = EV_CURRENT;
    E.e_entry = L.Globals[L.Opt.Entry].Address;
    E.e_phoff = sizeof E;
    E.e_shoff = Out.size();
    E.e_ehsize = sizeof E;
    E.e_phentsize = sizeof(Elf64_Phdr);
    E.e_phnum = uint16_t(Program.size());
    E.e_shentsize = sizeof(Elf64_Shdr);
    E.e_shnum = uint16_t(Headers.size());
    E.e_shstrndx = uint16_t(Headers.size() - 1);
    Out.append(reinterpret_cast<const char *>(Headers.data()), Headers.size() * sizeof(Elf64_Shdr));
    memcpy(&Out[0], &E, sizeof E);
    memcpy(&Out[sizeof E], Program.data(), Program.size() * sizeof(Elf64_Phdr));
    return Out;
  }
};

void writeFile(const std::string &Path, const std::string &Text) {
  std::ofstream File(Path, std::ios::binary | std::ios::trunc);
  File << Text;
  File.close();
  if (!File)
    throw Error(Path + ": cannot be written: " + strerror(errno));
}
} // namespace

void writeExecutable(Link &L) { writeFile(L.Opt.Output, Writer(L).make()); }

void writeMap(Link &L) {
  std::string Text;
  for (auto &O : L.Objects)
    for (const Section &S : O->Sections)
      if (S.Used && S.isAlloc() && S.Header->sh_size != 0)
        Text += hex(S.Address) + " " + hex(S.Header->sh_size) + " " + std::string(S.Name) + " " + O->Name + "\n";
  std::vector<std::pair<uint64_t, std::string_view>> Symbols;
  for (auto &[Name, D] : L.Globals)
    if (D.Address != 0)
      Symbols.push_back({D.Address, Name});
  std::sort(Symbols.begin(), Symbols.end());
  for (auto &[Address, Name] : Symbols)
    Text += hex(Address) + " " + std::string(Name) + "\n";
  writeFile(L.Opt.Map, Text);
}

} // namespace ld
