/* The forms of instructions that have handlers of their own, in the interpreter (interp_hot.c) and, the commonest of IA-32, in
 * the lifter (lift_hot.c): what compilers emit. */
#pragma once
#include "ginsn.h"
#include "sem/sem.h"

/* Rows X(op, body, name, asize, size, kind 0, size 0, kind 1, size 1, kind 2, size 2, amode). In names: R register, I immediate,
 * B memory by base and displacement, M any memory, C count in CL. FIRST(op) stands before the rows of an op.
 *
 * Bodies with asize 8 serve both modes: IA-32 addresses wrap in the access, and in 64-bit mode seg_base is zero where it does
 * not count.
 */
#define ROW_R(X, op, body, s, as) X(op, body, R##s, as, s, GO_REG, s, GO_NONE, 0, GO_NONE, 0, SEM_ANY)
#define ROW_B(X, op, body, s, as) X(op, body, B##s, as, s, GO_MEM, s, GO_NONE, 0, GO_NONE, 0, SEM_BASE)
#define ROW_M(X, op, body, s, as) X(op, body, M##s, as, s, GO_MEM, s, GO_NONE, 0, GO_NONE, 0, SEM_NORIP)
#define ROW_RR(X, op, body, s, t) X(op, body, RR##s##t, 8, s, GO_REG, s, GO_REG, t, GO_NONE, 0, SEM_ANY)
#define ROW_RI(X, op, body, s, t) X(op, body, RI##s##t, 8, s, GO_REG, s, GO_IMM, t, GO_NONE, 0, SEM_ANY)
#define ROW_RB(X, op, body, s, t) X(op, body, RB##s##t, 8, s, GO_REG, s, GO_MEM, t, GO_NONE, 0, SEM_BASE)
#define ROW_RM(X, op, body, s, t) X(op, body, RM##s##t, 8, s, GO_REG, s, GO_MEM, t, GO_NONE, 0, SEM_NORIP)
#define ROW_BR(X, op, body, s) X(op, body, BR##s, 8, s, GO_MEM, s, GO_REG, s, GO_NONE, 0, SEM_BASE)
#define ROW_MR(X, op, body, s) X(op, body, MR##s, 8, s, GO_MEM, s, GO_REG, s, GO_NONE, 0, SEM_NORIP)
#define ROW_BI(X, op, body, s) X(op, body, BI##s, 8, s, GO_MEM, s, GO_IMM, s, GO_NONE, 0, SEM_BASE)
#define ROW_MI(X, op, body, s) X(op, body, MI##s, 8, s, GO_MEM, s, GO_IMM, s, GO_NONE, 0, SEM_NORIP)
#define ROW_RRI(X, op, body, s) X(op, body, RRI##s, 8, s, GO_REG, s, GO_REG, s, GO_IMM, s, SEM_ANY)
#define ROW_RBI(X, op, body, s) X(op, body, RBI##s, 8, s, GO_REG, s, GO_MEM, s, GO_IMM, s, SEM_BASE)
#define ROW_RRI1(X, op, body, s) X(op, body, RRI1##s, 8, s, GO_REG, s, GO_REG, s, GO_IMM, 1, SEM_ANY)
#define ROW_REL(X, op, body) X(op, body, rel, 4, 4, GO_IMM, 4, GO_NONE, 0, GO_NONE, 0, SEM_ANY)
#define ROW_NONE(X, op, body, s) X(op, body, none##s, 4, s, GO_NONE, 0, GO_NONE, 0, GO_NONE, 0, SEM_ANY)

#define SOURCES(X, op, body, s) \
    ROW_RR(X, op, body, s, s) ROW_RI(X, op, body, s, s) ROW_RB(X, op, body, s, s) ROW_RM(X, op, body, s, s)
#define BINARY(X, op, body, s) \
    SOURCES(X, op, body, s) \
    ROW_BR(X, op, body, s) ROW_MR(X, op, body, s) ROW_BI(X, op, body, s) ROW_MI(X, op, body, s)
#define BINARY_1248(FIRST, X, op, body) \
    FIRST(op) BINARY(X, op, body, 4) BINARY(X, op, body, 1) BINARY(X, op, body, 8) BINARY(X, op, body, 2)
#define BINARY_148(FIRST, X, op, body) \
    FIRST(op) BINARY(X, op, body, 4) BINARY(X, op, body, 1) BINARY(X, op, body, 8)
#define BINARY_4(FIRST, X, op, body) FIRST(op) BINARY(X, op, body, 4)
#define UNARY_4(FIRST, X, op, body) \
    FIRST(op) ROW_R(X, op, body, 4, 8) ROW_B(X, op, body, 4, 8) ROW_M(X, op, body, 4, 8)
#define UNARY_IA32(FIRST, X, op, body) \
    FIRST(op) ROW_R(X, op, body, 4, 4) ROW_B(X, op, body, 4, 4) ROW_M(X, op, body, 4, 4)
