/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: /sys/kernel/tracing/events/doppel. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM doppel

#if !defined(_DOPPEL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _DOPPEL_TRACE_H

#include <linux/tracepoint.h>
#include "session.h"
#include "stats.h"

TRACE_EVENT(doppel_drop,
	TP_PROTO(const struct doppel_gateway *gw, const struct doppel_device *device,
		 const struct sk_buff *skb, unsigned int reason),

	TP_ARGS(gw, device, skb, reason),

	TP_STRUCT__entry(
		__field(unsigned int, net)
		__array(u8, mac, ETH_ALEN)
		__field(unsigned int, reason)
		__field(unsigned int, len)
		__field(const void *, skbaddr)
	),

	TP_fast_assign(
		__entry->net = gw->net->ns.inum;
		if (device)
			ether_addr_copy(__entry->mac, device->mac);
		else
			eth_zero_addr(__entry->mac);
		__entry->reason = reason;
		__entry->len = skb ? skb->len : 0;
		__entry->skbaddr = skb;
	),

	TP_printk("net=%u device=%pM reason=%s len=%u skb=%p", __entry->net, __entry->mac,
		  doppel_drop_reason_name(__entry->reason), __entry->len, __entry->skbaddr)
);

DECLARE_EVENT_CLASS(doppel_session,
	TP_PROTO(const struct doppel_session *session),

	TP_ARGS(session),

	TP_STRUCT__entry(
		__array(u8, mac, ETH_ALEN)
		__field_struct(struct doppel_lan_tuple, lan)
		__field_struct(struct doppel_wan_tuple, wan)
		__field(bool, outbound)
	),

	TP_fast_assign(
		ether_addr_copy(__entry->mac, session->device->mac);
		__entry->lan = session->lan;
		__entry->wan = session->wan;
		__entry->outbound = session->outbound;
	),

	/* Addresses of IPv4 are the first word of those of the WAN. */
	TP_printk("device=%pM %s protocol=%u lan=%pI4:%u peer=%pI4:%u wan=%pI6c:%u peer=%pI6c:%u",
		  __entry->mac, __entry->outbound ? "out" : "in", __entry->lan.protocol,
		  &__entry->lan.device, ntohs(__entry->lan.device_port),
		  &__entry->lan.peer, ntohs(__entry->lan.peer_port),
		  &__entry->wan.identity, ntohs(__entry->wan.identity_port),
		  &__entry->wan.peer, ntohs(__entry->wan.peer_port))
);

DEFINE_EVENT(doppel_session, doppel_session_new,
	TP_PROTO(const struct doppel_session *session),
	TP_ARGS(session)
);

DEFINE_EVENT(doppel_session, doppel_session_end,
	TP_PROTO(const struct doppel_session *session),
	TP_ARGS(session)
);

TRACE_EVENT(doppel_translate,
	TP_PROTO(const struct doppel_session *session, const struct sk_buff *skb,
		 bool from_device),

	TP_ARGS(session, skb, from_device),

	TP_STRUCT__entry(
		__array(u8, mac, ETH_ALEN)
		__field(const void *, session)
		__field(unsigned int, len)
		__field(u8, protocol)
		__field(u8, translation)
		__field(bool, from_device)
	),

	TP_fast_assign(
		ether_addr_copy(__entry->mac, session->device->mac);
		__entry->session = session;
		__entry->len = skb->len;
		__entry->protocol = session->lan.protocol;
		__entry->translation = session->translation;
		__entry->from_device = from_device;
	),

	TP_printk("device=%pM session=%p %s %s protocol=%u len=%u", __entry->mac,
		  __entry->session,
		  __print_symbolic(__entry->translation,
				   { DOPPEL_TRANSLATION_4TO4, "4to4" },
				   { DOPPEL_TRANSLATION_6TO4, "6to4" },
				   { DOPPEL_TRANSLATION_4TO6, "4to6" }),
		  __entry->from_device ? "out" : "in", __entry->protocol, __entry->len)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
