/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists of domain names as DHCPv4 (option 119, RFC 3397), DHCPv6 (option 24, RFC 3646) and router
 * advertisements (DNSSL, RFC 8106) have them: names of RFC 1035 section 3.1, one behind the other.
 */
#ifndef DOPPEL_GATEWAY_DOMAIN_LIST_H
#define DOPPEL_GATEWAY_DOMAIN_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOMAIN_LIST_TEXT 128

/*
 * Put the names into @text, with a blank between two; a name that finds no room is left out.
 * @compressed: names may end in a pointer to an earlier one (RFC 1035 section 4.1.4). False, and ""
 * in @text, if one of them is no name.
 */
bool doppel_domain_list(const uint8_t *data, size_t len, bool compressed,
			char text[DOMAIN_LIST_TEXT]);

#endif
