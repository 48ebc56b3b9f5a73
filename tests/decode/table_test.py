"""Tables of guest instructions that must be refused, with their messages. Run: python3 table_test.py ISA_SPEC_DIR"""
import pathlib
import sys
import tempfile
import unittest

SPEC = pathlib.Path(sys.argv.pop(1))
sys.path.insert(0, str(SPEC / "gen"))
sys.dont_write_bytecode = True
from isagen import emit_x86  # noqa: E402
from isagen.load import SpecError  # noqa: E402


class Refused(unittest.TestCase):
    def emit(self, insn, op=""):
        with tempfile.TemporaryDirectory() as d:
            root = pathlib.Path(d)
            (root / "x86").mkdir()
            (root / "x86/opcodes.toml").write_text(f"[op]\n{op}\n[insn]\n{insn}\n")
            op_table, maps, _ = emit_x86.load_x86(root)
            return emit_x86.decode_tables(op_table, maps)

    def check(self, message, insn, op=""):
        with self.assertRaises(SpecError) as e:
            self.emit(insn, op)
        self.assertIn(message, str(e.exception))

    def test_good(self):
        self.assertIn("{G_ADD, RA_MODRM", self.emit('"01" = ["ADD", "Ev,Gv", "lock"]', 'ADD = {w = "C"}'))

    def test_no_opcode(self):
        self.check('"xx": no opcode byte', '"xx" = ["ADD", ""]')
        self.check("no opcode byte", '"66" = ["ADD", ""]\n"0F" = ["ADD", ""]')

    def test_condition(self):
        self.check('condition "/8" is unknown', '"80 /8" = ["ADD", "Eb,Ib"]')
        self.check('condition "i65" is unknown', '"80 i65" = ["ADD", "Eb,Ib"]')

    def test_operand(self):
        self.check('operand "Ek" is unknown', '"80" = ["ADD", "Ek"]')
        self.check('operand "Lb" is unknown', '"80" = ["ADD", "Lb"]')
        self.check("at most three operands", '"80" = ["ADD", "Ev,Gv,Ib,CL"]')

    def test_attribute(self):
        self.check("attribute d65 is unknown", '"80" = ["ADD", "Ev", "d65"]')

    def test_shape(self):
        self.check("a row is [op, operands]", '"80" = ["ADD"]')
        self.check("a row is [op, operands]", '"80" = "ADD"')

    def test_overlap(self):
        self.check("overlap, with equally many conditions", '"80 /1" = ["ADD", "Eb"]\n"80 m" = ["SUB", "Eb"]')

    def test_op_table(self):
        self.check("op.SUB: no row of [insn] uses it", '"80" = ["ADD", "Eb"]', "SUB = {}")
        self.check("flags are letters of CPAZSO, not X", '"80" = ["ADD", "Eb"]', 'ADD = {w = "X"}')
        self.check("key `writes` is unknown", '"80" = ["ADD", "Eb"]', 'ADD = {writes = "C"}')


if __name__ == "__main__":
    unittest.main()
