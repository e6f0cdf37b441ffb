/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands for WireGuard networks' things share: list, show, add, set and remove of a network, a
 * peer, a group, a policy, a route or a name. Their options are the keys of the YAML.
 */
#ifndef DOPPEL_CLI_THING_H
#define DOPPEL_CLI_THING_H

#include "base/buf.h"
#include "cli/cli.h"

enum thing_value {
	VALUE_TEXT,
	VALUE_NUMBER,
	VALUE_LIST,			/* separated by commas */
	VALUE_FIXED,			/* an option without an argument: always the same */
};

/* What an option means: the key gets the value. Of all but fixed ones "" takes the key away. */
struct thing_key {
	int option;			/* its place in the command's options */
	const char *key;
	enum thing_value value;
	const char *fixed;		/* as JSON */
	const char *within;		/* the key of the map that it is in; NULL: the thing itself */
};

struct thing_verb {
	const char *name;
	int (*run)(struct cli *cli, int argc, char **argv);
};

struct thing {
	const char *const *levels;	/* lists below /api/v1, the last is its own: {"networks", "peers", NULL} */
	const char *const *names;	/* of arguments, for each level: {"NETWORK", "PEER", NULL} */
	int dry_run;			/* the option's place */
	const struct thing_key *keys;	/* up to the one without a key */
	/* Of what stands behind the names. NULL: nothing may. CLI_DONE, or CLI_USAGE after telling why. */
	int (*rest)(const struct cli *cli, int argc, char **argv, json_t *value);
	/* What options need besides; NULL: nothing. As rest. */
	int (*finish)(const struct cli *cli, json_t *value);
	void (*print_list)(const json_t *list);
	void (*print_one)(const json_t *one);	/* NULL: as a list */
	const struct thing_verb *verbs;	/* of its own; NULL: none */
};

int doppel_thing_run(struct cli *cli, const struct thing *thing, int argc, char **argv);

/*
 * The path below /api/v1 of the thing that the arguments name, or of the list that @count names lead to:
 * the caller's.
 */
void doppel_thing_path(const struct thing *thing, char **names, size_t count, struct buf *path);
/* As many names as the thing has levels, and nothing else; else CLI_USAGE, which is told. */
int doppel_thing_want_names(const struct cli *cli, const struct thing *thing, const char *verb,
			    int argc);

/* "a, b" of a list's texts and numbers is added to @text, whose data is not NULL then. */
void doppel_thing_join(const json_t *list, struct buf *text);
/* A line for each member that says something. */
void doppel_thing_print_members(const json_t *one);
/* Whether this option was given. */
static inline bool doppel_thing_has(const struct cli *cli, int option)
{
	return cli->option[option];
}

#endif
