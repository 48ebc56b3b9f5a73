"""duke_events.h: names and one-line docs of cycle categories, reasons and events, for statistics."""
import json
import pathlib

NOTE = "/* Generated from isa-spec/duke/events.toml. Do not edit. */\n"


def table(name, rows):
    """A table of {name, doc}, in the order of the enum of duke_isa.h."""
    body = "".join(f"    {{ {json.dumps(n)}, {json.dumps(d)} }},\n" for n, d in rows)
    return f"static const struct duke_name {name}[] = {{\n{body}}};\n"


def numbered(section):
    rows = sorted(section.items(), key=lambda item: item[1]["n"])
    return [(n, r["doc"]) for n, r in rows]


def emit(spec, machines, machine, outdir):
    del machines, machine
    text = NOTE + "#pragma once\n\nstruct duke_name {\n    const char *name, *doc;\n};\n\n"
    text += table("duke_category_info", numbered(spec.events["category"]))
    text += table("duke_reason_info", numbered(spec.events["reason"]))
    text += table("duke_event_info", list(spec.events["event"].items()))
    (pathlib.Path(outdir) / "duke_events.h").write_text(text)
