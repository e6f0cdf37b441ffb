// SPDX-License-Identifier: GPL-2.0-only
/* The packet generator of make bench. Writing a line to /proc/blast,
 *
 *   INTERFACE DIRECTION YIELD COUNT FLOWS STEP DEVICES FRAME
 *
 * sends COUNT packets out of the interface of the writer's network namespace, and reading it then
 * gives the nanoseconds that took, the packets that could not be sent, and the clock it was taken
 * by. FRAME, in hex, is the
 * first device's first flow's, from the Ethernet header on, IPv4 without options or IPv6, UDP or
 * TCP, with its checksums right. Device n has the MAC and the address of the first one plus n; of
 * them DIRECTION says where they are:
 *
 *   in      the destination's
 *   routed  the destination's, but the MAC is a router's
 *   out     the source's
 *
 * With a YIELD of 1 others have their turn, such as kernel threads that resize tables; with 0 they
 * do not, so that what collectors do in the background is not in the figures.
 *
 * The next packet is of the flow STEP further on, and of the first again after the last: with a
 * STEP that has no factor in common with FLOWS all flows come up, but what was made one after the
 * other, and so lies side by side in memory, need not be met one after the other.
 *
 * Flows take the devices in turn. Of a device, the far end's port goes through PORTS values, then
 * the near end's port goes up by one: so many flows fit between any two addresses, and between a
 * device and the clients' ports that doppel has (1024 to 32767) as well.
 *
 * The kernel's pktgen cannot do that: it varies IPv6 addresses not at all, and each field of a
 * packet for itself.
 */
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/tcp.h>
#include <linux/time64.h>
#include <linux/udp.h>
#include <linux/unistd.h>
#include <net/checksum.h>

#define PORTS 31744
#define FRAME_MAX 256
/* As many as a NIC hands over at a time when it is busy. */
#define BURST 32

/**
 * struct blast - one run
 * @dev: where to
 * @yield: whether to let others run in between
 * @count: packets
 * @flows: of them
 * @step: from one packet's flow to the next one's, less than @flows
 * @devices: that they are for
 * @frame: of the first flow
 * @len: bytes of @frame
 * @mac: offset of the last four bytes of the device's MAC, or 0
 * @addr: offset of the last four bytes of the device's address
 * @near: offset of the port of the device's address
 * @far: offset of the other port
 * @ip_check: offset of the IPv4 header's checksum, or 0
 * @check: offset of the transport header's
 */
struct blast {
	struct net_device *dev;
	u32 yield;
	u32 count;
	u32 flows;
	u32 step;
	u32 devices;
	u8 frame[FRAME_MAX];
	unsigned int len;
	unsigned int mac;
	unsigned int addr;
	unsigned int near;
	unsigned int far;
	unsigned int ip_check;
	unsigned int check;
};

static DEFINE_MUTEX(lock);
static u64 took;
static u32 failed;

/* Nanoseconds. User-mode Linux is a program, and its clock goes on while its host does something
 * else: asks the host for the program's own time.
 */
static u64 now(void)
{
#ifdef CONFIG_UML
	struct __kernel_timespec time;
	long ret = __NR_clock_gettime;

	asm volatile("syscall" : "+a" (ret) : "D" (CLOCK_THREAD_CPUTIME_ID), "S" (&time)
		     : "rcx", "r11", "memory");
	return time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
#else
	return ktime_get_ns();
#endif
}

/* Finds what of the frame varies. */
static int dissect(struct blast *blast, const char *direction)
{
	const struct ethhdr *eth = (const struct ethhdr *)blast->frame;
	bool out = !strcmp(direction, "out");
	unsigned int l4, addr;
	u8 protocol;

	if (!out && strcmp(direction, "in") && strcmp(direction, "routed"))
		return -EINVAL;

	if (eth->h_proto == htons(ETH_P_IP)) {
		l4 = ETH_HLEN + sizeof(struct iphdr);
		protocol = blast->frame[ETH_HLEN + offsetof(struct iphdr, protocol)];
		addr = ETH_HLEN + (out ? offsetof(struct iphdr, saddr) :
					 offsetof(struct iphdr, daddr));
		blast->ip_check = ETH_HLEN + offsetof(struct iphdr, check);
	} else {
		l4 = ETH_HLEN + sizeof(struct ipv6hdr);
		protocol = blast->frame[ETH_HLEN + offsetof(struct ipv6hdr, nexthdr)];
		addr = ETH_HLEN + (out ? offsetof(struct ipv6hdr, saddr) :
					 offsetof(struct ipv6hdr, daddr)) + 12;
		blast->ip_check = 0;
	}

	blast->addr = addr;
	blast->near = out ? l4 : l4 + 2;
	blast->far = out ? l4 + 2 : l4;
	blast->check = l4 + (protocol == IPPROTO_TCP ? offsetof(struct tcphdr, check) :
						       offsetof(struct udphdr, check));
	if (strcmp(direction, "routed"))
		blast->mac = (out ? ETH_ALEN : 0) + 2;
	else
		blast->mac = 0;
	return blast->check + 2 <= blast->len ? 0 : -EINVAL;
}

