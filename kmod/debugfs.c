// SPDX-License-Identifier: GPL-2.0-only
#include <linux/debugfs.h>
#include <linux/inetdevice.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "debugfs.h"
#include "forward.h"
#include "session.h"
#include "stats.h"

/* The removal of a gateway holds RTNL and waits for the readers here: they take no lock but RCU. */

static struct dentry *root;

static void *devices_start(struct seq_file *m, loff_t *pos)
	__acquires(RCU)
{
	struct doppel_gateway *gw = m->private;

	rcu_read_lock();
	return seq_list_start_rcu(&gw->devices, *pos);
}

static void *devices_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct doppel_gateway *gw = m->private;

	return seq_list_next_rcu(v, &gw->devices, pos);
}

static void devices_stop(struct seq_file *m, void *v)
	__releases(RCU)
{
	rcu_read_unlock();
}

static int devices_show(struct seq_file *m, void *v)
{
	const struct doppel_device *device = list_entry(v, struct doppel_device, list);
	const struct doppel_identity *identity = rcu_dereference(device->identity);
	__be32 lan_ipv4 = READ_ONCE(device->lan_ipv4);
	struct doppel_counters_sum sum = {};
	unsigned int i;

	doppel_counters_add(device->counters, &sum);
	seq_printf(m, "%pM lan %pI4 wan %pI4/%d router %pI4 link-local %pI6c router6 %pI6c",
		   device->mac, &lan_ipv4, &identity->wan_ipv4,
		   inet_mask_len(identity->wan_mask), &identity->wan_router,
		   &identity->link_local.addr, &identity->wan_router6);
	for (i = 0; i < identity->n_wan_ipv6; i++)
		seq_printf(m, " wan6 %pI6c/%u", &identity->wan_ipv6[i].addr,
			   identity->wan_ipv6[i].prefix_len);
	seq_printf(m, " sessions %u out %llu/%llu in %llu/%llu dropped %llu\n",
		   READ_ONCE(device->n_sessions), sum.lan_packets,
		   sum.lan_bytes, sum.wan_packets, sum.wan_bytes, sum.dropped);
	return 0;
}

static const struct seq_operations devices_sops = {
	.start = devices_start,
	.next = devices_next,
	.stop = devices_stop,
	.show = devices_show,
};

DEFINE_SEQ_ATTRIBUTE(devices);

static int forwards_show(struct seq_file *m, void *v)
{
	const struct doppel_device *device = list_entry(v, struct doppel_device, list);
	const struct doppel_forward *forward;

	list_for_each_entry_rcu(forward, &device->forwards, list)
		seq_printf(m, "%pM %s %u to %u\n", device->mac,
			   forward->key.protocol == IPPROTO_TCP ? "tcp" : "udp",
			   forward->key.port, forward->to);
	return 0;
}

static const struct seq_operations forwards_sops = {
	.start = devices_start,
	.next = devices_next,
	.stop = devices_stop,
	.show = forwards_show,
};

DEFINE_SEQ_ATTRIBUTE(forwards);

/* A resize begins the walk anew: then lines come twice. */
static void *past_resize(struct rhashtable_iter *iter, void *session)
{
	while (IS_ERR(session))
		session = rhashtable_walk_next(iter);
	return session;
}

static void *sessions_start(struct seq_file *m, loff_t *pos)
	__acquires(RCU)
{
	struct rhashtable_iter *iter = m->private;

	/* From the beginning, maybe again. */
	if (!*pos) {
		rhashtable_walk_exit(iter);
		rhashtable_walk_enter(iter->ht, iter);
	}
	rhashtable_walk_start(iter);
	return *pos ? past_resize(iter, rhashtable_walk_peek(iter)) : SEQ_START_TOKEN;
}

static void *sessions_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct rhashtable_iter *iter = m->private;

	++*pos;
	return past_resize(iter, rhashtable_walk_next(iter));
}

static void sessions_stop(struct seq_file *m, void *v)
	__releases(RCU)
{
	rhashtable_walk_stop(m->private);
}

