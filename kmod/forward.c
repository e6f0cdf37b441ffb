// SPDX-License-Identifier: GPL-2.0-only
#include <linux/in.h>
#include <linux/slab.h>

#include "forward.h"
#include "refuse.h"
#include "session.h"

static const struct rhashtable_params forward_params = {
	.key_len = sizeof(struct doppel_forward_key),
	.key_offset = offsetof(struct doppel_forward, key),
	.head_offset = offsetof(struct doppel_forward, node),
	.automatic_shrinking = true,
};

struct doppel_forward *doppel_forward_lookup(struct doppel_gateway *gw,
					     struct doppel_device *device, u8 protocol, u16 port)
{
	const struct doppel_forward_key key = {
		.device = device,
		.port = port,
		.protocol = protocol,
	};

	return rhashtable_lookup_fast(&gw->forwards, &key, forward_params);
}

static struct doppel_device *find_device(struct doppel_gateway *gw, const u8 *mac,
					 struct netlink_ext_ack *extack)
{
	struct doppel_device *device = doppel_device_by_mac(gw, mac);

	if (!device)
		DOPPEL_REFUSE_FMT(extack, "no such device", "no device %pM", mac);
	return device;
}

int doppel_forward_add(struct doppel_gateway *gw, const u8 *mac, u8 protocol, u16 port, u16 to,
		       struct netlink_ext_ack *extack)
{
	struct doppel_device *device;
	struct doppel_forward *forward;
	int err;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) {
		NL_SET_ERR_MSG_MOD(extack, "protocol is neither TCP (6) nor UDP (17)");
		return -EPROTONOSUPPORT;
	}
	if (!port || !to) {
		NL_SET_ERR_MSG_MOD(extack, "port 0 is no port");
		return -EINVAL;
	}
	device = find_device(gw, mac, extack);
	if (!device)
		return -ENOENT;

	forward = doppel_forward_lookup(gw, device, protocol, port);
	if (forward) {
		if (forward->to == to)
			return 0;
		DOPPEL_REFUSE_FMT(extack, "this port leads to another port already",
				  "%pM's port %u leads to %u already", mac, port, forward->to);
		return -EEXIST;
	}

	forward = kzalloc(sizeof(*forward), GFP_KERNEL);
	if (!forward)
		return -ENOMEM;
	forward->key.device = device;
	forward->key.port = port;
	forward->key.protocol = protocol;
	forward->to = to;

	err = rhashtable_insert_fast(&gw->forwards, &forward->node, forward_params);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "no memory for the table of forwards");
		kfree(forward);
		return err;
	}
	list_add_tail_rcu(&forward->list, &device->forwards);
	doppel_gateway_changed(gw);
	return 0;
}

static void unlink_forward(struct doppel_gateway *gw, struct doppel_forward *forward)
{
	rhashtable_remove_fast(&gw->forwards, &forward->node, forward_params);
	list_del_rcu(&forward->list);
	kfree_rcu(forward, rcu);
}

int doppel_forward_del(struct doppel_gateway *gw, const u8 *mac, u8 protocol, u16 port,
		       struct netlink_ext_ack *extack)
{
	const struct doppel_session_filter filter = {
		.protocol = protocol,
		.inbound_port = htons(port),
	};
	struct doppel_device *device;
	struct doppel_forward *forward;

	device = find_device(gw, mac, extack);
	if (!device)
		return -ENOENT;
	forward = doppel_forward_lookup(gw, device, protocol, port);
	if (!forward) {
		DOPPEL_REFUSE_FMT(extack, "no such forward", "%pM has no forward of port %u", mac,
				  port);
		return -ENOENT;
	}

	unlink_forward(gw, forward);
	doppel_gateway_changed(gw);

	/* A packet that has still found the forward may be about to begin a session. */
	synchronize_net();
	doppel_sessions_flush(device, &filter);
	return 0;
}

void doppel_forwards_clear(struct doppel_device *device)
{
	struct doppel_forward *forward, *next;

	list_for_each_entry_safe(forward, next, &device->forwards, list)
		unlink_forward(device->gw, forward);
}

int doppel_forwards_init(struct doppel_gateway *gw)
{
	return rhashtable_init(&gw->forwards, &forward_params);
}

void doppel_forwards_destroy(struct doppel_gateway *gw)
{
	rhashtable_destroy(&gw->forwards);
}
