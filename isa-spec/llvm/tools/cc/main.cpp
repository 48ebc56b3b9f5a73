// duke-cc: compiles and links C and assembly for Duke. The front end is clang for RISC-V 64, whose data layout Duke
// shares; the rest happens here.
#include "backend.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cerrno>
#include <cstring>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

static const char Help[] = R"(duke-cc - C compiler for Duke

usage: duke-cc [options] file...

files: .c, .i (C), .S (assembly, preprocessed), .s (assembly), .ll, .bc (LLVM IR), .o and .a (to the linker)

  -c               compile or assemble, do not link
  -S               write assembly text
  -E               preprocess only
  -o FILE          output
  -O0 .. -O3       optimisation (-O is -O1, -Os is -O2; default -O0)
  -g               debug information (source lines in duke-objdump -d -S)
  -mcpu=MACHINE    machine table to schedule for: )"
#define DUKE_MACHINE(name, ...) name " "
#include "DukeGenMachines.inc"
#undef DUKE_MACHINE
                           R"(
  -nostartfiles    link without crt0.o; -nostdlib: nor with libduke.a
  -Ttext=ADDR      address of the image (0x40010000)
  -Wl,OPTION,...   options for duke-ld
  -save-ir=FILE    write the optimised LLVM IR
  -mllvm OPTION    option of LLVM itself
  --help           this text

-I -D -U -W -f -std= -include -isystem -M... and the like go to clang. The macro __DUKE__ is defined.
Programs run on the functional engine by `duke-run a.out`, or on any engine by `duke-run --engine=rtl a.out`.
)";

namespace {

using Strings = std::vector<std::string>;

struct Driver {
  CodeOptions Code;
  enum { Link, Object, AssemblyText, Preprocess } Stop = Link;
  std::string Output, Clang = "clang-19", Home;
  Strings Inputs, ClangOptions, LinkOptions, LLVMOptions;
  bool StartFiles = true, Runtime = true, Verbose = false;
  Strings Temporaries;

