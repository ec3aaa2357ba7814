// Which addresses are nobody's on the internet: this machine, its networks, what no unicast goes to. Asked by
// http-target.ts of each address that it is about to connect to. The lists are IANA's special-purpose
// registries; IPv4 inside IPv6 is judged as IPv4 where a BlockList does so by itself (::ffff:0:0/96), and
// refused where the address inside cannot be seen to (NAT64, 6to4, Teredo).
import { BlockList, isIP } from 'node:net'

const IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], // this network; 0.0.0.0 connects to this machine
  ['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], // private, RFC 1918
  ['100.64.0.0', 10], // carrier-grade NAT, RFC 6598
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local; clouds keep their metadata there
  ['192.0.0.0', 24], ['192.0.2.0', 24], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24],
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
]

const IPV6: readonly (readonly [string, number])[] = [
  ['::', 96], // unspecified, loopback, IPv4-compatible
  ['64:ff9b::', 96], ['64:ff9b:1::', 48], // NAT64
  ['100::', 64], ['2001::', 23], ['2001:db8::', 32], // discard, Teredo and other protocols, documentation
  ['2002::', 16], // 6to4
  ['fc00::', 7], // private, RFC 4193
  ['fe80::', 10], ['fec0::', 10], // link-local, site-local
  ['ff00::', 8], // multicast
]

const blocked = new BlockList()
for (const [network, prefix] of IPV4) blocked.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of IPV6) blocked.addSubnet(network, prefix, 'ipv6')

/** Of an IP address; what is none counts as private. */
export function isPrivateAddress(address: string): boolean {
  const [plain = ''] = address.split('%', 1) // without its zone
  const version = isIP(plain)
  return version === 0 || blocked.check(plain, version === 4 ? 'ipv4' : 'ipv6')
}
