// SPDX-License-Identifier: GPL-2.0-only
/* What leaves WireGuard networks as text: a peer's file, which has its private key, and the rules. */
#include <errno.h>
#include <microhttpd.h>
#include <sodium.h>
#include <string.h>

#include "api/networks.h"
#include "wireguard/firewall.h"
#include "wireguard/qr.h"
#include "wireguard/quick.h"

#define PLAIN "text/plain; charset=utf-8"

static const struct config_format {
	const char *name, *content_type;
	int (*draw)(const char *content, struct buf *out);	/* NULL: the text itself */
} formats[] = {
	{ "quick", PLAIN, NULL },
	{ "qr", PLAIN, doppel_wg_qr_terminal },
	{ "qr-png", "image/png", doppel_wg_qr_png },
};

static const struct config_format *format_of(const struct api_request *request,
					     struct http_reply *reply)
{
	const char *name = doppel_http_argument(request->http, "format");

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(name ? name : "quick", formats[i].name))
			return &formats[i];
	doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST,
				"no such format: %s; there are quick, qr, qr-png", name);
	return NULL;
}

/* A camera's owner cannot put in by hand what is missing. */
static bool can_draw(const struct wg_member *member, struct http_reply *reply)
{
	if (member->has_private_key)
		return true;
	doppel_http_reply_error(reply, MHD_HTTP_CONFLICT,
				"the private key of \"%s\" was not made here, so a QR code would be without it; take the file, and put the key in",
				member->peer->name);
	return false;
}

static void draw(const struct config_format *format, const struct buf *text,
		 struct http_reply *reply)
{
	int err = format->draw(text->data, &reply->body);

	if (!err)
		return;
	doppel_buf_free(&reply->body);
	if (err == -E2BIG)
		doppel_http_reply_error(reply, MHD_HTTP_CONFLICT,
					"the file is longer than a QR code can be; take it as it is");
	else
		doppel_http_reply_error(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s", strerror(-err));
}

static void reply_config(const struct api_request *request, const struct wg_assignment *network,
			 const struct wg_member *member, const struct config_format *format,
			 struct http_reply *reply)
{
	struct doppel_error error = {};
	char hash[WG_QUICK_HASH_TEXT];
	struct buf text = {};
	int err = doppel_wg_quick_render(network, member, &text, &error);

	if (err) {
		/* What is missing is no fault of the request's. */
		doppel_api_refuse(err == -EINVAL ? -EBUSY : err, &error, reply);
		doppel_buf_free(&text);
		return;
	}
	doppel_wg_quick_hash(&text, hash);
	reply->status = MHD_HTTP_OK;
	if (format->draw) {
		draw(format, &text, reply);
		sodium_memzero(text.data, text.len);
		doppel_buf_free(&text);
	} else {
		reply->body = text;
	}
	if (reply->status != MHD_HTTP_OK)
		return;
	reply->content_type = format->content_type;
	if (member != network->jump)
		doppel_wg_networks_handed_out(request->api->networks, network->network->name,
					      member->peer->name, hash);
}

void doppel_api_peer_config(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network;
	const struct wg_member *member = doppel_api_member_of(request, &network, reply);
	const struct config_format *format = member ? format_of(request, reply) : NULL;

	if (format && (!format->draw || can_draw(member, reply)))
		reply_config(request, network, member, format, reply);
}

static bool firewall_of(const struct api_request *request, enum wg_firewall *firewall)
{
	const struct wg_site *site = doppel_wg_networks_site(request->api->networks);
	const char *format = doppel_http_argument(request->http, "format");

	*firewall = site->document->firewall;
	if (!format)
		return true;
	*firewall = strcmp(format, "nft") ? WG_FIREWALL_IPTABLES : WG_FIREWALL_NFTABLES;
	return !strcmp(format, "nft") || !strcmp(format, "iptables");
}

void doppel_api_network_rules(const struct api_request *request, struct http_reply *reply)
{
	const struct wg_assignment *network = doppel_api_network_of(request, reply);
	enum wg_firewall firewall;
	int err;

	if (!network)
		return;
	if (!firewall_of(request, &firewall)) {
		doppel_http_reply_error(reply, MHD_HTTP_BAD_REQUEST,
					"no such format: %s; there are nft, iptables",
					doppel_http_argument(request->http, "format"));
		return;
	}
	err = doppel_wg_rules_print(doppel_wg_networks_site(request->api->networks),
				    request->api->lan, network->network->name, firewall,
				    &reply->body);
	if (err) {
		doppel_http_reply_error(reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s", strerror(-err));
		return;
	}
	reply->status = MHD_HTTP_OK;
	reply->content_type = PLAIN;
}
