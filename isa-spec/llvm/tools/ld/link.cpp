#include "link.h"
#include <algorithm>
#include <cstring>
#include <set>

namespace ld {

static bool isGlobal(const Elf64_Sym &S) { return ELF64_ST_BIND(S.st_info) != STB_LOCAL; }
static bool isWeak(const Elf64_Sym &S) { return ELF64_ST_BIND(S.st_info) == STB_WEAK; }

// ---------------------------------------------------------------- symbols

void Link::define(Object &O) {
  for (size_t I = 0; I < O.SymbolCount; I++) {
    const Elf64_Sym &S = O.Symbols[I];
    if (!isGlobal(S))
      continue;
    Definition &D = Globals[O.symbolName(S)];
    if (S.st_shndx == SHN_UNDEF)
      continue;
    bool Strong = D.Symbol && !D.Weak && D.Common == 0;
    if (S.st_shndx == SHN_COMMON) {
      if (!Strong)
        D = {&O, &S, 0, false, std::max<size_t>(D.Common, S.st_size)};
      continue;
    }
    if (isWeak(S) && D.Symbol)
      continue;
    if (Strong)
      throw Error("symbol `" + std::string(O.symbolName(S)) + "' is defined twice: in " + D.Owner->Name + " and in " +
                  O.Name);
    D = {&O, &S, 0, isWeak(S), 0};
  }
}

// Takes members that define a symbol that is still undefined, until there are none.
void Link::pullMembers() {
  std::set<std::string_view> Wanted{Opt.Entry};
  size_t Seen = 0;
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (; Seen < Objects.size(); Seen++)
      for (size_t I = 0; I < Objects[Seen]->SymbolCount; I++) {
        const Elf64_Sym &S = Objects[Seen]->Symbols[I];
        if (S.st_shndx == SHN_UNDEF && isGlobal(S) && !isWeak(S))
          Wanted.insert(Objects[Seen]->symbolName(S));
      }
    for (Archive &A : Archives)
      for (auto &M : A.Members) {
        if (!M)
          continue;
        bool Needed = false;
        for (size_t I = 0; I < M->SymbolCount && !Needed; I++) {
          const Elf64_Sym &S = M->Symbols[I];
          Needed = isGlobal(S) && S.st_shndx != SHN_UNDEF && Wanted.count(M->symbolName(S)) &&
                   !Globals[M->symbolName(S)].Symbol;
        }
        if (!Needed)
          continue;
        define(*M);
        Objects.push_back(std::move(M));
        Changed = true;
      }
  }
}

// ---------------------------------------------------------------- sections

// What is reachable from the entry and from sections that must stay. Without --gc-sections: everything.
void Link::markUsed() {
  std::vector<std::pair<Object *, Section *>> Work;
  auto Mark = [&](Object &O, Section &S) {
    if (!S.Used && S.isAlloc()) {
      S.Used = true;
      Work.push_back({&O, &S});
    }
  };
  for (auto &O : Objects)
    for (Section &S : O->Sections) {
      bool Root = S.Name.substr(0, 12) == ".text..reset" || S.Name.substr(0, 11) == ".init_array" ||
                  S.Name.substr(0, 5) == ".keep";
      if (!Opt.CollectGarbage || Root)
        Mark(*O, S);
      if (S.isDebug())
        S.Used = true;
    }
  if (auto It = Globals.find(Opt.Entry); It != Globals.end() && It->second.Symbol)
    Mark(*It->second.Owner, It->second.Owner->Sections[It->second.Symbol->st_shndx]);
  while (!Work.empty()) {
    auto [O, S] = Work.back();
    Work.pop_back();
    size_t Index = size_t(S - O->Sections.data());
    for (Section &R : O->Sections) {
      if (R.Header->sh_type != SHT_RELA || R.Header->sh_info != Index)
        continue;
      const auto *Entries = reinterpret_cast<const Elf64_Rela *>(O->Data.data() + R.Header->sh_offset);
      for (size_t I = 0; I < R.Header->sh_size / sizeof(Elf64_Rela); I++) {
        if (ELF64_R_SYM(Entries[I].r_info) >= O->SymbolCount)
          throw Error(O->Name + ": corrupt: a relocation names a symbol that does not exist");
        const Elf64_Sym &Sym = O->Symbols[ELF64_R_SYM(Entries[I].r_info)];
        if (Sym.st_shndx != SHN_UNDEF && Sym.st_shndx < SHN_LORESERVE) {
          Mark(*O, O->Sections[Sym.st_shndx]);
        } else if (auto It = Globals.find(O->symbolName(Sym)); It != Globals.end() && It->second.Symbol) {
          Definition &D = It->second;
          if (D.Symbol->st_shndx < SHN_LORESERVE)
            Mark(*D.Owner, D.Owner->Sections[D.Symbol->st_shndx]);
        }
      }
    }
  }
}

static const size_t Last = SIZE_MAX;

