/* SPDX-License-Identifier: GPL-2.0-only */
/* The gateway's own ICMP errors, rate-limited (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4). */
#ifndef _DOPPEL_ICMP_H
#define _DOPPEL_ICMP_H

#include "device.h"

/* RFC 1812 section 4.3.2.3: an error has at most so many bytes, RFC 4443 section 2.4 (c): or
 * IPV6_MIN_MTU.
 */
#define DOPPEL_ICMP4_MAX 576

/**
 * struct doppel_icmp - what an ICMP error says, of either family
 * @type: of the family
 * @code: of the type
 * @info: what the type has in the second word, host byte order
 * @tos: or traffic class
 * @ttl: or hop limit
 */
struct doppel_icmp {
	u8 type;
	u8 code;
	u32 info;
	u8 tos;
	u8 ttl;
};

/* An error's headers, zeroed, with tailroom for @quoted bytes of the packet that it is about and
 * headroom for the link layer of @out; NULL without memory. Finish writes the headers, when the
 * quotation is there.
 */
struct sk_buff *doppel_icmp_alloc(const struct net_device *out, bool ipv4, unsigned int quoted);
void doppel_icmp4_finish(struct sk_buff *skb, const struct doppel_icmp *icmp, __be32 saddr,
			 __be32 daddr);
void doppel_icmp6_finish(struct sk_buff *skb, const struct doppel_icmp *icmp,
			 const struct in6_addr *saddr, const struct in6_addr *daddr);

/* To a device, about its packet at skb->data, from the gateway's LAN address. @info is what the
 * type has in the second word, host byte order. The packet stays the caller's.
 */
void doppel_icmp_to_device(struct doppel_gateway *gw, struct doppel_device *device,
			   const struct sk_buff *skb, u8 type, u8 code, u32 info);

/* To the sender on the WAN of the packet at skb->data, whose Ethernet header says where it came
 * from, in the name of the device and from the address that the packet was for.
 */
void doppel_icmp4_to_wan(struct doppel_gateway *gw, struct doppel_device *device,
			 const struct sk_buff *skb, u8 type, u8 code, u32 info);
void doppel_icmp6_to_wan(struct doppel_gateway *gw, struct doppel_device *device,
			 const struct sk_buff *skb, u8 type, u8 code, u32 info);

#endif
