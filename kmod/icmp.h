/* SPDX-License-Identifier: GPL-2.0-only */
/* The gateway's own ICMP errors, rate-limited (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4). */
#ifndef _DOPPEL_ICMP_H
#define _DOPPEL_ICMP_H

#include "device.h"

/* To a device, about its packet at skb->data, from the gateway's LAN address. @info is what the
 * type has in the second word, host byte order. The packet stays the caller's.
 */
void doppel_icmp_to_device(struct doppel_gateway *gw, const struct doppel_device *device,
			   const struct sk_buff *skb, u8 type, u8 code, u32 info);

/* To the sender on the WAN of the packet at skb->data, whose Ethernet header says where it came
 * from, in the name of the device and from the address that the packet was for.
 */
void doppel_icmp4_to_wan(struct doppel_gateway *gw, const struct doppel_device *device,
			 const struct sk_buff *skb, u8 type, u8 code, u32 info);
void doppel_icmp6_to_wan(struct doppel_gateway *gw, const struct doppel_device *device,
			 const struct sk_buff *skb, u8 type, u8 code, u32 info);

#endif