static unsigned kindOf(const Section &S) {
  if (S.Header->sh_type == SHT_NOBITS)
    return 3;
  if (S.Header->sh_flags & SHF_EXECINSTR)
    return 0;
  return S.Header->sh_flags & SHF_WRITE ? 2 : 1;
}

// Within a segment: start-up code first, then what the order file names, then input order; constructors together and in
// order of priority.
static std::pair<size_t, std::string_view> rankOf(const Section &S, const Options &Opt) {
  if (S.Name.substr(0, 12) == ".text..reset")
    return {0, {}};
  if (S.Name.substr(0, 11) == ".init_array")
    return {Last, S.Name == ".init_array" ? std::string_view("~") : S.Name};
  auto It = Opt.Order.find(S.Name);
  return {It == Opt.Order.end() ? Last - 1 : It->second, {}};
}

static uint64_t alignTo(uint64_t Value, uint64_t Align) {
  return Align > 1 ? (Value + Align - 1) / Align * Align : Value;
}

void Link::layOut() {
  Segments = {{".text", PF_R | PF_X}, {".rodata", PF_R}, {".data", PF_R | PF_W}, {".bss", PF_R | PF_W}};
  uint64_t At = Opt.Base, InitStart = 0, InitEnd = 0;
  for (unsigned Kind = 0; Kind < 4; Kind++) {
    Segment &Seg = Segments[Kind];
    std::vector<Section *> Members;
    for (auto &O : Objects)
      for (Section &S : O->Sections)
        if (S.Used && S.isAlloc() && kindOf(S) == Kind && S.Header->sh_size != 0)
          Members.push_back(&S);
    std::stable_sort(Members.begin(), Members.end(),
                     [&](Section *A, Section *B) { return rankOf(*A, Opt) < rankOf(*B, Opt); });
    Seg.Address = At = alignTo(At, 64);
    for (Section *S : Members) {
      S->Address = alignTo(At, S->Header->sh_addralign);
      At = S->Address + S->Header->sh_size;
      if (rankOf(*S, Opt).first == Last) {
        InitStart = InitStart ? InitStart : S->Address;
        InitEnd = At;
      }
    }
    if (Kind == 3)
      for (auto &[Name, D] : Globals)
        if (D.Common != 0) {
          D.Address = alignTo(At, D.Symbol->st_value);
          At = D.Address + D.Common;
        }
    Seg.Size = At - Seg.Address;
    if (Kind != 3)
      Seg.Bytes.resize(Seg.Size);
    if (At > UINT64_C(0x80000000))
      throw Error("the program does not fit: it would end at " + hex(At) + ", hidden memory ends at 0x80000000");
  }
  for (auto &O : Objects)
    for (Section &S : O->Sections) {
      std::string_view Contents =
          S.Header->sh_type == SHT_NOBITS ? std::string_view() : O->Data.substr(S.Header->sh_offset, S.Header->sh_size);
      if (S.Used && S.isAlloc() && S.Header->sh_type != SHT_NOBITS && S.Header->sh_size != 0)
        memcpy(bytesOf(S), Contents.data(), Contents.size());
      if (S.isDebug()) {
        std::vector<uint8_t> &Out = Debug[S.Name];
        S.Address = Out.size();
        Out.insert(Out.end(), Contents.begin(), Contents.end());
      }
    }
  for (auto &[Name, D] : Globals)
    if (D.Symbol && D.Common == 0)
      D.Address =
          D.Symbol->st_value + (D.Symbol->st_shndx < SHN_LORESERVE ? D.Owner->Sections[D.Symbol->st_shndx].Address : 0);
  const Segment &Bss = Segments[3];
  std::pair<const char *, uint64_t> Defined[] = {
      {"__image_start", Opt.Base},
      {"__image_end", alignTo(At, 16)},
      {"__bss_start", Bss.Address},
      {"__bss_end", Bss.Address + Bss.Size},
      {"_etext", Segments[0].Address + Segments[0].Size},
      {"_end", alignTo(At, 16)},
      {"__init_array_start", InitStart},
      {"__init_array_end", InitEnd},
  };
  for (auto &[Name, Address] : Defined)
    if (Definition &D = Globals[Name]; !D.Symbol)
      D.Address = Address;
}

uint8_t *Link::bytesOf(const Section &S) {
  if (S.isDebug())
    return Debug[S.Name].data() + S.Address;
  Segment &Seg = Segments[kindOf(S)];
  return Seg.Bytes.data() + (S.Address - Seg.Address);
}

// ---------------------------------------------------------------- relocations

// Whether the symbol lies in a section that is left out.
static bool isAbsent(const Object &O, const Elf64_Sym &S) {
  return S.st_shndx != SHN_UNDEF && S.st_shndx < SHN_LORESERVE && O.Sections[S.st_shndx].isAlloc() &&
         !O.Sections[S.st_shndx].Used;
}

