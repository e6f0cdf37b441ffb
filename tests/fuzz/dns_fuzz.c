// SPDX-License-Identifier: GPL-2.0-only
/* A DNS server's answer, in which names point where they like. */
#include <stdlib.h>

#include "gateway/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dns_answer answer = { 0 };
	const uint16_t id = len > 1 ? (uint16_t)(data[0] << 8 | data[1]) : 0;

	if (doppel_dns_parse(data, len, id, &answer) == VERDICT_ACCEPTED &&
	    answer.count > DNS_ADDRESSES_MAX)
		abort();
	return 0;
}