  ~Driver() {
    for (const std::string &T : Temporaries)
      unlink(T.c_str());
  }
  void parse(int Count, char **Args);
  int run();

private:
  void checkOutput();
  std::string temporary(const char *Suffix);
  bool spawn(Strings Command);
  Strings clang(const Strings &More);
  bool compile(const std::string &Input, const std::string &Out);
  bool link(const Strings &Objects);
};

[[noreturn]] void fail(const std::string &Text) {
  fprintf(stderr, "duke-cc: %s\n", Text.c_str());
  exit(2);
}

bool endsWith(const std::string &S, const char *Suffix) {
  size_t N = strlen(Suffix);
  return S.size() >= N && S.compare(S.size() - N, N, Suffix) == 0;
}
bool startsWith(const std::string &S, const char *Prefix) { return S.compare(0, strlen(Prefix), Prefix) == 0; }

bool isMachine(const std::string &Name) {
  static const char *const Names[] = {
#define DUKE_MACHINE(name, ...) name,
#include "DukeGenMachines.inc"
#undef DUKE_MACHINE
  };
  for (const char *N : Names)
    if (Name == N)
      return true;
  return false;
}

// Where the executable lies: its libraries are in ../lib/duke/<machine>.
std::string homeOf() {
  char Path[4096];
  ssize_t N = readlink("/proc/self/exe", Path, sizeof Path - 1);
  std::string Text(Path, N > 0 ? size_t(N) : 0);
  return Text.substr(0, Text.rfind('/'));
}

void Driver::parse(int Count, char **Args) {
  Home = homeOf();
  for (int I = 1; I < Count; I++) {
    std::string A = Args[I];
    auto Next = [&]() -> std::string {
      if (I + 1 >= Count)
        fail("option " + A + " needs a value");
      return Args[++I];
    };
    if (A == "--help") {
      fputs(Help, stdout);
      exit(0);
    } else if (A == "-c") {
      Stop = Object;
    } else if (A == "-S") {
      Stop = AssemblyText;
    } else if (A == "-E") {
      Stop = Preprocess;
    } else if (A == "-v") {
      Verbose = true;
    } else if (A == "-o") {
      Output = Next();
    } else if (startsWith(A, "-o") && A.size() > 2) {
      Output = A.substr(2);
    } else if (A == "-O" || A == "-O1") {
      Code.OptLevel = 1;
    } else if (A == "-O0" || A == "-O2" || A == "-O3") {
      Code.OptLevel = unsigned(A[2] - '0');
    } else if (A == "-Os" || A == "-Oz") {
      Code.OptLevel = 2;
    } else if (startsWith(A, "-mcpu=")) {
      Code.Machine = A.substr(6);
      if (!isMachine(Code.Machine))
        fail("-mcpu: there is no machine \"" + Code.Machine + "\"; see duke-cc --help");
    } else if (A == "-mllvm") {
      LLVMOptions.push_back(Next());
    } else if (startsWith(A, "-save-ir=")) {
      Code.SaveIR = A.substr(9);
    } else if (A == "-nostartfiles") {
      StartFiles = false;
    } else if (A == "-nostdlib") {
      StartFiles = Runtime = false;
    } else if (startsWith(A, "-Ttext=")) {
      LinkOptions.push_back(A);
    } else if (startsWith(A, "-Wl,")) {
      for (size_t At = 4; At <= A.size();) {
        size_t End = std::min(A.find(',', At), A.size());
        LinkOptions.push_back(A.substr(At, End - At));
        At = End + 1;
      }
    } else if (A == "-I" || A == "-D" || A == "-U" || A == "-include" || A == "-isystem" || A == "-MF" || A == "-MT" ||
               A == "-MQ" || A == "-x" || A == "-idirafter" || A == "-iquote") {
      ClangOptions.push_back(A);
      ClangOptions.push_back(Next());
    } else if (A.size() > 1 && A[0] == '-') {
      if (!strchr("IDUWfgMpsw", A[1]) && !startsWith(A, "-i"))
        fail("unknown option " + A + "; see duke-cc --help");
      ClangOptions.push_back(A);
    } else {
      Inputs.push_back(A);
    }
  }
  if (Inputs.empty())
    fail("no input files; see duke-cc --help");
  if (!Output.empty() && Stop != Link && Inputs.size() > 1)
    fail("-o with several inputs needs linking; give one input or leave -c, -S or -E out");
}

std::string Driver::temporary(const char *Suffix) {
  const char *Dir = getenv("TMPDIR");
  std::string Path = std::string(Dir ? Dir : "/tmp") + "/duke-cc-XXXXXX" + Suffix;
  int Fd = mkstemps(Path.data(), int(strlen(Suffix)));
  if (Fd < 0)
    fail(Path + ": cannot be created: " + strerror(errno));
  close(Fd);
  Temporaries.push_back(Path);
  return Path;
}

bool Driver::spawn(Strings Command) {
  std::vector<char *> Args;
  for (std::string &S : Command) {
    if (Verbose)
      fprintf(stderr, "%s ", S.c_str());
    Args.push_back(S.data());
  }
  if (Verbose)
    fputc('\n', stderr);
  Args.push_back(nullptr);
  pid_t Child = fork();
  if (Child == 0) {
    execvp(Args[0], Args.data());
    fprintf(stderr, "duke-cc: %s: %s\n", Args[0], strerror(errno));
    _exit(127);
  }
  int Status;
  return Child > 0 && waitpid(Child, &Status, 0) == Child && WIFEXITED(Status) && WEXITSTATUS(Status) == 0;
}

Strings Driver::clang(const Strings &More) {
  Strings C{Clang,
            "--target=riscv64-unknown-elf",
            "-march=rv64ima_zba_zicond1p0",
            "-mabi=lp64",
            "-fsigned-char",
            "-D__DUKE__=1",
            "-U__riscv",
            "-nostdlibinc",
            "-isystem",
            Home + "/../lib/duke/include",
            "-Wno-unused-command-line-argument"};
  C.insert(C.end(), ClangOptions.begin(), ClangOptions.end());
  C.insert(C.end(), More.begin(), More.end());
  return C;
}

// One C, assembly or IR file to Out, as Stop says.
bool Driver::compile(const std::string &Input, const std::string &Out) {
  if (endsWith(Input, ".s"))
    return Stop == AssemblyText ? (fail(Input + ": is assembly already"), false) : assemble(Input, Input, Out, Code);
  if (endsWith(Input, ".S")) {
    if (Stop == Preprocess)
      return spawn(clang({"-E", "-x", "assembler-with-cpp", Input, "-o", Out}));
    std::string Text = temporary(".s");
    return spawn(clang({"-E", "-x", "assembler-with-cpp", Input, "-o", Text})) && assemble(Text, Input, Out, Code);
  }
  if (Stop == Preprocess)
    return spawn(clang({"-E", Input, "-o", Out}));
  Code.Assembly = Stop == AssemblyText;
  if (endsWith(Input, ".ll") || endsWith(Input, ".bc"))
    return compileBitcode(Input, Out, Code);
  if (!endsWith(Input, ".c") && !endsWith(Input, ".i"))
    fail(Input + ": unknown kind of file; known are .c .i .S .s .ll .bc .o .a");
  std::string Bitcode = temporary(".bc");
  std::string Level = "-O" + std::to_string(Code.OptLevel);
  // Dependency files shall name the object, not our temporary.
  Strings More{Level, "-Xclang", "-disable-llvm-passes", "-emit-llvm", "-c", Input, "-o", Bitcode};
  for (const std::string &O : ClangOptions)
    if (O == "-MD" || O == "-MMD") {
      More.insert(More.end(), {"-MT", Out});
      break;
    }
  return spawn(clang(More)) && compileBitcode(Bitcode, Out, Code);
}

bool Driver::link(const Strings &Objects) {
  std::string Library = Home + "/../lib/duke/" + Code.Machine;
  Strings C{Home + "/duke-ld", "-o", Output.empty() ? "a.out" : Output, "--gc-sections"};
  C.insert(C.end(), LinkOptions.begin(), LinkOptions.end());
  if (StartFiles)
    C.push_back(Library + "/crt0.o");
  C.insert(C.end(), Objects.begin(), Objects.end());
  if (Runtime)
    C.push_back(Library + "/libduke.a");
  return spawn(C);
}

static bool isDirectory(const std::string &Path) {
  struct stat S;
  return stat(Path.c_str(), &S) == 0 && S_ISDIR(S.st_mode);
}

// What compiling would find out at its end only.
void Driver::checkOutput() {
  size_t Slash = Output.rfind('/');
  std::string Folder = Slash == std::string::npos ? "." : Output.substr(0, Slash + 1);
  if (isDirectory(Output))
    fail(Output + ": is a directory, not a file to write");
  if (Output != "-" && access(Folder.c_str(), W_OK) != 0)
    fail(Output + ": cannot be written: " + strerror(errno));
}

int Driver::run() {
  if (!Output.empty())
    checkOutput();
  std::vector<const char *> Options;
  for (const std::string &O : LLVMOptions)
    Options.push_back(O.c_str());
  initBackend("duke-cc", int(Options.size()), Options.data());
  Strings Objects;
  bool Ok = true;
  for (const std::string &Input : Inputs) {
    if (endsWith(Input, ".o") || endsWith(Input, ".a")) {
      if (Stop != Link)
        fail(Input + ": objects are for the linker; leave -c, -S or -E out");
      Objects.push_back(Input);
      continue;
    }
    if (access(Input.c_str(), R_OK) != 0)
      fail(Input + ": " + strerror(errno));
    if (isDirectory(Input))
      fail(Input + ": is a directory, not a file to compile");
    std::string Name = Input.substr(Input.rfind('/') + 1), Out = Output;
    Name = Name.substr(0, Name.rfind('.'));
    if (Stop == Link)
      Out = temporary(".o");
    else if (Output.empty())
      Out = Stop == Preprocess ? "-" : Name + (Stop == Object ? ".o" : ".s");
    Ok = compile(Input, Out) && Ok;
    Objects.push_back(Out);
  }
  return Ok && (Stop != Link || link(Objects)) ? 0 : 1;
}

} // namespace

int main(int Count, char **Args) {
  Driver D;
  D.parse(Count, Args);
  return D.run();
}