/* These add to what is there, and give the difference that makes to checksums. */
static __wsum add32(u8 *at, u32 n)
{
	__be32 old = get_unaligned((__be32 *)at);
	__be32 new = htonl(ntohl(old) + n);

	put_unaligned(new, (__be32 *)at);
	return csum_sub((__force __wsum)new, (__force __wsum)old);
}

static __wsum add16(u8 *at, u16 n)
{
	__be16 old = get_unaligned((__be16 *)at);
	__be16 new = htons(ntohs(old) + n);

	put_unaligned(new, (__be16 *)at);
	return csum_sub((__force __wsum)new, (__force __wsum)old);
}

static void update(u8 *at, __wsum diff)
{
	__sum16 *check = (__sum16 *)at;

	*check = csum_fold(csum_add(~csum_unfold(*check), diff));
}

static struct sk_buff *packet(const struct blast *blast, u32 flow)
{
	u32 device = flow % blast->devices;
	u32 n = flow / blast->devices;
	struct sk_buff *skb;
	__wsum diff;
	u8 *data;

	skb = netdev_alloc_skb(blast->dev, blast->len);
	if (!skb)
		return NULL;

	data = skb_put_data(skb, blast->frame, blast->len);
	if (blast->mac)
		add32(data + blast->mac, device);
	diff = add32(data + blast->addr, device);
	if (blast->ip_check)
		update(data + blast->ip_check, diff);
	diff = csum_add(diff, add16(data + blast->far, n % PORTS));
	diff = csum_add(diff, add16(data + blast->near, n / PORTS));
	update(data + blast->check, diff);

	skb->protocol = ((struct ethhdr *)data)->h_proto;
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	return skb;
}

static void run(const struct blast *blast)
{
	u32 flow = 0, sent;
	u64 began = now();

	failed = 0;
	for (sent = 0; sent < blast->count; sent++) {
		struct sk_buff *skb;

		if (sent % BURST == 0)
			local_bh_disable();
		skb = packet(blast, flow);
		if (!skb || dev_queue_xmit(skb))
			failed++;
		if (sent % BURST == BURST - 1 || sent == blast->count - 1) {
			local_bh_enable();
			if (blast->yield)
				cond_resched();
		}

		flow += blast->step;
		if (flow >= blast->flows)
			flow -= blast->flows;
	}
	took = now() - began;
}

static ssize_t blast_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	char name[IFNAMSIZ], direction[8], hex[2 * FRAME_MAX + 1];
	struct blast *blast;
	char *line;
	int err;

	line = memdup_user_nul(from, len);
	if (IS_ERR(line))
		return PTR_ERR(line);

	err = -ENOMEM;
	blast = kzalloc(sizeof(*blast), GFP_KERNEL);
	if (!blast)
		goto free_line;

	err = -EINVAL;
	if (sscanf(line, "%15s %7s %u %u %u %u %u %512s", name, direction, &blast->yield,
		   &blast->count, &blast->flows, &blast->step, &blast->devices, hex) != 8 ||
	    blast->step >= blast->flows || !blast->devices)
		goto free_blast;
	blast->len = strlen(hex) / 2;
	if (blast->len < ETH_HLEN || hex2bin(blast->frame, hex, blast->len))
		goto free_blast;
	err = dissect(blast, direction);
	if (err)
		goto free_blast;

	err = -ENODEV;
	blast->dev = dev_get_by_name(current->nsproxy->net_ns, name);
	if (!blast->dev)
		goto free_blast;

	mutex_lock(&lock);
	run(blast);
	mutex_unlock(&lock);
	dev_put(blast->dev);
	err = 0;

free_blast:
	kfree(blast);
free_line:
	kfree(line);
	return err ?: len;
}

static int blast_show(struct seq_file *seq, void *v)
{
	mutex_lock(&lock);
	seq_printf(seq, "%llu %u %llu\n", took, failed, now());
	mutex_unlock(&lock);
	return 0;
}

static int blast_open(struct inode *inode, struct file *file)
{
	return single_open(file, blast_show, NULL);
}

static const struct proc_ops ops = {
	.proc_open = blast_open,
	.proc_read = seq_read,
	.proc_write = blast_write,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

static int __init blast_init(void)
{
	return proc_create("blast", 0600, NULL, &ops) ? 0 : -ENOMEM;
}

static void __exit blast_exit(void)
{
	remove_proc_entry("blast", NULL);
}

module_init(blast_init);
module_exit(blast_exit);
MODULE_DESCRIPTION("packet generator of doppel's benchmark");
MODULE_LICENSE("GPL");
