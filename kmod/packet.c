// SPDX-License-Identifier: GPL-2.0-only
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "packet.h"

/* More extension headers than this are nobody's honest packet. */
#define EXTENSION_HEADERS_MAX 8

/* IPv4's options and TCP's have one form; @len 0 is for any. */
static u8 *find_option(u8 *opt, const u8 *end, u8 kind, u8 len)
{
	while (opt < end && *opt != TCPOPT_EOL) {
		if (*opt == TCPOPT_NOP) {
			opt++;
			continue;
		}
		if (end - opt < 2 || opt[1] < 2 || opt[1] > end - opt)
			return NULL;
		if (*opt == kind && (!len || opt[1] == len))
			return opt;
		opt += opt[1];
	}
	return NULL;
}

u8 *doppel_tcp_option(u8 *header, u8 kind, u8 len)
{
	const struct tcphdr *th = (const struct tcphdr *)header;

	return find_option(header + sizeof(*th), header + th->doff * 4, kind, len);
}

static bool leads_on(const u8 *route)
{
	return route && route[1] > 2 && route[2] <= route[1];
}

bool doppel_is_source_routed(struct iphdr *iph)
{
	u8 *options = (u8 *)(iph + 1);
	const u8 *end = (u8 *)iph + iph->ihl * 4;

	return leads_on(find_option(options, end, IPOPT_LSRR, 0)) ||
	       leads_on(find_option(options, end, IPOPT_SSRR, 0));
}

static enum doppel_parsed parse_tcp(struct sk_buff *skb, struct doppel_packet *packet)
{
	const struct tcphdr *th;
	const u8 *opt;

	if (!pskb_may_pull(skb, packet->l4 + sizeof(*th)))
		return DOPPEL_PARSED_MALFORMED;

	th = (const struct tcphdr *)(skb->data + packet->l4);
	if (th->doff < sizeof(*th) / 4 || packet->l4 + th->doff * 4 > packet->len)
		return DOPPEL_PARSED_MALFORMED;

	packet->source = th->source;
	packet->dest = th->dest;
	packet->syn = th->syn;
	packet->ack = th->ack;
	packet->fin = th->fin;
	packet->rst = th->rst;
	packet->seq = ntohl(th->seq);
	packet->ack_seq = ntohl(th->ack_seq);
	packet->window = ntohs(th->window);
	if (likely(!packet->syn))
		return DOPPEL_PARSED;

	/* The options of a SYN are read, and edited (MSS). */
	if (!pskb_may_pull(skb, packet->l4 + th->doff * 4))
		return DOPPEL_PARSED_MALFORMED;
	th = (const struct tcphdr *)(skb->data + packet->l4);
	opt = doppel_tcp_option((u8 *)th, TCPOPT_WINDOW, TCPOLEN_WINDOW);
	packet->has_scale = !!opt;
	packet->scale = opt ? min_t(u8, opt[2], TCP_MAX_WSCALE) : 0;
	return DOPPEL_PARSED;
}

static enum doppel_parsed parse_udp(struct sk_buff *skb, struct doppel_packet *packet)
{
	const struct udphdr *uh;

	if (!pskb_may_pull(skb, packet->l4 + sizeof(*uh)))
		return DOPPEL_PARSED_MALFORMED;

	uh = (const struct udphdr *)(skb->data + packet->l4);
	if (ntohs(uh->len) < sizeof(*uh) || ntohs(uh->len) > packet->len - packet->l4)
		return DOPPEL_PARSED_MALFORMED;

	packet->source = uh->source;
	packet->dest = uh->dest;
	return DOPPEL_PARSED;
}

/* What of ICMP is an error: about a packet that it quotes. */
static bool is_error4(u8 type)
{
	switch (type) {
	case ICMP_DEST_UNREACH:
	case ICMP_SOURCE_QUENCH:
	case ICMP_REDIRECT:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETERPROB:
		return true;
	default:
		return false;
	}
}

static bool is_error6(u8 type)
{
	return !(type & ICMPV6_INFOMSG_MASK);
}

static enum doppel_parsed parse_icmp(struct sk_buff *skb, struct doppel_packet *packet,
				     u8 request, u8 reply, bool (*is_error)(u8 type))
{
	const struct icmphdr *icmph;

	if (!pskb_may_pull(skb, packet->l4 + sizeof(*icmph)))
		return DOPPEL_PARSED_MALFORMED;

	/* An ICMPv6 echo has its type, code, checksum and identifier in the same places. */
	icmph = (const struct icmphdr *)(skb->data + packet->l4);
	if (is_error(icmph->type))
		return DOPPEL_PARSED_ICMP_ERROR;
	if (icmph->type != request && icmph->type != reply)
		return DOPPEL_PARSED_PROTOCOL;
	if (icmph->code)
		return DOPPEL_PARSED_MALFORMED;

	packet->protocol = IPPROTO_ICMP;
	packet->request = icmph->type == request;
	packet->source = icmph->un.echo.id;
	packet->dest = icmph->un.echo.id;
	return DOPPEL_PARSED;
}

enum doppel_parsed doppel_parse4(struct sk_buff *skb, struct doppel_packet *packet)
{
	const struct iphdr *iph;

