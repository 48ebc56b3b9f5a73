#include "link.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

static const char Help[] = R"(duke-ld - links objects and archives of Duke code into an ELF executable

usage: duke-ld [options] file.o... [archive.a...]

  -o FILE          output (a.out)
  -Ttext=ADDR      address of the image (0x40010000)
  -e SYMBOL        entry point (_start)
  --gc-sections    leave out sections that nothing reachable refers to
  --order=FILE     these sections first: a file of names like .text.main, one a line; # begins a comment
  -Map=FILE        write addresses of sections and symbols
  --help           this text

The linker defines __image_start, __image_end, __bss_start, __bss_end, _etext, _end, __init_array_start, __init_array_end.
Sections named .text..reset* come first.
)";

// The names of an order file with their places. A name that no section has is no error: inlining comes and goes.
static std::map<std::string, size_t, std::less<>> readOrder(const std::string &Path) {
  std::map<std::string, size_t, std::less<>> Order;
  std::istringstream In(ld::readFile(Path));
  for (std::string Line, Name; std::getline(In, Line);) {
    std::istringstream Words(Line.substr(0, Line.find('#')));
    if (Words >> Name)
      Order.emplace(Name, Order.size() + 1);
  }
  return Order;
}

static ld::Options parse(int Count, char **Args) {
  ld::Options Opt;
  for (int I = 1; I < Count; I++) {
    std::string A = Args[I];
    // The value of an option written -x VALUE, -x=VALUE or -xVALUE.
    auto Value = [&](const char *Name, std::string &Out) {
      size_t Length = strlen(Name);
      if (A.compare(0, Length, Name) != 0)
        return false;
      if (A.size() > Length) {
        Out = A.substr(Length + (A[Length] == '=' ? 1 : 0));
        return true;
      }
      if (I + 1 >= Count)
        throw ld::Error("option " + A + " needs a value");
      Out = Args[++I];
      return true;
    };
    std::string Text;
    if (A == "--help") {
      fputs(Help, stdout);
      exit(0);
    } else if (A == "--gc-sections") {
      Opt.CollectGarbage = true;
    } else if (Value("-Ttext", Text)) {
      char *End;
      Opt.Base = strtoull(Text.c_str(), &End, 0);
      if (*End != 0 || Text.empty() || Opt.Base % 64 != 0)
        throw ld::Error("-Ttext: \"" + Text + "\" is not an address that is a multiple of 64");
    } else if (Value("--order", Text)) {
      Opt.Order = readOrder(Text);
    } else if (Value("-Map", Opt.Map) || Value("-o", Opt.Output) || Value("-e", Opt.Entry)) {
      continue;
    } else if (A[0] == '-') {
      throw ld::Error("unknown option " + A + "; see duke-ld --help");
    } else {
      Opt.Inputs.push_back(A);
    }
  }
  if (Opt.Inputs.empty())
    throw ld::Error("no input files; see duke-ld --help");
  return Opt;
}

int main(int Count, char **Args) {
  try {
    ld::Link L;
    L.Opt = parse(Count, Args);
    L.run();
    ld::writeExecutable(L);
    if (!L.Opt.Map.empty())
      ld::writeMap(L);
    return 0;
  } catch (const ld::Error &E) {
    fprintf(stderr, "duke-ld: %s\n", E.what());
    return 2;
  }
}
