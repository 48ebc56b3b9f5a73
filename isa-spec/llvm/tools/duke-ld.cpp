// duke-ld: links Duke objects and archives into a static ELF64 executable.
//
// Other linkers refuse an ELF machine number they do not know, so this one is ours. It knows just what Duke programs need:
// sections are grouped by kind (code, read-only data, data, bss, debug information), laid out from one base address, and
// relocated by the table of fields that the encoder uses too (DukeFixups.h). Archive members are linked on demand.
#include "../mc/DukeFixups.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<uint8_t>;

[[noreturn]] __attribute__((format(printf, 1, 2))) void die(const char *Fmt, ...) {
  va_list Args;
  va_start(Args, Fmt);
  fputs("duke-ld: ", stderr);
  vfprintf(stderr, Fmt, Args);
  fputc('\n', stderr);
  exit(1);
}

Bytes readFile(const std::string &Path) {
  FILE *F = fopen(Path.c_str(), "rb");
  if (!F)
    die("%s: %s", Path.c_str(), strerror(errno));
  Bytes Data;
  uint8_t Buf[65536];
  while (size_t N = fread(Buf, 1, sizeof Buf, F))
    Data.insert(Data.end(), Buf, Buf + N);
  if (ferror(F))
    die("%s: cannot be read", Path.c_str());
  fclose(F);
  return Data;
}

// Output sections, in the order of their addresses.
enum Kind { Text, Rodata, Data, Bss, Debug, Drop };

struct Section {
  Elf64_Shdr H;
  std::string Name;
  Kind K = Drop;
  uint64_t Addr = 0; // for Debug: offset in the output section
};

struct Object {
  std::string Name;
  Bytes D;
  std::vector<Section> Sections;
  std::vector<Elf64_Sym> Symbols;
  uint32_t StrTab = 0;

  // Bytes [Off, Off + Size), or an error: the file may be truncated or hostile.
  const uint8_t *at(uint64_t Off, uint64_t Size, const char *What) const {
    if (Off > D.size() || Size > D.size() - Off)
      die("%s: %s lies outside the file", Name.c_str(), What);
    return D.data() + Off;
  }
  std::string str(uint32_t Table, uint64_t Off) const {
    if (Table >= Sections.size())
      die("%s: no string table %u", Name.c_str(), Table);
    const Elf64_Shdr &H = Sections[Table].H;
    const char *P = reinterpret_cast<const char *>(at(H.sh_offset, H.sh_size, "a string table"));
    if (Off >= H.sh_size || !memchr(P + Off, 0, H.sh_size - Off))
      die("%s: a name lies outside its string table", Name.c_str());
    return P + Off;
  }
  std::string symName(const Elf64_Sym &S) const { return str(StrTab, S.st_name); }
};

bool startsWith(const std::string &S, const char *P) { return S.compare(0, strlen(P), P) == 0; }

Kind kindOf(const Section &S) {
  if (S.H.sh_flags & SHF_ALLOC) {
    if (S.H.sh_type == SHT_NOBITS)
      return Bss;
    return S.H.sh_flags & SHF_EXECINSTR ? Text : S.H.sh_flags & SHF_WRITE ? Data : Rodata;
  }
  return S.H.sh_type == SHT_PROGBITS && startsWith(S.Name, ".debug_") ? Debug : Drop;
}