	memset(packet, 0, sizeof(*packet));
	if (!pskb_may_pull(skb, sizeof(*iph)))
		return DOPPEL_PARSED_MALFORMED;

	iph = (const struct iphdr *)skb->data;
	if (iph->version != 4 || iph->ihl < sizeof(*iph) / 4)
		return DOPPEL_PARSED_MALFORMED;

	packet->l4 = iph->ihl * 4;
	if (!pskb_may_pull(skb, packet->l4))
		return DOPPEL_PARSED_MALFORMED;

	iph = (const struct iphdr *)skb->data;
	packet->len = ntohs(iph->tot_len);
	packet->protocol = iph->protocol;
	packet->id = iph->id;
	packet->may_cut = !(iph->frag_off & htons(IP_DF));
	if (packet->len < packet->l4 || packet->len > skb->len ||
	    ip_fast_csum(iph, iph->ihl) || pskb_trim_rcsum(skb, packet->len))
		return DOPPEL_PARSED_MALFORMED;

	if (ip_is_fragment(iph))
		return DOPPEL_PARSED_FRAGMENT;

	skb_set_transport_header(skb, packet->l4);
	switch (packet->protocol) {
	case IPPROTO_TCP:
		return parse_tcp(skb, packet);
	case IPPROTO_UDP:
		return parse_udp(skb, packet);
	case IPPROTO_ICMP:
		return parse_icmp(skb, packet, ICMP_ECHO, ICMP_ECHOREPLY, is_error4);
	default:
		return DOPPEL_PARSED_PROTOCOL;
	}
}

/* Steps over what a translator ignores (RFC 7915 section 5.1): hop-by-hop and destination
 * options, a routing header that is used up, an atomic fragment's header (RFC 6946).
 */
static enum doppel_parsed skip_extensions(struct sk_buff *skb, struct doppel_packet *packet)
{
	int i;

	for (i = 0; i < EXTENSION_HEADERS_MAX; i++) {
		const u8 *header;
		unsigned int len;

		switch (packet->protocol) {
		case NEXTHDR_HOP:
		case NEXTHDR_DEST:
		case NEXTHDR_ROUTING:
		case NEXTHDR_FRAGMENT:
			break;
		default:
			return DOPPEL_PARSED;
		}

		if (!pskb_may_pull(skb, packet->l4 + sizeof(struct frag_hdr)))
			return DOPPEL_PARSED_MALFORMED;

		header = skb->data + packet->l4;
		len = packet->protocol == NEXTHDR_FRAGMENT ? sizeof(struct frag_hdr) :
							     (header[1] + 1) * 8;
		if (packet->l4 + len > packet->len)
			return DOPPEL_PARSED_MALFORMED;

		/* RFC 7915 section 5.1.1: not while segments are left. */
		if (packet->protocol == NEXTHDR_ROUTING && header[3])
			return DOPPEL_PARSED_MALFORMED;

		if (packet->protocol == NEXTHDR_FRAGMENT) {
			const struct frag_hdr *fh = (const struct frag_hdr *)header;

			/* RFC 7915 section 5.1.1: the low-order bits, and no DF. */
			packet->id = htons(ntohl(fh->identification));
			packet->may_cut = true;
			if (fh->frag_off & htons(IP6_OFFSET | IP6_MF))
				return DOPPEL_PARSED_FRAGMENT;
		}

		packet->protocol = header[0];
		packet->l4 += len;
	}

	return DOPPEL_PARSED_MALFORMED;
}

enum doppel_parsed doppel_parse6(struct sk_buff *skb, struct doppel_packet *packet)
{
	const struct ipv6hdr *ip6h;
	enum doppel_parsed parsed;

	memset(packet, 0, sizeof(*packet));
	if (!pskb_may_pull(skb, sizeof(*ip6h)))
		return DOPPEL_PARSED_MALFORMED;

	ip6h = (const struct ipv6hdr *)skb->data;
	packet->l4 = sizeof(*ip6h);
	packet->len = sizeof(*ip6h) + ntohs(ip6h->payload_len);
	packet->protocol = ip6h->nexthdr;
	if (ip6h->version != 6 || packet->len > skb->len || pskb_trim_rcsum(skb, packet->len))
		return DOPPEL_PARSED_MALFORMED;

	parsed = skip_extensions(skb, packet);
	if (parsed != DOPPEL_PARSED)
		return parsed;

	skb_set_transport_header(skb, packet->l4);
	switch (packet->protocol) {
	case IPPROTO_TCP:
		return parse_tcp(skb, packet);
	case IPPROTO_UDP:
		parsed = parse_udp(skb, packet);
		/* RFC 8200 section 8.1: none without a checksum. */
		if (parsed == DOPPEL_PARSED && skb->ip_summed != CHECKSUM_PARTIAL &&
		    !udp_hdr(skb)->check)
			return DOPPEL_PARSED_MALFORMED;
		return parsed;
	case IPPROTO_ICMPV6:
		return parse_icmp(skb, packet, ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY, is_error6);
	default:
		return DOPPEL_PARSED_PROTOCOL;
	}
}
