// The only file that knows Verilator: drives the clock, serves the core's DPI calls, and looks into caches and registers while
// the clock stands still. Built a second time against the tracing model with RTL_FST.
#include "rtl_shim.h"

#include <cstring>
#include <memory>

#include "duke_isa.h"
#include "verilated.h"
#include RTL_MODEL_H
#include RTL_ROOT_H
#include RTL_DPI_H
#ifdef RTL_FST
#include "verilated_fst_c.h"
#endif

// The flattened core: signals marked public in rtl/.
#define CORE(signal) root->duke_top__DOT__core__DOT__##signal

namespace
{

enum { LINE = 64 };

uint8_t *host_line(rtl_host *h, uint32_t addr)
{
    return addr < h->dram_size ? h->dram + addr : h->hidden + (addr - ENGINE_HIDDEN_BASE);
}

template <class T, size_t n> constexpr size_t depth(const VlUnpacked<T, n> &) { return n; }

// Index of a line among the lines of a cache, or -1. Sets hold their valid bits below their dirty bits or epoch.
template <class Set, size_t sets, class Tag, size_t lines>
int find_line(const VlUnpacked<Set, sets> &set, const VlUnpacked<Tag, lines> &tag, uint32_t addr)
{
    constexpr size_t ways = lines / sets;
    const uint32_t index = addr / LINE % sets;
    for (size_t w = 0; w < ways; w++)
        if ((set[index] >> w & 1) != 0 && tag[index * ways + w] == addr / LINE / sets)
            return static_cast<int>(index * ways + w);
    return -1;
}

template <class Data, size_t n> uint8_t *line_bytes(VlUnpacked<Data, n> &data, int line)
{
    return reinterpret_cast<uint8_t *>(&data[static_cast<size_t>(line)]);
}

} // namespace

struct rtl_model {
    rtl_host *host;
    VerilatedContext context;
    std::unique_ptr<RTL_MODEL> top;
    RTL_ROOT *root;
    bool host_call = false; // waits for resume
#ifdef RTL_FST
    std::unique_ptr<VerilatedFstC> fst;
    uint64_t cycle = 0, fst_start = 0, fst_end = 0;
#endif

    void clock()
    {
        top->clk_i = 0;
        top->eval();
#ifdef RTL_FST
        const bool dump = fst && cycle >= fst_start && cycle < fst_end;
        if (dump)
            fst->dump(2 * cycle);
#endif
        top->clk_i = 1;
        top->eval();
#ifdef RTL_FST
        if (dump)
            fst->dump(2 * cycle + 1);
        if (fst && ++cycle == fst_end)
            fst->flush();
#endif
    }
};

// The newest copy of a line that is no store waiting to be written.
static uint8_t *newest_line(rtl_model *m, uint32_t addr)
{
    RTL_ROOT *root = m->root;
    int line = find_line(CORE(dcache__DOT__set_q), CORE(dcache__DOT__tag_q), addr);
    if (line >= 0)
        return line_bytes(CORE(dcache__DOT__data_q), line);
    if (CORE(l2__DOT__wbv_q) && CORE(l2__DOT__wba_q) == addr / LINE)
        return reinterpret_cast<uint8_t *>(&CORE(l2__DOT__wbl_q)[0]);
    line = find_line(CORE(l2__DOT__set_q), CORE(l2__DOT__tag_q), addr);
    return line >= 0 ? line_bytes(CORE(l2__DOT__data_q), line) : host_line(m->host, addr);
}

// Calls f(address of the byte, its place, mask bit) for each byte of stores that are architectural but still wait.
template <class F> static void each_waiting_byte(rtl_model *m, F f)
{
    RTL_ROOT *root = m->root;
    auto ring = [&](auto &entries, auto &data, unsigned head, unsigned count) {
        for (unsigned k = 0; k < count; k++) {
            const size_t i = (head + k) % depth(entries);
            for (unsigned b = 0; b < 8; b++)
                if ((entries[i] >> (29 + b) & 1) != 0)
                    f(static_cast<uint32_t>((entries[i] & 0x1fffffff) << 3 | b), reinterpret_cast<uint8_t *>(&data[i]) + b,
                      [&, i, b] { entries[i] &= ~(UINT64_C(1) << (29 + b)); });
        }
    };
    ring(CORE(storebuf__DOT__nw_q), CORE(storebuf__DOT__nw_data_q), CORE(storebuf__DOT__nhead_q),
         CORE(storebuf__DOT__ncount_q));
    ring(CORE(storebuf__DOT__sb_q), CORE(storebuf__DOT__sb_data_q), CORE(storebuf__DOT__head_q),
         CORE(storebuf__DOT__count_q) - CORE(storebuf__DOT__gated_q));
}

