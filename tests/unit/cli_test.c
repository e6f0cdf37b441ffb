// SPDX-License-Identifier: GPL-2.0-only
/* What the CLI prints, and how it ends. */
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/device_text.h"
#include "cli/file.h"
#include "cli/fix.h"
#include "cli/table.h"
#include "scratch.h"
#include "tap.h"

struct capture {
	FILE *old_out, *old_err;
	char *out, *err;
	size_t out_len, err_len;
};

static void begin(struct capture *capture)
{
	*capture = (struct capture){ .old_out = stdout, .old_err = stderr };
	stdout = open_memstream(&capture->out, &capture->out_len);
	stderr = open_memstream(&capture->err, &capture->err_len);
}

static void end(struct capture *capture)
{
	fclose(stdout);
	fclose(stderr);
	stdout = capture->old_out;
	stderr = capture->old_err;
}

static void release(struct capture *capture)
{
	free(capture->out);
	free(capture->err);
}

/* An agent's answer and an import file may have anything in them. */
static void test_clean(void)
{
	static const struct cli_command command = { .name = "devices" };
	const struct cli cli = { .command = &command };
	json_t *repaired = json_pack("[{s:s, s:s}]", "name", "a\033[2J", "text", "b\xc2\x9bz");
	struct capture capture;

	begin(&capture);
	doppel_cli_error(&cli, "x.json:1:1: invalid token near '%s'\nnext", "\033]0;");
	doppel_cli_print_fix(repaired);
	end(&capture);
	is_str(capture.err, "doppel devices: x.json:1:1: invalid token near '?]0;'\nnext\n",
	       "an error has no control characters, but its lines");
	is_str(capture.out, "repaired  a?[2J: b??z\n\n", "nor has what was repaired");
	release(&capture);
	json_decref(repaired);
}

static void test_table(void)
{
	struct capture capture;
	struct table table = {};

	doppel_table_titles(&table, 3, (const char *const[]){ "A", "LONG", "" });
	doppel_table_row(&table, (const char *const[]){ "Küche", "", "x" });
	doppel_table_row(&table, (const char *const[]){ "", "b", "" });
	doppel_table_row(&table, (const char *const[]){ "e\033[2J\xc2\x9bz", "", "" });
	begin(&capture);
	doppel_table_print(&table);
	end(&capture);
	is_str(capture.out,
	       "A         LONG\n"
	       "Küche           x\n"
	       "          b\n"
	       "e?[2J??z\n",
	       "columns, nothing behind the last word, no control characters");
	release(&capture);
	doppel_table_free(&table);
}

static json_t *device_with(const char *status, const char *ipv4, const char *reason,
			   const char *next_retry)
{
	return json_pack("{s:s, s:{s:s, s:s, s:s?}, s:{s:s, s:s, s:n}, s:s}", "status", status,
			 "ipv4", "status", ipv4, "reason", reason, "next_retry", next_retry,
			 "ipv6", "status", "off", "reason", "no router", "next_retry",
			 "last_seen", "2026-11-23T19:00:00Z");
}

static void is_why(json_t *device, const char *want, const char *name)
{
	struct buf text = {};

	/* 2026-11-23T19:05:00Z */
	doppel_device_why(device, 1795460700, "; ", &text);
	is_str(text.data ? text.data : "", want, "%s", name);
	doppel_buf_free(&text);
	json_decref(device);
}

static void test_why(void)
{
	is_why(device_with("active", "bound", "", NULL), "", "an active device needs no reason");
	is_why(device_with("failed", "failed", "no server answers", "2026-11-23T19:05:12Z"),
	       "IPv4: no server answers, next try in 12s", "a failed one has one, and a next try");
	is_why(device_with("failed", "failed", "no server answers", "2026-11-23T19:04:00Z"),
	       "IPv4: no server answers, next try now", "which may be due");
	is_why(device_with("discovering", "soliciting", "", NULL), "IPv4: soliciting",
	       "without a reason, what is done");
	is_why(device_with("inactive", "bound", "", NULL), "silent on the LAN, last seen 5m00s ago",
	       "a silent one");
	is_why(json_pack("{s:s, s:{s:s}, s:n}", "status", "inactive", "ipv4", "status", "soliciting",
			 "last_seen"),
	       "not seen on the LAN yet", "one that is only in the file");
	is_why(json_pack("{s:s, s:n, s:n}", "status", "discovering", "ipv4", "ipv6"), "",
	       "without an agent nothing is known");
}

static int run(struct capture *capture, char **argv)
{
	int argc = 0, status;

	while (argv[argc])
		argc++;
	optind = 1;
	begin(capture);
	status = doppel_cli_main(argc, argv);
	end(capture);
	return status;
}

#define RUN(capture, ...) run(capture, (char *[]){ "doppel", __VA_ARGS__, NULL })