std::unique_ptr<Object> parseObject(std::string Name, Bytes D) {
  auto O = std::make_unique<Object>();
  O->Name = std::move(Name);
  O->D = std::move(D);
  Elf64_Ehdr E;
  if (O->D.size() < sizeof E || memcmp(O->D.data(), ELFMAG, SELFMAG) != 0)
    die("%s: not an ELF object; expected one made by duke-cc -c", O->Name.c_str());
  memcpy(&E, O->D.data(), sizeof E);
  if (E.e_ident[EI_CLASS] != ELFCLASS64 || E.e_machine != duke::EMachine || E.e_type != ET_REL)
    die("%s: not a relocatable object for Duke (ELF class %u, type %u, machine %#x)", O->Name.c_str(), E.e_ident[EI_CLASS], E.e_type,
        E.e_machine);
  if (E.e_shentsize != sizeof(Elf64_Shdr))
    die("%s: section headers of %u bytes, expected %zu", O->Name.c_str(), E.e_shentsize, sizeof(Elf64_Shdr));
  const uint8_t *SH = O->at(E.e_shoff, uint64_t(E.e_shnum) * sizeof(Elf64_Shdr), "the section header table");
  O->Sections.resize(E.e_shnum);
  for (unsigned I = 0; I < E.e_shnum; I++)
    memcpy(&O->Sections[I].H, SH + I * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
  for (Section &S : O->Sections) {
    S.Name = O->str(E.e_shstrndx, S.H.sh_name);
    if (S.H.sh_type != SHT_NOBITS)
      O->at(S.H.sh_offset, S.H.sh_size, "a section");
    S.K = kindOf(S);
    if (S.H.sh_type == SHT_SYMTAB) {
      O->StrTab = S.H.sh_link;
      O->Symbols.resize(S.H.sh_size / sizeof(Elf64_Sym));
      if (!O->Symbols.empty())
        memcpy(O->Symbols.data(), O->D.data() + S.H.sh_offset, O->Symbols.size() * sizeof(Elf64_Sym));
    }
  }
  return O;
}

struct Member {
  std::string Name;
  Bytes D;
  std::vector<std::string> Defines;
  bool Taken = false;
};

// Reads a System V archive, long names included; the symbol index is not needed.
void parseArchive(const std::string &Path, const Bytes &D, std::vector<Member> &Out) {
  std::string LongNames;
  for (size_t P = 8; P + 60 <= D.size();) {
    std::string Head(D.begin() + P, D.begin() + P + 60);
    size_t Size = strtoull(Head.substr(48, 10).c_str(), nullptr, 10);
    if (Head.compare(58, 2, "`\n") != 0 || Size > D.size() - P - 60)
      die("%s: damaged archive at offset %zu", Path.c_str(), P);
    std::string Name = Head.substr(0, 16);
    Bytes Body(D.begin() + P + 60, D.begin() + P + 60 + Size);
    P += 60 + Size + (Size & 1);
    if (startsWith(Name, "// ")) {
      LongNames.assign(Body.begin(), Body.end());
      continue;
    }
    if (startsWith(Name, "/ ") || startsWith(Name, "/SYM64/"))
      continue;
    if (Name[0] == '/') {
      size_t Off = strtoull(Name.c_str() + 1, nullptr, 10);
      Name = Off < LongNames.size() ? LongNames.substr(Off, LongNames.find('/', Off) - Off) : "?";
    } else {
      Name = Name.substr(0, Name.find('/'));
    }
    auto O = parseObject(Path + "(" + Name + ")", Body);
    Member M{O->Name, std::move(Body), {}, false};
    for (const Elf64_Sym &S : O->Symbols)
      if (S.st_shndx != SHN_UNDEF && ELF64_ST_BIND(S.st_info) != STB_LOCAL)
        M.Defines.push_back(O->symName(S));
    Out.push_back(std::move(M));
  }
}

struct Global {
  bool Defined = false, Weak = false;
  uint64_t Value = 0;
  const Object *Owner = nullptr;
  const Elf64_Sym *Sym = nullptr;
};

class Linker {
public:
  std::string Output = "a.out", Entry = "_start", MapPath;
  uint64_t Base = 0x40010000;

  void addInput(const std::string &Path) {
    Bytes D = readFile(Path);
    if (D.size() >= 8 && memcmp(D.data(), "!<arch>\n", 8) == 0)
      parseArchive(Path, D, Members);
    else
      addObject(parseObject(Path, std::move(D)));
  }

  void link() {
    Globals[Entry]; // wanted
    pullMembers();
    layOut();
    define();
    relocate();
    write();
    if (!MapPath.empty())
      writeMap();
  }

private:
  std::vector<std::unique_ptr<Object>> Objects;
  std::vector<Member> Members;
  std::map<std::string, Global> Globals;
  std::map<std::string, Bytes> DebugOut;
  Bytes Image;                       // Text, Rodata, Data
  uint64_t Start[5] = {}, End[5] = {}; // addresses, by Kind

  void addObject(std::unique_ptr<Object> O) {
    for (const Elf64_Sym &S : O->Symbols) {
      if (ELF64_ST_BIND(S.st_info) == STB_LOCAL)
        continue;
      std::string Name = O->symName(S);
      bool Weak = ELF64_ST_BIND(S.st_info) == STB_WEAK;
      auto [It, New] = Globals.try_emplace(Name);
      Global &G = It->second;
      if (S.st_shndx == SHN_UNDEF) {
        G.Weak = New ? Weak : (!G.Defined && Weak && G.Weak);
        continue;
      }
      if (S.st_shndx == SHN_COMMON)
        die("%s: common symbol %s; compile with -fno-common", O->Name.c_str(), Name.c_str());
      if (G.Defined && !G.Weak && !Weak)
        die("%s is defined in %s and in %s", Name.c_str(), G.Owner->Name.c_str(), O->Name.c_str());
      if (G.Defined && Weak)
        continue;
      G = {true, Weak, 0, O.get(), &S};
    }
    Objects.push_back(std::move(O));
  }

  void pullMembers() {
    for (bool Again = true; Again;) {
      Again = false;
      for (Member &M : Members) {
        bool Wanted = !M.Taken && std::any_of(M.Defines.begin(), M.Defines.end(), [&](const std::string &N) {
          auto It = Globals.find(N);
          return It != Globals.end() && !It->second.Defined && !It->second.Weak;
        });
        if (!Wanted)
          continue;
        M.Taken = Again = true;
        addObject(parseObject(M.Name, M.D));
      }
    }
  }

  // .text.start comes first: the core's reset address is the base. Then the trap vectors, for their alignment.
  static int rank(const Section &S) { return S.Name == ".text.start" ? 0 : S.Name == ".text.vectors" ? 1 : 2; }

  void layOut() {
    uint64_t Addr = Base;
    for (int K = Text; K <= Bss; K++) {
      Addr = (Addr + 63) & ~uint64_t(63);
      Start[K] = Addr;
      for (int R = 0; R < 3; R++)
        for (auto &O : Objects)
          for (Section &S : O->Sections) {
            if (S.K != K || rank(S) != R)
              continue;
            uint64_t Align = std::max<uint64_t>(S.H.sh_addralign, 1);
            Addr = (Addr + Align - 1) & ~(Align - 1);
            S.Addr = Addr;
            Addr += S.H.sh_size;
          }
      End[K] = Addr;
    }
    if (Addr > 0x80000000u)
      die("the image ends at %#llx, beyond hidden memory", (unsigned long long)Addr);
    Image.resize(End[Data] - Base);
    // Padding between functions is never reached; nops keep disassembly in step: zero words are not ops.
    for (auto &O : Objects)
      for (Section &S : O->Sections) {
        if (S.K <= Data && S.H.sh_size)
          memcpy(&Image[S.Addr - Base], O->D.data() + S.H.sh_offset, S.H.sh_size);
        if (S.K == Debug) {
          Bytes &D = DebugOut[S.Name];
          S.Addr = D.size();
          D.insert(D.end(), O->D.begin() + S.H.sh_offset, O->D.begin() + S.H.sh_offset + S.H.sh_size);
        }
      }
  }

  uint64_t valueIn(const Object &O, const Elf64_Sym &S) const {
    if (S.st_shndx == SHN_ABS)
      return S.st_value;
    if (S.st_shndx >= O.Sections.size())
      die("%s: symbol in section %u, which does not exist", O.Name.c_str(), S.st_shndx);
    return O.Sections[S.st_shndx].Addr + S.st_value;
  }

  void define() {
    auto Own = [&](const char *Name, uint64_t Value) {
      Global &G = Globals[Name];
      if (!G.Defined)
        G = {true, false, Value, nullptr, nullptr};
    };
    Own("__image_start", Base);
    Own("__image_end", End[Bss]);
    Own("__text_end", End[Text]);
    Own("__bss_start", Start[Bss]);
    Own("__bss_end", End[Bss]);
    for (auto &[Name, G] : Globals)
      if (G.Owner)
        G.Value = valueIn(*G.Owner, *G.Sym);
    if (!Globals[Entry].Defined)
      die("the entry symbol %s is not defined", Entry.c_str());
  }

  uint64_t symbolValue(const Object &O, const Section &Place, uint32_t Index) {
    if (Index >= O.Symbols.size())
      die("%s: relocation against symbol %u, which does not exist", O.Name.c_str(), Index);
    const Elf64_Sym &S = O.Symbols[Index];
    if (ELF64_ST_BIND(S.st_info) == STB_LOCAL)
      return S.st_shndx == SHN_UNDEF ? 0 : valueIn(O, S);
    const Global &G = Globals[O.symName(S)];
    if (!G.Defined && ELF64_ST_BIND(S.st_info) != STB_WEAK)
      die("%s: %s is not defined (used in %s)", O.Name.c_str(), O.symName(S).c_str(), Place.Name.c_str());
    return G.Value;
  }

  void relocate() {
    for (auto &O : Objects)
      for (const Section &R : O->Sections) {
        if (R.H.sh_type != SHT_RELA)
          continue;
        if (R.H.sh_info >= O->Sections.size())
          die("%s: relocations for section %u, which does not exist", O->Name.c_str(), R.H.sh_info);
        const Section &S = O->Sections[R.H.sh_info];
        if (S.K == Drop || S.K == Bss)
          continue;
        for (uint64_t I = 0; I + sizeof(Elf64_Rela) <= R.H.sh_size; I += sizeof(Elf64_Rela)) {
          Elf64_Rela A;
          memcpy(&A, O->D.data() + R.H.sh_offset + I, sizeof A);
          applyOne(*O, S, A);
        }
      }
  }

  void applyOne(const Object &O, const Section &S, const Elf64_Rela &A) {
    unsigned Type = ELF64_R_TYPE(A.r_info);
    if (Type == duke::R_NONE)
      return;
    Bytes &Out = S.K == Debug ? DebugOut[S.Name] : Image;
    uint64_t Off = S.K == Debug ? S.Addr + A.r_offset : S.Addr - Base + A.r_offset;
    uint64_t P = S.Addr + A.r_offset;
    uint64_t V = symbolValue(O, S, ELF64_R_SYM(A.r_info)) + uint64_t(A.r_addend);
    bool Is64 = Type == duke::R_64 || Type == duke::R_PC64;
    size_t Size = Is64 ? 8 : 4;
    const duke::Field *F = nullptr;
    if (Type >= duke::FirstFieldReloc) {
      if (Type - duke::FirstFieldReloc >= std::size(duke::Fields))
        die("%s: relocation type %u is unknown", O.Name.c_str(), Type);
      F = &duke::Fields[Type - duke::FirstFieldReloc];
      Size = duke::hasExtension(*F) ? 8 : 4;
    }
    if (A.r_offset > S.H.sh_size || Size > S.H.sh_size - A.r_offset)
      die("%s: relocation outside %s", O.Name.c_str(), S.Name.c_str());
    if (!F) {
      if (Type == duke::R_PC32 || Type == duke::R_PC64)
        V -= P;
      memcpy(&Out[Off], &V, Size);
      return;
    }
    int64_t Value = int64_t(F->PCRel ? V - P : V);
    if (!duke::fits(*F, Value))
      die("%s: %s+%#llx: %lld does not fit %s (%u bits)", O.Name.c_str(), S.Name.c_str(), (unsigned long long)A.r_offset,
          (long long)Value, F->Name, F->Width);
    uint64_t Old = 0, Mask = 0;
    memcpy(&Old, &Out[Off], Size);
    for (const duke::Piece &Pc : F->Pieces)
      Mask |= ((uint64_t(1) << Pc.Width) - 1) << Pc.At;
    Old = (Old & ~Mask) | duke::place(*F, Value);
    memcpy(&Out[Off], &Old, Size);
  }

  struct Out {
    std::string Name;
    Elf64_Shdr H = {};
    const uint8_t *Data = nullptr;
  };

  void write() {
    std::vector<Out> Secs(1);
    auto Add = [&](std::string Name, uint32_t Type, uint64_t Flags, uint64_t Addr, uint64_t Size, const uint8_t *Data, uint64_t Align) {
      Out O{std::move(Name), {}, Data};
      O.H.sh_type = Type;
      O.H.sh_flags = Flags;
      O.H.sh_addr = Addr;
      O.H.sh_size = Size;
      O.H.sh_addralign = Align;
      Secs.push_back(std::move(O));
    };
    static const char *const Names[] = {".text", ".rodata", ".data", ".bss"};
    static const uint64_t Flags[] = {SHF_ALLOC | SHF_EXECINSTR, SHF_ALLOC, SHF_ALLOC | SHF_WRITE, SHF_ALLOC | SHF_WRITE};
    for (int K = Text; K <= Bss; K++)
      Add(Names[K], K == Bss ? SHT_NOBITS : SHT_PROGBITS, Flags[K], Start[K], End[K] - Start[K],
          K == Bss ? nullptr : Image.data() + (Start[K] - Base), 64);
    for (auto &[Name, D] : DebugOut)
      Add(Name, SHT_PROGBITS, 0, 0, D.size(), D.data(), 1);

    std::string Strings(1, 0);
    std::vector<Elf64_Sym> Syms = symbols(Strings);
    uint32_t Locals = 0;
    while (Locals < Syms.size() && ELF64_ST_BIND(Syms[Locals].st_info) == STB_LOCAL)
      Locals++;
    Add(".symtab", SHT_SYMTAB, 0, 0, Syms.size() * sizeof(Elf64_Sym), reinterpret_cast<uint8_t *>(Syms.data()), 8);
    Secs.back().H.sh_link = uint32_t(Secs.size());
    Secs.back().H.sh_info = Locals;
    Secs.back().H.sh_entsize = sizeof(Elf64_Sym);
    Add(".strtab", SHT_STRTAB, 0, 0, Strings.size(), reinterpret_cast<const uint8_t *>(Strings.data()), 1);
    std::string SecNames(1, 0);
    Add(".shstrtab", SHT_STRTAB, 0, 0, 0, nullptr, 1);
    for (Out &O : Secs) {
      O.H.sh_name = O.Name.empty() ? 0 : uint32_t(SecNames.size());
      if (!O.Name.empty())
        SecNames += O.Name + '\0';
    }
    Secs.back().H.sh_size = SecNames.size();
    Secs.back().Data = reinterpret_cast<const uint8_t *>(SecNames.data());

    Bytes File(sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr));
    for (Out &O : Secs) {
      if (O.H.sh_type == SHT_NULL)
        continue;
      uint64_t Align = std::max<uint64_t>(O.H.sh_addralign, 1);
      File.resize((File.size() + Align - 1) & ~(Align - 1));
      O.H.sh_offset = File.size();
      if (O.Data)
        File.insert(File.end(), O.Data, O.Data + O.H.sh_size);
    }
    File.resize((File.size() + 7) & ~size_t(7));
    Elf64_Ehdr E = {};
    memcpy(E.e_ident, ELFMAG, SELFMAG);
    E.e_ident[EI_CLASS] = ELFCLASS64;
    E.e_ident[EI_DATA] = ELFDATA2LSB;
    E.e_ident[EI_VERSION] = EV_CURRENT;
    E.e_type = ET_EXEC;
    E.e_machine = duke::EMachine;
    E.e_version = EV_CURRENT;
    E.e_entry = Globals[Entry].Value;
    E.e_phoff = sizeof E;
    E.e_shoff = File.size();
    E.e_ehsize = sizeof E;
    E.e_phentsize = sizeof(Elf64_Phdr);
    E.e_phnum = 2;
    E.e_shentsize = sizeof(Elf64_Shdr);
    E.e_shnum = uint16_t(Secs.size());
    E.e_shstrndx = uint16_t(Secs.size() - 1);
    // One segment to execute (code and constants), one to write.
    Elf64_Phdr P[2] = {};
    const Elf64_Shdr &T = Secs[1].H, &R = Secs[2].H, &W = Secs[3].H;
    P[0] = {PT_LOAD, PF_R | PF_X, T.sh_offset, T.sh_addr, T.sh_addr, R.sh_offset + R.sh_size - T.sh_offset,
            R.sh_addr + R.sh_size - T.sh_addr, 64};
    P[1] = {PT_LOAD, PF_R | PF_W, W.sh_offset, W.sh_addr, W.sh_addr, W.sh_size, End[Bss] - W.sh_addr, 64};
    memcpy(File.data(), &E, sizeof E);
    memcpy(File.data() + sizeof E, P, sizeof P);
    for (Out &O : Secs)
      File.insert(File.end(), reinterpret_cast<uint8_t *>(&O.H), reinterpret_cast<uint8_t *>(&O.H) + sizeof O.H);
    save(File);
  }

  // Written whole under another name and renamed, so that a failure leaves nothing half-written.
  void save(const Bytes &File) const {
    std::string Temp = Output + ".tmp";
    FILE *F = fopen(Temp.c_str(), "wb");
    if (!F)
      die("%s: %s", Temp.c_str(), strerror(errno));
    bool Ok = fwrite(File.data(), 1, File.size(), F) == File.size();
    if (fclose(F) != 0 || !Ok || rename(Temp.c_str(), Output.c_str()) != 0) {
      remove(Temp.c_str());
      die("%s: cannot be written: %s", Output.c_str(), strerror(errno));
    }
  }

  static uint16_t outIndex(Kind K) { return K <= Bss ? uint16_t(K + 1) : uint16_t(SHN_ABS); }

  std::vector<Elf64_Sym> symbols(std::string &Strings) const {
    std::vector<Elf64_Sym> Local(1), Public;
    auto Named = [&](Elf64_Sym S, const std::string &Name) {
      S.st_name = uint32_t(Strings.size());
      Strings += Name + '\0';
      return S;
    };
    for (auto &O : Objects)
      for (const Elf64_Sym &S : O->Symbols) {
        unsigned T = ELF64_ST_TYPE(S.st_info);
        bool Keep = S.st_shndx != SHN_UNDEF && S.st_shndx < O->Sections.size() && O->Sections[S.st_shndx].K <= Bss;
        if (!Keep || T == STT_SECTION || T == STT_FILE || ELF64_ST_BIND(S.st_info) != STB_LOCAL)
          continue;
        std::string Name = O->symName(S);
        if (startsWith(Name, ".L"))
          continue;
        Elf64_Sym N = Named(S, Name);
        N.st_value = valueIn(*O, S);
        N.st_shndx = outIndex(O->Sections[S.st_shndx].K);
        Local.push_back(N);
      }
    for (auto &[Name, G] : Globals) {
      if (!G.Defined)
        continue;
      Elf64_Sym S = {};
      if (G.Sym)
        S = *G.Sym;
      else
        S.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
      S.st_value = G.Value;
      S.st_shndx = G.Sym && G.Sym->st_shndx < G.Owner->Sections.size() ? outIndex(G.Owner->Sections[G.Sym->st_shndx].K) : uint16_t(SHN_ABS);
      Public.push_back(Named(S, Name));
    }
    Local.insert(Local.end(), Public.begin(), Public.end());
    return Local;
  }

  void writeMap() const {
    FILE *F = fopen(MapPath.c_str(), "w");
    if (!F)
      die("%s: %s", MapPath.c_str(), strerror(errno));
    std::vector<std::pair<uint64_t, std::string>> Lines;
    for (auto &[Name, G] : Globals)
      if (G.Defined)
        Lines.emplace_back(G.Value, Name);
    std::sort(Lines.begin(), Lines.end());
    for (auto &[Value, Name] : Lines)
      fprintf(F, "%08llx %s\n", (unsigned long long)Value, Name.c_str());
    fclose(F);
  }
};