#ifndef RTL_FST // the models share these
extern "C" {

// ---------------------------------------------------------------- DPI

void duke_line_read(unsigned long long host, unsigned addr, svBitVecVal *line)
{
    std::memcpy(line, host_line(reinterpret_cast<rtl_host *>(host), addr), LINE);
}

void duke_line_write(unsigned long long host, unsigned addr, const svBitVecVal *line)
{
    std::memcpy(host_line(reinterpret_cast<rtl_host *>(host), addr), line, LINE);
}

// Lanes come in their own order; the record wants the bundle's.
void duke_record_write(unsigned long long host, unsigned pos, unsigned reg, unsigned long long value)
{
    rtl_host *h = reinterpret_cast<rtl_host *>(host);
    uint32_t i = h->record.nwrites++;
    for (; i > 0 && h->position[i - 1] > pos; i--) {
        h->position[i] = h->position[i - 1];
        h->record.writes[i] = h->record.writes[i - 1];
    }
    h->position[i] = pos;
    h->record.writes[i] = {reg, value};
}

void duke_record_store(unsigned long long host, unsigned addr, unsigned size, unsigned long long data)
{
    rtl_host *h = reinterpret_cast<rtl_host *>(host);
    const uint64_t mask = size == 8 ? ~UINT64_C(0) : (UINT64_C(1) << 8 * size) - 1;
    h->record.stores[h->record.nstores++] = {addr, size, data & mask};
}

void duke_record(unsigned long long host, unsigned long long seq, unsigned pc, unsigned next_pc, unsigned flags, unsigned cause,
                 unsigned long long tval)
{
    rtl_host *h = reinterpret_cast<rtl_host *>(host);
    engine_record &r = h->record;
    r.seq = seq;
    r.pc = pc;
    r.next_pc = next_pc;
    r.flags = flags;
    r.cause = cause;
    r.tval = (flags & ENGINE_REC_TRAP) != 0 ? tval : 0;
    if (h->seen != nullptr)
        h->seen(h->seen_arg, &r);
    r.nwrites = r.nstores = 0;
}

} // extern "C"
#endif

// ---------------------------------------------------------------- life

static rtl_model *rtl_create(rtl_host *host, const char *fst_path, uint64_t fst_start, uint64_t fst_end)
{
#ifndef RTL_FST
    (void)fst_start;
    (void)fst_end;
#endif
    rtl_model *m = new rtl_model;
    m->host = host;
    host->record.nwrites = host->record.nstores = 0;
    m->context.traceEverOn(fst_path != nullptr);
    m->top = std::make_unique<RTL_MODEL>(&m->context);
    m->root = m->top->rootp;
#ifdef RTL_FST
    if (fst_path != nullptr) {
        m->fst = std::make_unique<VerilatedFstC>();
        m->top->trace(m->fst.get(), 99);
        m->fst->open(fst_path);
        m->fst_start = fst_start;
        m->fst_end = fst_end;
    }
#endif
    m->top->host_i = reinterpret_cast<uint64_t>(host);
    m->top->dram_pages_i = static_cast<uint32_t>(host->dram_size >> 12);
    m->top->hidden_pages_i = static_cast<uint32_t>(host->hidden_size >> 12);
    m->top->store_buffer_i = static_cast<uint8_t>(host->store_buffer);
    m->top->irq_i = 0;
    m->top->resume_i = 0;
    m->top->start_i = 0;
    m->top->start_pc_i = 0;
    m->top->record_i = 0;
    m->top->rst_ni = 0;
    m->clock();
    m->clock();
    m->top->rst_ni = 1;
    return m;
}

static void rtl_destroy(rtl_model *m)
{
    if (m == nullptr)
        return;
#ifdef RTL_FST
    if (m->fst)
        m->fst->close();
#endif
    m->top->final();
    delete m;
}

