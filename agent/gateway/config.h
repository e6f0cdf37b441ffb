/* SPDX-License-Identifier: GPL-2.0-only */
/* The YAML file as the agent acts on it: checked, defaults filled in. */
#ifndef DOPPEL_GATEWAY_CONFIG_H
#define DOPPEL_GATEWAY_CONFIG_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/error.h"

struct yaml;
struct yaml_node;

#define DOPPEL_CONFIG_FILE "/etc/doppel/doppel.yaml"
#define DOPPEL_API_SOCKET "/run/doppel/api.sock"
#define DOPPEL_NAME_TEXT 64 /* a device's name, with its NUL */

enum config_identity {
	CONFIG_DEVICES_ONLY,
	CONFIG_OWN,
};

/* Who lends the box an identity; only with devices-only. */
enum config_lend {
	CONFIG_LEND_AUTO,
	CONFIG_LEND_OFF,
	CONFIG_LEND_MAC,
};

enum config_nat64 {
	CONFIG_NAT64_AUTO,	/* discovered */
	CONFIG_NAT64_OFF,
	CONFIG_NAT64_PREFIX,
};

enum config_slaac_address {
	CONFIG_SLAAC_EUI64,
	CONFIG_SLAAC_STABLE_PRIVACY,
};

struct config_forward {
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port;	  /* on the device's WAN addresses; host byte order */
	uint16_t to;	  /* of the device */
};

struct config_forwards {
	size_t count;
	struct config_forward *list;
};

struct config_device {
	struct mac mac;
	char name[DOPPEL_NAME_TEXT];	 /* "" if it has none */
	bool own_forwards;		 /* it lists its own instead of the general ones */
	struct config_forwards forwards; /* those that count for it if own_forwards */
};

/* An IPv4 alias for devices and box, one IPv6 host on the WAN's side. */
struct config_mapping {
	struct in_addr ipv4;
	struct in6_addr ipv6;
};

/* A protocol's attempts: each may take timeout; then retry_delay, doubled up to retry_cap. */
struct config_retry {
	int64_t timeout_ms;
	unsigned int retries; /* after so many the status is failed, and trying goes on */
	int64_t retry_delay_ms;
	int64_t retry_cap_ms;
};

struct config {
	bool has_gateway; /* the section is there; else what is in it is all zeros or defaults */
	struct {
		char interface[IF_NAMESIZE];
		struct in_addr address;
		uint8_t prefix_len;
		struct {
			bool on;
			struct in_addr first, last;
			uint32_t lease_s;
		} dhcp;
	} lan;
	struct {
		char interface[IF_NAMESIZE];
		enum config_identity identity;
		enum config_lend lend;
		struct mac lender; /* of CONFIG_LEND_MAC */
		bool ipv4, ipv6; /* auto, or off */
		uint32_t rate; /* negotiation frames a second, of all devices together */
	} wan;
	struct {
		bool listed_only; /* admit: listed */
		uint32_t max;
		int64_t inactive_after_ms;
		size_t count;
		struct config_device *list; /* by MAC, ascending */
	} devices;
	struct config_forwards forwards; /* of each device that lists none */
	struct config_retry dhcp4, dhcp6;
	bool dhcp4_duid; /* RFC 4361 client identifiers; else 01 and the MAC */
	struct {
		int64_t wait_ms;
		enum config_slaac_address address;
	} slaac;
	struct {
		enum config_nat64 mode;
		struct in6_addr prefix; /* of CONFIG_NAT64_PREFIX */
		uint8_t len;
	} nat64;
	struct {
		size_t count;
		struct config_mapping *list;
	} mappings;
	bool filter_forward; /* filter: forward */
	struct {
		bool on; /* listen was given */
		struct sockaddr_storage listen;
		socklen_t listen_len;
		char *token_file; /* NULL if none was given */
	} api;
	char *state; /* the database's path */
	struct yaml *yaml; /* the whole file */
	const struct yaml_node *wireguard; /* its section, for others to read and check; NULL: none */
};

/*
 * Read and check the file. 0, or a negative errno with one line per fault in
 * error and *config untouched. The caller frees it.
 */
int doppel_config_load(const char *file, struct config **config, struct doppel_error *error);
/* The same from text; file is only its name in messages. */
int doppel_config_parse(const char *file, const char *text, size_t len, struct config **config,
			struct doppel_error *error);
void doppel_config_free(struct config *config);

/* The listed device of that MAC, or NULL. */
const struct config_device *doppel_config_device(const struct config *config,
						 const struct mac *mac);
/* The forwards that the file gives the device: its own, else the general ones. */
const struct config_forwards *doppel_config_forwards(const struct config *config,
						     const struct mac *mac);

#endif