const char Help[] = "usage: duke-ld [-o FILE] [-Ttext ADDR] [-e SYMBOL] [-Map FILE] OBJECT|ARCHIVE...\n"
                    "Links Duke objects into a static ELF executable.\n"
                    "  -o FILE       output (a.out)\n"
                    "  -Ttext ADDR   address of the first byte (0x40010000)\n"
                    "  -e SYMBOL     entry (_start)\n"
                    "  -Map FILE     also write symbols and their addresses\n"
                    "Defines __image_start, __image_end, __text_end, __bss_start and __bss_end.\n";

} // namespace

int main(int Argc, char **Argv) {
  Linker L;
  std::vector<std::string> Inputs;
  for (int I = 1; I < Argc; I++) {
    std::string A = Argv[I];
    auto Value = [&]() -> std::string {
      if (++I >= Argc)
        die("%s needs a value; see duke-ld --help", A.c_str());
      return Argv[I];
    };
    if (A == "--help" || A == "-h") {
      fputs(Help, stdout);
      return 0;
    } else if (A == "-o") {
      L.Output = Value();
    } else if (A == "-e") {
      L.Entry = Value();
    } else if (A == "-Map") {
      L.MapPath = Value();
    } else if (A == "-Ttext") {
      std::string V = Value();
      char *End;
      L.Base = strtoull(V.c_str(), &End, 0);
      if (*End || L.Base % 64 != 0 || L.Base >= 0x80000000u)
        die("-Ttext %s: expected an address below 0x80000000 that is a multiple of 64", V.c_str());
    } else if (A.size() > 1 && A[0] == '-') {
      die("unknown option %s; see duke-ld --help", A.c_str());
    } else {
      Inputs.push_back(A);
    }
  }
  if (Inputs.empty())
    die("no input files; see duke-ld --help");
  for (const std::string &P : Inputs)
    L.addInput(P);
  L.link();
  return 0;
}
