# SPDX-License-Identifier: GPL-2.0-only
"""Steers the module as an agent would, by the kernel tree's YNL client ($YNL is where it is)."""

import errno
import ipaddress
import os
import sys
import time

import yaml

from netns import inside

sys.path.insert(0, os.environ['YNL'])
# The parser in C
yaml.safe_load = lambda stream: yaml.load(stream, Loader=yaml.CSafeLoader)
import lib.ynl  # noqa: E402
from lib import NlError, YnlFamily  # noqa: E402

SPEC = os.path.dirname(os.path.abspath(__file__)) + '/../../uapi/doppel.yaml'


def family(netns='gw'):
    # The client remembers the families' numbers of its first question; the module's changes when it is loaded.
    lib.ynl.genl_family_name_to_id = None
    with inside(netns):
        return YnlFamily(SPEC, '')


def addresses(text):
    return {'address': [{'ipv6': ipaddress.IPv6Address(address).packed, 'prefix-len': int(length)}
                        for address, length in (item.split('/') for item in text.split(',') if item)]}


def value_of(spec, text):
    if spec.name == 'wan-ipv6':
        return addresses(text)
    if spec.display_hint == 'mac':
        return bytes.fromhex(text.replace(':', ''))
    if spec.display_hint == 'ipv4':
        # The client packs the integer in the spec's byte order.
        return int(ipaddress.IPv4Address(text))
    if spec.display_hint == 'ipv6':
        return ipaddress.IPv6Address(text).packed
    return text


def attributes(ynl, space, words):
    attrs = {}
    for word in words:
        name, text = word.split('=', 1)
        into, specs = attrs, ynl.attr_sets[space]
        *nests, name = name.split('.')
        for nest in nests:
            into = into.setdefault(nest, {})
            specs = ynl.attr_sets[specs[nest]['nested-attributes']]
        into[name] = value_of(specs[name], text)
    return attrs


class Steer:
    """OPERATION [ATTRIBUTE=VALUE…]: timeouts.udp=5 is in a nest, wan-ipv6=ADDRESS/LENGTH,… a list"""

    def __init__(self, netns='gw'):
        self.netns = netns
        self.ynl = None

    def ask(self, operation, *words):
        try:
            self.ynl = self.ynl or family(self.netns)
            if operation == 'dump':
                return self.ynl.dump(words[0], {})
            space = self.ynl.ops[operation].attr_set.name
            return self.ynl.do(operation, attributes(self.ynl, space, words))
        except NlError as e:
            extack = e.nl_msg.extack or {}
            return {'error': errno.errorcode.get(-e.nl_msg.error, str(e.nl_msg.error)), 'extack': extack.get('msg')}

    def forget(self):
        """The module is another one, or its namespace is to go."""
        if self.ynl:
            self.ynl.sock.close()
        self.ynl = None


def events(seconds):
    """What is told in that time."""
    # The client binds its socket to subscribe, so it must not have asked anything before.
    ynl = family()
    ynl.ntf_subscribe('events')
    deadline = time.monotonic() + float(seconds)
    while time.monotonic() < deadline:
        ynl.check_ntf()
        time.sleep(0.05)
    return ynl.async_msg_queue
