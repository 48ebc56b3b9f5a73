// Arguments in r4..r11, then on the stack, 8 bytes each; results in r4, r5. Aggregates up to 16 bytes come from the front end
// as one or two i64; larger ones by reference (RISC-V's lp64 rules, which the front end follows).
def CC_Duke : CallingConv<[
  CCIfByVal<CCPassByVal<8, 8>>,
  CCIfType<[i1, i8, i16, i32], CCPromoteToType<i64>>,
  CCIfType<[i64], CCAssignToReg<DukeArgRegs>>,
  CCAssignToStack<8, 8>
]>;
// The variadic part of an argument list is in memory: va_list is a pointer that walks it.
def CC_Duke_Variadic : CallingConv<[
  CCIfByVal<CCPassByVal<8, 8>>,
  CCIfType<[i1, i8, i16, i32], CCPromoteToType<i64>>,
  CCAssignToStack<8, 8>
]>;
def RetCC_Duke : CallingConv<[
  CCIfType<[i1, i8, i16, i32], CCPromoteToType<i64>>,
  CCIfType<[i64], CCAssignToReg<DukeRetRegs>>
]>;
