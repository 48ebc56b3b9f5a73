/* The program `selkirk`. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "duke_isa.h"
#include "machine.h"
#include "options.h"

static int help(void)
{
    puts("Usage: selkirk COMMAND ...\n\n"
         "  run            run a program on the simulated machine\n"
         "  vectors        run test cases from standard input (see docs/vectors.md)\n"
         "  list-machines  machine tables, and which one this program's cores are built for\n"
         "  list-params    parameters for -c, with their defaults\n"
         "  list-policies  policies for -c, and what they decide\n"
         "  list-engines   engines of this build\n"
         "  --version      version\n"
         "  --help         this text; selkirk run --help and selkirk vectors --help say more");
    return 0;
}

static int list_machines(void)
{
    for (size_t i = 0; i < sizeof duke_machines / sizeof *duke_machines; i++)
        printf("%-16s%s\n", duke_machines[i]->name, duke_machines[i] == &DUKE_MACHINE ? " (built)" : "");
    return 0;
}

static void print_key(void *arg, const char *key, const char *value, const char *doc)
{
    (void)arg;
    printf("%-28s %-12s %s\n", key, value[0] ? value : "\"\"", doc);
}

static int list_params(void)
{
    struct selkirk_config cfg;
    selkirk_config_init(&cfg);
    selkirk_config_each(&cfg, print_key, NULL);
    return 0;
}

static int list_policies(void)
{
    size_t n;
    const struct selkirk_policy *p = selkirk_policies(&n);
    for (size_t i = 0; i < n; i++)
        printf("%s=%-*s %s%s\n", p[i].key, 28 - (int)strlen(p[i].key), p[i].name, p[i].doc,
               i && !strcmp(p[i].key, p[i - 1].key) ? "" : " (default)");
    return 0;
}

static int list_engines(void)
{
    for (size_t i = 0; machine_engines[i]; i++)
        puts(machine_engines[i]->name);
    return 0;
}

static int version(void)
{
    puts("selkirk " SELKIRK_VERSION);
    return 0;
}

int main(int argc, char *argv[])
{
    const char *command = argc > 1 ? argv[1] : "";
    static const struct {
        const char *name;
        int (*fn)(void);
    } plain[] = {
        {"--help", help},
        {"-h", help},
        {"help", help},
        {"--version", version},
        {"list-machines", list_machines},
        {"list-params", list_params},
        {"list-policies", list_policies},
        {"list-engines", list_engines},
    };
    if (!strcmp(command, "run"))
        return run_main(argc - 1, argv + 1);
    if (!strcmp(command, "vectors"))
        return vectors_main(argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(command, plain[i].name))
            return plain[i].fn();
    if (!command[0])
        return usage_error("no command named; see selkirk --help");
    return usage_error("command \"%s\" is unknown; run, vectors, list-machines, list-params, list-policies, list-engines",
                       command);
}