static enum engine_stop rtl_run(rtl_model *m, uint64_t cycles, const volatile bool *stop)
{
    RTL_MODEL *top = m->top.get();
    top->record_i = m->host->seen != nullptr;
    if (top->double_fault_o)
        return ENGINE_DOUBLE_FAULT;
    if (m->host_call && cycles != 0) {
        // The input is registered: the core goes on a cycle later and only then takes its stop away.
        m->host_call = false;
        top->resume_i = 1;
        m->clock();
        top->resume_i = 0;
        m->clock();
        cycles -= cycles > 1 ? 2 : 1;
    }
    for (; cycles != 0; cycles--) {
        m->clock();
        if (top->stopped_o) {
            m->host_call = true;
            return ENGINE_HCALL;
        }
        if (top->double_fault_o) {
            m->clock(); // the record of the bundle before
            return ENGINE_DOUBLE_FAULT;
        }
        if (*stop)
            return ENGINE_INTERRUPTED;
    }
    return ENGINE_LIMIT;
}

static uint32_t rtl_hcall(const rtl_model *m) { return m->top->hcall_o; }

static void rtl_counters(const rtl_model *m, engine_counters *out)
{
    const RTL_ROOT *root = m->root;
    std::memset(out, 0, sizeof *out);
    for (unsigned c = 0; c < ENGINE_CATEGORIES; c++)
        for (unsigned r = 0; r < ENGINE_REASONS; r++)
            out->cycles += out->by_category[c][r] = CORE(perf__DOT__cycles_q)[c * 8 + r];
    for (unsigned i = 0; i < ENGINE_EVENTS; i++)
        out->event[i] = CORE(perf__DOT__events_q)[i];
}

// ---------------------------------------------------------------- state

static void rtl_get_state(rtl_model *m, duke_state *out)
{
    RTL_ROOT *root = m->root;
    *out = duke_state{};
    const uint64_t bank_r = CORE(regs__DOT__committed_r_q) ^ CORE(regs__DOT__dirty_r_q);
    const uint64_t bank_f = CORE(regs__DOT__committed_f_q) ^ CORE(regs__DOT__dirty_f_q);
    for (unsigned i = 0; i < 64; i++) {
        out->r[i] = CORE(file)[(bank_r >> i & 1) << 7 | i];
        out->f[i] = CORE(file)[(bank_f >> i & 1) << 7 | 64 | i];
    }
    const uint64_t bank_e = CORE(xfpu__DOT__committed_q) ^ CORE(xfpu__DOT__dirty_q);
    for (unsigned i = 0; i < 64; i++)
        out->e[i] = CORE(xfpu__DOT__e_q)[(bank_e >> i & 1) << 6 | i];
    for (unsigned i = 0; i < 32; i++)
        out->cr[i] = CORE(ctrl__DOT__cr_q)[i];
    out->cr[DUKE_CR_STATUS] = CORE(ctrl__DOT__in_trap_q) | static_cast<uint64_t>(CORE(storebuf__DOT__gated_q)) << 8;
    out->cr[DUKE_CR_CYCLE] = CORE(ctrl__DOT__cycle_q);
    out->cr[DUKE_CR_BUNDLES] = CORE(ctrl__DOT__bundles_q);
    out->cr[DUKE_CR_MACHID] = duke_machine_find(RTL_MACHINE)->id;
    out->pc = m->top->pc_o;
}

// Only while the pipeline is empty: after reset and at a host call. Values go into both banks of the registers, so that shadow
// and working state agree; tables are emptied by the core itself.
static void rtl_set_state(rtl_model *m, const duke_state *in)
{
    RTL_ROOT *root = m->root;
    while (CORE(init_q)) // clearing the tables would clear what is put in here
        m->clock();
    for (unsigned i = 0; i < 64; i++) {
        CORE(file)[i] = CORE(file)[128 | i] = i == 0 ? 0 : in->r[i];
        CORE(file)[64 | i] = CORE(file)[192 | i] = in->f[i];
        CORE(xfpu__DOT__e_q)[i] = CORE(xfpu__DOT__e_q)[64 | i] = in->e[i];
    }
    static const uint8_t writable[] = {DUKE_CR_TVEC, DUKE_CR_TCAUSE, DUKE_CR_TVAL, DUKE_CR_TPC,    DUKE_CR_TINFO, DUKE_CR_CPC,
                                       DUKE_CR_GCTL, DUKE_CR_CAT,    DUKE_CR_SCAT, DUKE_CR_SCR0,   DUKE_CR_SCR1,  DUKE_CR_SCR2,
                                       DUKE_CR_SCR3, DUKE_CR_POISON, DUKE_CR_FCSR, DUKE_CR_ICOUNT, DUKE_CR_ILIMIT};
    for (uint8_t cr : writable)
        CORE(ctrl__DOT__cr_q)[cr] = in->cr[cr];
    CORE(ctrl__DOT__shadow_fcsr_q) = static_cast<uint32_t>(in->cr[DUKE_CR_FCSR]);
    CORE(ctrl__DOT__in_trap_q) = in->cr[DUKE_CR_STATUS] & 1;
    m->top->start_i = 1;
    m->top->start_pc_i = in->pc;
    m->clock();
    m->top->start_i = 0;
    m->clock();
}

