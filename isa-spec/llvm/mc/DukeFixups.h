// Fields that the linker fills in, from the formats of isa-spec. Also included by duke-ld, so nothing of LLVM's here.
#pragma once
#include <cstdint>

namespace duke {

constexpr unsigned EMachine = 0x4b44; // "DK"; no number is assigned

// Relocation types. Data first, then one for each field of DukeGenFixups.inc.
enum Reloc : unsigned {
  R_NONE,
  R_32,
  R_64,
  R_PC32,
  R_PC64,
#define DUKE_FIXUP(name, pcrel, width, shift, ...) R_##name,
#include "DukeGenFixups.inc"
#undef DUKE_FIXUP
};
constexpr unsigned FirstFieldReloc = R_PC64 + 1;

struct Piece {
  unsigned At, Width, Offset; // bit of the 64-bit op (32 and up: extension word), width, bit of the value
};
struct Field {
  const char *Name;
  bool PCRel;
  unsigned Width, Shift;
  Piece Pieces[3]; // Width 0: none
};
inline constexpr Field Fields[] = {
#define DUKE_FIXUP(name, pcrel, width, shift, ...) {#name, pcrel, width, shift, __VA_ARGS__},
#include "DukeGenFixups.inc"
#undef DUKE_FIXUP
};

// Whether the field has a piece in the extension word.
constexpr bool hasExtension(const Field &F) {
  for (const Piece &P : F.Pieces)
    if (P.Width != 0 && P.At >= 32)
      return true;
  return false;
}

// Whether Value (in bytes for branches) can be written: signed, a multiple of 1 << Shift.
constexpr bool fits(const Field &F, int64_t Value) {
  int64_t Limit = int64_t(1) << (F.Width + F.Shift - 1);
  return Value >= -Limit && Value < Limit && (Value & ((int64_t(1) << F.Shift) - 1)) == 0;
}

// The bits of Value at their places in the op.
constexpr uint64_t place(const Field &F, int64_t Value) {
  uint64_t V = uint64_t(Value) >> F.Shift, Bits = 0;
  for (const Piece &P : F.Pieces)
    Bits |= ((V >> P.Offset) & ((uint64_t(1) << P.Width) - 1)) << P.At;
  return Bits;
}

} // namespace duke
