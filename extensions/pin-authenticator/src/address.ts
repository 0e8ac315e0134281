import type { Context } from 'hono'
import ipaddr from 'ipaddr.js'

/** Where a request comes from, as `@hono/node-server` reports it. Runtimes without sockets report nothing. */
export interface Peer {
  incoming?: { socket: { remoteAddress?: string | undefined } }
}

const NETWORK_BITS = 64

/**
 * The network of an address: an IPv4 address itself, the /64 of an IPv6 address, which is one household. Empty if it is no
 * address: all unknown networks are one.
 */
export function networkOf(address: string): string {
  const bare = /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? /^([\d.]+):\d+$/.exec(address)?.[1] ?? address
  if (!ipaddr.isValid(bare)) return ''
  const parsed = ipaddr.process(bare)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed}/${NETWORK_BITS}`)}/${NETWORK_BITS}`
}

/** The last of the values of a forwarding header: the one that the nearest proxy wrote. */
export function lastHop(header: string | undefined): string {
  return header?.split(',').at(-1)?.trim() ?? ''
}

/**
 * Makes the function that finds the network of a browser.
 *
 * @param header In which a proxy reports the address. Absent: the address of the connection counts, and headers are ignored.
 */
export function networkReader(header: string | undefined): (c: Context<{ Bindings: Peer }>) => string {
  if (header !== undefined) return c => networkOf(lastHop(c.req.header(header)))
  return c => networkOf(c.env?.incoming?.socket.remoteAddress ?? '')
}
