/* duke_op_info.flags */
enum {
    DUKE_READS_RA = 1 << 0, /* in the form with most operands: duke_reads says it for one op */
    DUKE_READS_RB = 1 << 1,
    DUKE_READS_RC = 1 << 2,
    DUKE_READS_RD = 1 << 3,
    DUKE_WRITES_RD = 1 << 4,
    DUKE_WRITES_R1 = 1 << 5,
    DUKE_COMMUTES = 1 << 6, /* ra and rb may change places */
    DUKE_ALONE = 1 << 7,    /* the only op of its bundle */
    DUKE_SIGNED = 1 << 8,   /* sign-extending load */
    DUKE_GUEST = 1 << 9,    /* memory op in guest space */
    DUKE_F_RD = 1 << 10,    /* the register is of file f */
    DUKE_F_RA = 1 << 11,
    DUKE_F_RB = 1 << 12,
    DUKE_F_RC = 1 << 13,
    DUKE_E_RD = 1 << 14, /* file e of that number is written too */
};
enum duke_spec { DUKE_SPEC_NO, DUKE_SPEC_SPECULATIVE, DUKE_SPEC_PROTECT, DUKE_SPEC_CHECK };

struct duke_op_info {
    uint8_t fmt, unit, kind, lat; /* enums duke_fmt, duke_unit, duke_kind, duke_lat */
    uint8_t opcode, fn;
    uint8_t forms; /* bit i: enum duke_form i exists */
    uint8_t size;  /* memory ops: bytes */
    uint8_t spec;  /* enum duke_spec */
    uint16_t flags;
};

/* One op, decoded. Fields that a form does not have are 0. */
struct duke_op {
    uint16_t op;  /* enum duke_opcode */
    uint8_t form; /* enum duke_form */
    uint8_t rd, ra, rb, rc, scale, cc, entry;
    uint16_t mask;
    int64_t imm; /* branches: displacement in bytes from the op's first word */
    uint8_t words;
    bool end; /* last of its bundle */
};
