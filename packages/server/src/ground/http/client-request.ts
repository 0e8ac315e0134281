import type { IncomingMessage } from 'node:http'
import type { NamedValues } from '@preflow/contract'
import ipaddr from 'ipaddr.js'

/** What an extension may be told of a client's request: who sent it, with which headers. */
export interface ClientRequest {
  /** The client's own address, as far as the proxies can be believed. */
  address: string
  /** Lower-case names, each once, in the order of the request. */
  headers: NamedValues[]
}

/** Says whether a peer is one of the reverse proxies in front of the server. */
export type IsTrusted = (address: string) => boolean

/** The header in which WSO2's products hand the client's address to an extension. */
const SOURCE_HEADER = 'x-client-source-ip'
/** Headers in which a proxy reports the client. From anybody else they are an attempt to lie. */
const REPORTING_HEADERS = new Set([SOURCE_HEADER, 'x-forwarded-for', 'forwarded', 'x-real-ip'])

/**
 * Reads the configured networks once.
 *
 * @param networks Addresses and CIDR ranges, already checked by the configuration.
 */
export function trustNetworks(networks: readonly string[]): IsTrusted {
  const ranges = networks.map(network => {
    if (network.includes('/')) return ipaddr.parseCIDR(network)
    const address = ipaddr.process(network)
    return [address, address.kind() === 'ipv4' ? 32 : 128] as [ipaddr.IPv4 | ipaddr.IPv6, number]
  })
  return text => {
    if (!ipaddr.isValid(text)) return false
    const address = ipaddr.process(text)
    return ranges.some(([network, bits]) => network.kind() === address.kind() && address.match([network, bits]))
  }
}

/**
 * Finds the client's address and the headers an extension may see, and mends `request.headers` in the same way, so that
 * nothing behind this function can be lied to.
 *
 * A trusted proxy may name the client in `x-client-source-ip`, of which the last counts, or in `x-forwarded-for`, of which
 * the right-most address that is not a trusted proxy counts: what stands before was written by the client. From everybody
 * else those headers are removed, and the socket's address is the client's.
 */
export function readClientRequest(request: IncomingMessage, isTrusted: IsTrusted): ClientRequest {
  const peer = plainAddress(request.socket.remoteAddress ?? '')
  const believed = isTrusted(peer)
  const given = request.headersDistinct
  const address = believed ? reportedAddress(given, peer, isTrusted) : peer
  const headers = Object.entries(given).flatMap(([name, value]) =>
    value === undefined || (REPORTING_HEADERS.has(name) && (!believed || name === SOURCE_HEADER))
      ? []
      : [{ name, value }],
  )
  headers.push({ name: SOURCE_HEADER, value: [address] })
  if (!believed) for (const name of REPORTING_HEADERS) delete request.headers[name]
  request.headers[SOURCE_HEADER] = address
  return { address, headers }
}

function reportedAddress(given: NodeJS.Dict<string[]>, peer: string, isTrusted: IsTrusted): string {
  const named = given[SOURCE_HEADER]?.at(-1)?.trim()
  if (named) return named
  const hops = (given['x-forwarded-for'] ?? []).flatMap(value => value.split(',')).map(hop => plainAddress(hop.trim()))
  return hops.findLast(hop => hop !== '' && !isTrusted(hop)) ?? hops[0] ?? peer
}

/** `::ffff:192.0.2.1` is `192.0.2.1`; `192.0.2.1:4711` and `[2001:db8::1]:4711` lose their port; the rest stays as it is. */
function plainAddress(text: string): string {
  const bare = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : bare
}