uint64_t Link::symbolAddress(Object &O, const Elf64_Sym &S, const std::string &Where) {
  if (S.st_shndx == SHN_ABS)
    return S.st_value;
  if (S.st_shndx != SHN_UNDEF && S.st_shndx != SHN_COMMON && !isWeak(S)) {
    const Section &Sec = O.Sections[S.st_shndx];
    return Sec.Address + S.st_value;
  }
  std::string_view Name = O.symbolName(S);
  const Definition &D = Globals[Name];
  bool Empty = Name == "__init_array_start" || Name == "__init_array_end";
  if (D.Symbol || D.Address != 0 || isWeak(S) || Empty)
    return D.Address;
  throw Error("undefined symbol `" + std::string(Name) + "', used by " + Where);
}

void Link::relocateSection(Object &O, const Elf64_Shdr &H) {
  const Section &Target = O.Sections[H.sh_info];
  bool InDebug = Target.isDebug();
  if (!Target.Used || Target.Header->sh_type == SHT_NOBITS)
    return;
  const auto *Entries = reinterpret_cast<const Elf64_Rela *>(O.Data.data() + H.sh_offset);
  for (size_t I = 0; I < H.sh_size / sizeof(Elf64_Rela); I++) {
    const Elf64_Rela &R = Entries[I];
    unsigned Type = ELF64_R_TYPE(R.r_info);
    std::string Where = O.Name + " (" + std::string(Target.Name) + "+" + hex(R.r_offset) + ")";
    if (ELF64_R_SYM(R.r_info) >= O.SymbolCount)
      throw Error(O.Name + ": corrupt: a relocation names a symbol that does not exist");
    const Elf64_Sym &S = O.Symbols[ELF64_R_SYM(R.r_info)];
    // Debug information of code that is not in the image says so by an address of all ones (DWARF's tombstone).
    bool Absent = InDebug && isAbsent(O, S);
    uint64_t Value = Absent ? UINT64_MAX : symbolAddress(O, S, Where) + uint64_t(R.r_addend);
    uint64_t Place = Target.Address + R.r_offset;
    size_t Size = Type == duke::R_32 || Type == duke::R_PC32 ? 4 : 8;
    const duke::Field *Field = nullptr;
    if (Type >= duke::FirstFieldReloc && Type - duke::FirstFieldReloc < std::size(duke::Fields)) {
      Field = &duke::Fields[Type - duke::FirstFieldReloc];
      Size = duke::hasExtension(*Field) ? 8 : 4;
    } else if (Type > duke::R_PC64 || Type == duke::R_NONE) {
      throw Error(O.Name + ": relocation of unknown type " + std::to_string(Type));
    }
    if (R.r_offset > Target.Header->sh_size || Size > Target.Header->sh_size - R.r_offset)
      throw Error(O.Name + ": corrupt: a relocation lies outside its section");
    uint8_t *At = bytesOf(Target) + R.r_offset;
    if (Type == duke::R_PC32 || Type == duke::R_PC64 || (Field && Field->PCRel))
      Value -= Place;
    if (Field) {
      if (!duke::fits(*Field, int64_t(Value)))
        throw Error(Where + ": `" + std::string(O.symbolName(S)) +
                    "' is out of reach: " + std::to_string(int64_t(Value)) + " does not fit in field " + Field->Name);
      uint64_t Bits = 0;
      memcpy(&Bits, At, Size);
      Bits |= duke::place(*Field, int64_t(Value));
      memcpy(At, &Bits, Size);
    } else {
      memcpy(At, &Value, Size);
    }
  }
}

void Link::relocate() {
  // All undefined symbols in one go, each once.
  std::string Missing;
  std::set<std::string> Named;
  for (auto &O : Objects)
    for (Section &S : O->Sections) {
      if (S.Header->sh_type != SHT_RELA)
        continue;
      try {
        relocateSection(*O, *S.Header);
      } catch (const Error &E) {
        std::string Text = E.what();
        if (Text.compare(0, 16, "undefined symbol") != 0)
          throw;
        std::string Name = Text.substr(0, Text.find("',"));
        if (Named.insert(Name).second && Named.size() <= 20)
          Missing += (Missing.empty() ? "" : "\nduke-ld: ") + Text;
      }
    }
  if (!Missing.empty())
    throw Error(Missing);
}

void Link::run() {
  Files.reserve(Opt.Inputs.size());
  for (const std::string &Path : Opt.Inputs) {
    Files.push_back(readFile(Path));
    if (isArchive(Files.back()))
      Archives.push_back(parseArchive(Path, Files.back()));
    else
      Objects.push_back(parseObject(Path, Files.back()));
  }
  for (auto &O : Objects)
    define(*O);
  pullMembers();
  if (Definition &D = Globals[Opt.Entry]; !D.Symbol)
    throw Error("no entry: symbol `" + Opt.Entry + "' is not defined");
  markUsed();
  layOut();
  relocate();
}

} // namespace ld
