/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the protocol machines (dhcp4, dhcp6, slaac, acd, dad, mld) have in common.
 *
 * A machine is a struct that its owner embeds; it has no sockets, timers or globals. The owner
 * - gives it frames (doppel_x_receive), once doppel_frame_parse() has accepted them,
 * - keeps one timer for it, set to doppel_x_deadline() after every call, and calls
 *   doppel_x_timeout() when it has run out (a call too early does no harm),
 * - gets whole Ethernet frames to send, with the device's MAC as their source,
 * - ends it with doppel_x_stop(), after which it may be begun again, or doppel_x_free(), if there is one:
 *   then what it needs while it negotiates is memory of its own.
 *
 * Times are monotonic milliseconds of the injected clock unless a name says _s or wall.
 */
#ifndef DOPPEL_GATEWAY_NEGOTIATION_H
#define DOPPEL_GATEWAY_NEGOTIATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "gateway/gateway.h"

struct clock;
struct rng;

#define NEVER INT64_MAX
#define LEASE_MIN_S 10		/* a shorter lease could not even be probed */
#define RENEW_MIN_MS 5000	/* between renewals, whatever T1 a server gives */

/* What became of a frame or message. Everything but VERDICT_ACCEPTED left the state unchanged. */
enum verdict {
	VERDICT_ACCEPTED,
	VERDICT_OTHER,		/* well-formed, but for somebody else or of another transaction */
	VERDICT_UNEXPECTED,	/* for us, but nothing that this state waits for */
	VERDICT_TRUNCATED,	/* ends before what it promises */
	VERDICT_MALFORMED,	/* contradicts itself or its RFC */
	VERDICT_CHECKSUM,
	VERDICT_REFUSED,	/* from a sender or with a content that must not be believed */
};

/* Retries as in the YAML sections dhcp4 and dhcp6. */
struct attempt_policy {
	int64_t timeout_ms;	/* one attempt, with its retransmissions */
	unsigned int retries;	/* attempts until the status is `failed`; they go on for ever */
	int64_t retry_delay_ms;	/* after the first attempt; doubles */
	int64_t retry_cap_ms;	/* up to this */
};

#define SERVER_ID_MAX 130		/* a DUID (RFC 8415 section 11.1) */

/* Who gives leases: a DHCPv4 server's address (option 54), or a DHCPv6 server's DUID. */
struct server_id {
	uint8_t len;			/* 0: nobody */
	uint8_t id[SERVER_ID_MAX];
};

/* @len: at most SERVER_ID_MAX bytes. */
static inline void doppel_server_set(struct server_id *server, const void *id, uint8_t len)
{
	server->len = len;
	memcpy(server->id, id, len);
}

static inline bool doppel_server_is(const struct server_id *server, const void *id, size_t len)
{
	return server->len == len && !memcmp(server->id, id, len);
}

/* Whether somebody is known of whose offer is waited for (NULL: nobody ever is), and this is another. */
static inline bool doppel_server_is_other(const struct server_id *known, const void *id, size_t len)
{
	return known && known->len && !doppel_server_is(known, id, len);
}

/* The outside world of a machine, shared by all machines of a device. Must outlive them. */
struct negotiation_env {
	struct clock *clock;
	struct rng *rng;
	/* Queue or send one frame; its bytes are the machine's own and gone after the call. */
	void (*send)(void *ctx, const void *frame, size_t len);
	void *ctx;
};

#define NEGOTIATION_REASON_MAX 128

/* For a family_view: what the machine is at, and why. */
struct negotiation_status {
	enum family_status status;
	char reason[NEGOTIATION_REASON_MAX];	/* "" when there is nothing to say */
	int64_t next_retry_ms;			/* NEVER: none is waited for */
};

/*
 * Why a machine is where it is: a sentence, of which there is none most of the time, so that it takes
 * memory only while it stands. NULL: there is nothing to say, or no memory to say it with. The machine
 * frees it when it is stopped, its owner by doppel_x_free().
 */
__attribute__((format(printf, 2, 3)))
void doppel_because(char **reason, const char *fmt, ...);
void doppel_because_nothing(char **reason);
static inline const char *doppel_reason(const char *reason)
{
	return reason ? reason : "";
}

/* A word for logs: "truncated", "wrong checksum" … */
const char *doppel_verdict_name(enum verdict verdict);

/*
 * How long to wait after @failed (≥ 1) attempts have failed: retry_delay doubled with every one,
 * capped, less a random tenth so that a thousand devices do not stay in step.
 */
int64_t doppel_backoff_ms(const struct attempt_policy *policy, unsigned int failed,
			  struct rng *rng);

/*
 * When to renew what was asked for at @acquired_ms with a T1 of @t1_s: a little early, by chance, so
 * that a thousand leases do not renew as one. NEVER for UINT32_MAX.
 */
int64_t doppel_renew_ms(int64_t acquired_ms, uint32_t t1_s, struct rng *rng);

/* @base_ms ± a random share of it, @percent at most; uniform. For values below 2^31. */
int64_t doppel_jitter_ms(int64_t base_ms, unsigned int percent, struct rng *rng);

/* A random moment of 0 … @max_ms. */
int64_t doppel_random_ms(int64_t max_ms, struct rng *rng);

/* What is in force as a whole: the earlier of two deadlines. */
static inline int64_t doppel_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* @seconds after @since_ms; NEVER for UINT32_MAX, which stands for infinity in all our RFCs. */
static inline int64_t doppel_after_s(int64_t since_ms, uint32_t seconds)
{
	return seconds == UINT32_MAX ? NEVER : since_ms + (int64_t)seconds * 1000;
}

#endif