static void test_usage(void)
{
	static char *const wrong[][6] = {
		{ "doppel", NULL },
		{ "doppel", "nonsense", NULL },
		{ "doppel", "status", "x", NULL },
		{ "doppel", "status", "--nonsense", NULL },
		{ "doppel", "status", "-c", NULL },
		{ "doppel", "devices", "a", "b", NULL },
		{ "doppel", "devices", "--retry", NULL },
		{ "doppel", "sessions", "--limit", "x", NULL },
		{ "doppel", "forward", NULL },
		{ "doppel", "forward", "add", "0", "x", NULL },
		{ "doppel", "forward", "add", "65536", "x", NULL },
		{ "doppel", "forward", "remove", "80", NULL },
		{ "doppel", "agent", "--json", NULL },
		{ "doppel", "monitor", "x", NULL },
	};
	struct capture capture;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		is_int(run(&capture, (char **)wrong[i]), CLI_USAGE, "wrong usage %zu exits with 2", i);
		ok(!capture.out_len && capture.err_len, "and says why on stderr alone");
		release(&capture);
	}
	is_int(RUN(&capture, "forward", "-h"), CLI_DONE, "-h exits with 0");
	ok(strstr(capture.out, "quick-device") && !capture.err_len, "and tells on stdout");
	release(&capture);
	is_int(RUN(&capture, "--version"), CLI_DONE, "--version");
	ok(!strncmp(capture.out, "doppel ", 7), "tells it");
	release(&capture);
}

static void test_no_agent(void)
{
	struct capture capture;

	is_int(RUN(&capture, "sessions", "-s", "/nonexistent", "-c", "/x"), CLI_FAILED,
	       "sessions need an agent");
	is_str(capture.err,
	       "doppel sessions: no agent answers at /nonexistent; start it with: doppel agent -c /x\n",
	       "which is told, with what to do");
	release(&capture);
	is_int(RUN(&capture, "status", "-s", "/nonexistent", "-c", "/x"), CLI_DONE,
	       "status does without, even without the file");
	ok(strstr(capture.err, "no agent answers at /nonexistent") &&
	   strstr(capture.err, "/x: cannot be read: No such file or directory"),
	   "and says so");
	release(&capture);
}

static void test_agent_check(void)
{
	static const char text[] = "gateway: {lan: {interface: a, address: 10.0.0.1/8}, wan: {}}\n";
	char file[] = "/tmp/doppel-cli-XXXXXX", want[160];
	struct capture capture;
	int fd = mkstemp(file);

	ok(write(fd, text, strlen(text)) > 0, "a file with a fault");
	close(fd);
	is_int(RUN(&capture, "agent", "--check", "-c", file), CLI_FAILED, "agent --check fails");
	snprintf(want, sizeof(want),
		 "%s:1:58: gateway.wan.interface: missing; give the name of the port to the upstream network\n",
		 file);
	is_str(capture.err, want, "and tells the fault");
	release(&capture);
	unlink(file);
}

static void is_content(int fd, const char *want, const char *what)
{
	char content[16] = "";

	ok(read(fd, content, sizeof(content) - 1) >= 0, "%s", what);
	is_str(content, want, "… with what was written");
}

static void test_file(void)
{
	char directory[SCRATCH_SIZE], regular[64], link[64], target[32];
	struct stat st;
	int ends[2], fd;

	scratch_make(directory);
	if (pipe(ends))
		abort();
	snprintf(regular, sizeof(regular), "%s/regular", directory);
	snprintf(link, sizeof(link), "%s/stdout", directory);
	snprintf(target, sizeof(target), "/proc/self/fd/%d", ends[1]);
	ok(!symlink(target, link), "a link to a pipe, as /dev/stdout is");
	is_int(doppel_cli_write_file(link, "key", 3), 0, "… is written to");
	ok(!lstat(link, &st) && S_ISLNK(st.st_mode), "… and stays one");
	close(ends[1]);
	is_content(ends[0], "key", "the pipe");
	close(ends[0]);
	unlink(link);

	fd = open(regular, O_RDWR | O_CREAT, 0644);
	is_int(doppel_cli_write_file(regular, "key", 3), 0, "a file");
	is_content(fd, "", "… is replaced, not written to: the old one");
	close(fd);
	fd = open(regular, O_RDONLY);
	is_content(fd, "key", "… the new one");
	ok(!fstat(fd, &st) && (st.st_mode & 07777) == 0600, "… which nobody else can read");
	close(fd);
	unlink(regular);
	ok(doppel_cli_write_file(directory, "key", 3) < 0 && !rmdir(directory), "a directory is neither");
}

int main(void)
{
	test_clean();
	test_table();
	test_why();
	test_usage();
	test_no_agent();
	test_agent_check();
	test_file();
	return done_testing();
}