#define SHIFT(FIRST, X, op, body) \
    FIRST(op) ROW_RI(X, op, body, 4, 1) ROW_RR(X, op, body, 4, 1) ROW_RI(X, op, body, 8, 1)
#define WIDEN(FIRST, X, op, body) \
    FIRST(op) ROW_RR(X, op, body, 4, 1) ROW_RB(X, op, body, 4, 1) ROW_RM(X, op, body, 4, 1) \
    ROW_RR(X, op, body, 4, 2) ROW_RB(X, op, body, 4, 2) ROW_RM(X, op, body, 4, 2)

#define HOT_LIST(FIRST, X) \
    BINARY_1248(FIRST, X, MOV, mov) BINARY_148(FIRST, X, ADD, add) BINARY_148(FIRST, X, SUB, sub) \
    BINARY_148(FIRST, X, AND, and) BINARY_148(FIRST, X, OR, or) BINARY_148(FIRST, X, XOR, xor) \
    BINARY_1248(FIRST, X, CMP, cmp) BINARY_148(FIRST, X, TEST, test) \
    BINARY_4(FIRST, X, ADC, adc) BINARY_4(FIRST, X, SBB, sbb) \
    UNARY_4(FIRST, X, INC, inc) UNARY_4(FIRST, X, DEC, dec) UNARY_4(FIRST, X, NEG, neg) UNARY_4(FIRST, X, NOT, not) \
    UNARY_4(FIRST, X, MUL, mul) UNARY_4(FIRST, X, IMUL1, imul1) UNARY_4(FIRST, X, DIV, div) UNARY_4(FIRST, X, IDIV, idiv) \
    SHIFT(FIRST, X, SHL, shl) SHIFT(FIRST, X, SHR, shr) SHIFT(FIRST, X, SAR, sar) SHIFT(FIRST, X, ROL, rol) \
    SHIFT(FIRST, X, ROR, ror) \
    FIRST(SHLD) ROW_RRI1(X, SHLD, shld, 4) FIRST(SHRD) ROW_RRI1(X, SHRD, shrd, 4) \
    WIDEN(FIRST, X, MOVZX, movzx) WIDEN(FIRST, X, MOVSX, movsx) \
    FIRST(LEA) ROW_RB(X, LEA, lea, 4, 0) ROW_RM(X, LEA, lea, 4, 0) \
    FIRST(IMUL2) ROW_RR(X, IMUL2, imul2, 4, 4) ROW_RB(X, IMUL2, imul2, 4, 4) ROW_RM(X, IMUL2, imul2, 4, 4) \
    FIRST(IMUL3) ROW_RRI(X, IMUL3, imul3, 4) ROW_RBI(X, IMUL3, imul3, 4) \
    FIRST(CMOVCC) ROW_RR(X, CMOVCC, cmovcc, 4, 4) ROW_RB(X, CMOVCC, cmovcc, 4, 4) ROW_RM(X, CMOVCC, cmovcc, 4, 4) \
    FIRST(SETCC) ROW_R(X, SETCC, setcc, 1, 8) ROW_B(X, SETCC, setcc, 1, 8) \
    FIRST(XCHG) ROW_RR(X, XCHG, xchg, 4, 4) FIRST(BSWAP) ROW_R(X, BSWAP, bswap, 4, 8) \
    FIRST(BT) ROW_RR(X, BT, bt, 4, 4) ROW_RI(X, BT, bt, 4, 1) \
    FIRST(BSF) ROW_RR(X, BSF, bsf, 4, 4) FIRST(BSR) ROW_RR(X, BSR, bsr, 4, 4) \
    FIRST(CWD) ROW_NONE(X, CWD, cwd, 4) FIRST(CBW) ROW_NONE(X, CBW, cbw, 4) \
    FIRST(PUSH) ROW_R(X, PUSH, push, 4, 4) ROW_B(X, PUSH, push, 4, 4) ROW_M(X, PUSH, push, 4, 4) ROW_REL(X, PUSH, push) \
    FIRST(POP) ROW_R(X, POP, pop, 4, 4) FIRST(LEAVE) ROW_NONE(X, LEAVE, leave, 4) \
    FIRST(JMP) ROW_REL(X, JMP, jmp) FIRST(JCC) ROW_REL(X, JCC, jcc) FIRST(CALL) ROW_REL(X, CALL, call) \
    FIRST(RET) ROW_NONE(X, RET, ret, 4) \
    UNARY_IA32(FIRST, X, JMP_IND, jmp_ind) UNARY_IA32(FIRST, X, CALL_IND, call_ind)

#define HOT_NO_FIRST(op)

/* Numbers of rows: HOT_MOV_RR44 and so on. */
enum {
#define FIRST(op_) HOT_FIRST_##op_, HOT_STAY_##op_ = HOT_FIRST_##op_ - 1,
#define X(op_, body, name, as, s, k0, s0, k1, s1, k2, s2, am) HOT_##op_##_##name,
    HOT_LIST(FIRST, X)
#undef X
#undef FIRST
        HOT_COUNT
};