static int sessions_show(struct seq_file *m, void *v)
{
	const struct doppel_session *session = v;
	const struct doppel_lan_tuple *lan;
	const struct doppel_wan_tuple *wan;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "device protocol state began lan lan-peer wan wan-peer expires\n");
		return 0;
	}

	lan = &session->lan;
	wan = &session->wan;
	seq_printf(m, "%pM %u %u %s %pI4:%u %pI4:%u ", session->device->mac, lan->protocol,
		   READ_ONCE(session->state), session->outbound ? "out" : "in",
		   &lan->device, ntohs(lan->device_port), &lan->peer, ntohs(lan->peer_port));
	if (wan->family == AF_INET)
		seq_printf(m, "%pI4:%u %pI4:%u", &wan->identity, ntohs(wan->identity_port),
			   &wan->peer, ntohs(wan->peer_port));
	else
		seq_printf(m, "[%pI6c]:%u [%pI6c]:%u", &wan->identity, ntohs(wan->identity_port),
			   &wan->peer, ntohs(wan->peer_port));
	seq_printf(m, " %u\n", doppel_session_expires_in(session));
	return 0;
}

static const struct seq_operations sessions_sops = {
	.start = sessions_start,
	.next = sessions_next,
	.stop = sessions_stop,
	.show = sessions_show,
};

static int sessions_open(struct inode *inode, struct file *file)
{
	struct doppel_gateway *gw = inode->i_private;
	struct rhashtable_iter *iter;

	iter = __seq_open_private(file, &sessions_sops, sizeof(*iter));
	if (!iter)
		return -ENOMEM;

	/* A removal waits for this function, but not until the file is closed. */
	doppel_gateway_hold(gw);
	rhashtable_walk_enter(&gw->sessions_lan, iter);
	return 0;
}

static int sessions_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	rhashtable_walk_exit(m->private);
	doppel_gateway_put(inode->i_private);
	return seq_release_private(inode, file);
}

static const struct file_operations sessions_fops = {
	.owner = THIS_MODULE,
	.open = sessions_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = sessions_release,
};

static int stats_show(struct seq_file *m, void *v)
{
	struct doppel_gateway *gw = m->private;
	struct doppel_counters_sum sum;
	unsigned int reason, total;

	rcu_read_lock();
	doppel_counters_all(gw, &sum);
	rcu_read_unlock();
	seq_printf(m, "devices %u\nsessions %d\nsessions-begun %llu\n", READ_ONCE(gw->n_devices),
		   atomic_read(&gw->n_sessions), sum.sessions);
	seq_printf(m, "lan-packets %llu\nlan-bytes %llu\nwan-packets %llu\nwan-bytes %llu\n",
		   sum.lan_packets, sum.lan_bytes, sum.wan_packets, sum.wan_bytes);
	seq_printf(m, "dropped %llu\n", sum.dropped);
	for (reason = 0; reason < DOPPEL_DROP_REASONS; reason++)
		seq_printf(m, "drop %s %llu\n", doppel_drop_reason_name(reason),
			   doppel_drops_sum(gw, reason));
	for (total = 0; total < DOPPEL_TOTALS; total++)
		seq_printf(m, "total %s %llu\n", doppel_total_name(total),
			   doppel_total_sum(gw, total));
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(stats);

void doppel_debugfs_add(struct doppel_gateway *gw)
{
	char name[sizeof("4294967295")];

	snprintf(name, sizeof(name), "%u", gw->net->ns.inum);
	gw->debugfs = debugfs_create_dir(name, root);
	debugfs_create_file("devices", 0400, gw->debugfs, gw, &devices_fops);
	debugfs_create_file("forwards", 0400, gw->debugfs, gw, &forwards_fops);
	debugfs_create_file("sessions", 0400, gw->debugfs, gw, &sessions_fops);
	debugfs_create_file("stats", 0400, gw->debugfs, gw, &stats_fops);
}

void doppel_debugfs_remove(struct doppel_gateway *gw)
{
	debugfs_remove(gw->debugfs);
}

void doppel_debugfs_init(void)
{
	root = debugfs_create_dir("doppel", NULL);
}

void doppel_debugfs_exit(void)
{
	debugfs_remove(root);
}