// ---------------------------------------------------------------- memory

static void rtl_read(rtl_model *m, uint32_t paddr, void *buf, size_t size)
{
    uint8_t *out = static_cast<uint8_t *>(buf);
    for (size_t done = 0; done < size;) {
        const uint32_t at = paddr + static_cast<uint32_t>(done);
        size_t n = LINE - at % LINE;
        n = n < size - done ? n : size - done;
        std::memcpy(out + done, newest_line(m, at - at % LINE) + at % LINE, n);
        done += n;
    }
    each_waiting_byte(m, [&](uint32_t addr, const uint8_t *byte, auto) {
        if (addr - paddr < size)
            out[addr - paddr] = *byte;
    });
}

static void rtl_write(rtl_model *m, uint32_t paddr, const void *buf, size_t size)
{
    RTL_ROOT *root = m->root;
    const uint8_t *in = static_cast<const uint8_t *>(buf);
    for (size_t done = 0; done < size;) {
        const uint32_t at = paddr + static_cast<uint32_t>(done), base = at - at % LINE;
        size_t n = LINE - at % LINE;
        n = n < size - done ? n : size - done;
        // Every copy, so that no level can bring old bytes back.
        std::memcpy(host_line(m->host, base) + at % LINE, in + done, n);
        int line = find_line(CORE(l2__DOT__set_q), CORE(l2__DOT__tag_q), base);
        if (line >= 0)
            std::memcpy(line_bytes(CORE(l2__DOT__data_q), line) + at % LINE, in + done, n);
        if (CORE(l2__DOT__wbv_q) && CORE(l2__DOT__wba_q) == base / LINE)
            std::memcpy(reinterpret_cast<uint8_t *>(&CORE(l2__DOT__wbl_q)[0]) + at % LINE, in + done, n);
        line = find_line(CORE(dcache__DOT__set_q), CORE(dcache__DOT__tag_q), base);
        if (line >= 0)
            std::memcpy(line_bytes(CORE(dcache__DOT__data_q), line) + at % LINE, in + done, n);
        line = find_line(CORE(icache__DOT__set_q), CORE(icache__DOT__tag_q), base);
        if (line >= 0) {
            const size_t ways = depth(CORE(icache__DOT__tag_q)) / depth(CORE(icache__DOT__set_q));
            CORE(icache__DOT__set_q)[static_cast<size_t>(line) / ways] &= ~(1u << static_cast<size_t>(line) % ways);
        }
        done += n;
    }
    each_waiting_byte(m, [&](uint32_t addr, const uint8_t *, auto drop) {
        if (addr - paddr < size)
            drop();
    });
}

// Oldest level first: what follows is newer.
static void rtl_flush(rtl_model *m)
{
    RTL_ROOT *root = m->root;
    auto flush = [&](auto &set, auto &tag, auto &data) {
        const size_t sets = depth(set), ways = depth(tag) / sets;
        for (size_t i = 0; i < depth(tag); i++)
            if ((set[i / ways] >> i % ways & 1) != 0)
                std::memcpy(host_line(m->host, static_cast<uint32_t>((tag[i] * sets + i / ways) * LINE)), &data[i], LINE);
    };
    flush(CORE(l2__DOT__set_q), CORE(l2__DOT__tag_q), CORE(l2__DOT__data_q));
    if (CORE(l2__DOT__wbv_q))
        std::memcpy(host_line(m->host, CORE(l2__DOT__wba_q) * LINE), &CORE(l2__DOT__wbl_q)[0], LINE);
    flush(CORE(dcache__DOT__set_q), CORE(dcache__DOT__tag_q), CORE(dcache__DOT__data_q));
    each_waiting_byte(
        m, [&](uint32_t addr, const uint8_t *byte, auto) { host_line(m->host, addr - addr % LINE)[addr % LINE] = *byte; });
}

extern "C" {
#ifdef RTL_FST
const rtl_ops rtl_tracing = {
#else
const rtl_ops rtl_plain = {
#endif
    RTL_MACHINE,   rtl_create,    rtl_destroy, rtl_run,   rtl_hcall, rtl_counters,
    rtl_get_state, rtl_set_state, rtl_read,    rtl_write, rtl_flush,
};
}
