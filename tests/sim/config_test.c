/* Parameters by name: what is taken, what is refused and with which words. */
#include "selkirk.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gtest_shim.h"

static const char *set(struct selkirk_config *cfg, const char *key, const char *value)
{
    static char err[512];
    return selkirk_config_set(cfg, key, value, err, sizeof err) ? "" : err;
}

TEST_CASE(sim_config, defaults_and_values)
{
    struct selkirk_config cfg;
    selkirk_config_init(&cfg);
    EXPECT_STR(cfg.engine, "func");
    EXPECT_EQ_U64(cfg.morph.hot2, 16);
    EXPECT_STR(set(&cfg, "morph.hot2", "0x20"), "");
    EXPECT_EQ_U64(cfg.morph.hot2, 32);
    EXPECT_STR(set(&cfg, "morph.opt_fold", "false"), "");
    EXPECT_EQ_U64(cfg.morph.opt_fold, 0);
    EXPECT_STR(set(&cfg, "sim.engine", "rtl"), "");
    EXPECT_STR(cfg.engine, "rtl");
}

TEST_CASE(sim_config, refusals)
{
    struct selkirk_config cfg;
    selkirk_config_init(&cfg);
    EXPECT_STR(set(&cfg, "morph.hot22", "1"), "key \"morph.hot22\" is unknown; did you mean \"morph.hot2\"?");
    EXPECT_STR(set(&cfg, "color", "red"), "key \"color\" is unknown; see selkirk list-params");
    EXPECT_STR(set(&cfg, "morph.hot2", "many"), "morph.hot2: \"many\" is no number");
    EXPECT_STR(set(&cfg, "morph.hot2", "-1"), "morph.hot2: \"-1\" is no number");
    EXPECT_STR(set(&cfg, "morph.hot2", "5x"), "morph.hot2: \"5x\" is no number");
    EXPECT_STR(set(&cfg, "morph.gear_max", "9"), "morph.gear_max: 9 is out of range, 1 to 3");
    EXPECT_STR(set(&cfg, "sim.engine", "a-name-that-is-too-long"), "sim.engine: the value is longer than 15 characters");
    /* Limits of a run are no parameters. */
    EXPECT(set(&cfg, "morph.max_insts", "5")[0] != 0);
    EXPECT_EQ_U64(cfg.morph.hot2, 16);
}

static const char *read_text(const char *text)
{
    static char err[600];
    char path[] = "/tmp/selkirk-config-XXXXXX";
    struct selkirk_config cfg;
    int fd = mkstemp(path);
    EXPECT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    selkirk_config_init(&cfg);
    bool ok = selkirk_config_read(&cfg, path, err, sizeof err);
    unlink(path);
    EXPECT(!ok || (cfg.morph.hot2 == 7 && !strcmp(cfg.machine, "a # b")));
    const char *colon = strchr(err, ':');
    return ok ? "" : colon ? colon + 1 : err;
}

TEST_CASE(sim_config, files)
{
    EXPECT_STR(read_text("# comment\n[morph]\nhot2 = 7 # more\n\n[sim]\nmachine = \"a # b\"\n"), "");
    EXPECT_STR(read_text("[morph]\nhot2 7\n"), "2: \"hot2 7\" is neither [section] nor key = value");
    EXPECT_STR(read_text("[morph]\n\nhot = 7\n"), "3: key \"morph.hot\" is unknown; did you mean \"morph.hot2\"?");
    struct selkirk_config cfg;
    char err[512];
    EXPECT(!selkirk_config_read(&cfg, "/nonexistent.toml", err, sizeof err));
    EXPECT_STR(err, "/nonexistent.toml: No such file or directory");
}

TEST_CASE(sim_config, machine_refusals)
{
    struct selkirk_config cfg;
    char err[1024];
    selkirk_config_init(&cfg);
    snprintf(cfg.engine, sizeof cfg.engine, "warp");
    EXPECT(selkirk_create(&cfg, err, sizeof err) == NULL);
    EXPECT_MSG(!strncmp(err, "engine \"warp\" is unknown; this program has func", 47), "%s", err);
    selkirk_config_init(&cfg);
    snprintf(cfg.firmware, sizeof cfg.firmware, "/nonexistent.elf");
    EXPECT(selkirk_create(&cfg, err, sizeof err) == NULL);
    EXPECT_MSG(strstr(err, "/nonexistent.elf: No such file") != NULL, "%s", err);
    snprintf(cfg.firmware, sizeof cfg.firmware, "/proc/self/exe"); /* an ELF64, but not for Duke */
    EXPECT(selkirk_create(&cfg, err, sizeof err) == NULL);
    EXPECT_MSG(strstr(err, "wanted") != NULL || strstr(err, "entry") != NULL, "%s", err);
}
