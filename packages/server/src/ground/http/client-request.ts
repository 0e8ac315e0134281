import type { IncomingMessage } from 'node:http'
import type { NamedValues } from '@preflow/contract'
import ipaddr from 'ipaddr.js'

/** The parts of a client's request that an extension may see: its address and its headers. */
export interface ClientRequest {
  /** The client's address, as trusted proxies report it. */
  address: string
  /** Lower-case names, each once, in the order of the request. */
  headers: NamedValues[]
}

/** Whether a peer is a reverse proxy in front of the server. */
export type IsTrusted = (address: string) => boolean

/** The header in which WSO2's products send the client's address to an extension. */
const SOURCE_HEADER = 'x-client-source-ip'
/** Headers in which a proxy reports the client. From any other peer they are forged. */
const REPORTING_HEADERS = new Set([SOURCE_HEADER, 'x-forwarded-for', 'forwarded', 'x-real-ip'])

/**
 * Parses the configured networks once.
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
 /**
  * Finds the client's address and the headers that an extension may see. It changes `request.headers` in the same way, so that no
  * later code reads forged headers.
  *
  * A trusted proxy reports the client in one header. Every other reporting header is removed, because a proxy passes on headers
  * of the client that it does not know. Without a valid address the peer is the client.
  *
  * @param addressHeader The header of the proxies, in lower case. In the lists `x-forwarded-for` and `forwarded` (RFC 7239) the
  *   right-most address that is not a trusted proxy counts, because the client can write everything left of it. In other headers
  *   the last value counts.
  */
export function readClientRequest(
  request: IncomingMessage,
  isTrusted: IsTrusted,
  addressHeader = 'x-forwarded-for',
): ClientRequest {
  const peer = plainAddress(request.socket.remoteAddress ?? '')
  const isBelieved = isTrusted(peer)
  const given = request.headersDistinct
  const address = (isBelieved && reportedAddress(given[addressHeader] ?? [], addressHeader, isTrusted)) || peer
  const isRemoved = (name: string) =>
    name === SOURCE_HEADER || (REPORTING_HEADERS.has(name) && (!isBelieved || name !== addressHeader))
  const headers = Object.entries(given).flatMap(([name, value]) =>
    value === undefined || isRemoved(name) ? [] : [{ name, value }],
  )
  headers.push({ name: SOURCE_HEADER, value: [address] })
  for (const name of REPORTING_HEADERS) if (isRemoved(name)) delete request.headers[name]
  request.headers[SOURCE_HEADER] = address
  return { address, headers }
}

/** Parsers for lists of hops. Other headers have one address. */
const HOPS: Record<string, (values: readonly string[]) => string[]> = {
  'x-forwarded-for': values => values.flatMap(value => value.split(',')),
  forwarded: values =>
    values
      .flatMap(value => value.split(','))
      .flatMap(element => /(?:^|;)\s*for=("?)([^";]+)\1/i.exec(element.trim())?.[2] ?? []),
}

function reportedAddress(values: readonly string[], header: string, isTrusted: IsTrusted): string | undefined {
  const list = HOPS[header]
  const hops = (list ? list(values) : values.slice(-1)).map(hop => plainAddress(hop.trim())).filter(hop => hop !== '')
  const address = hops.findLast(hop => !isTrusted(hop)) ?? hops[0]
  return address !== undefined && ipaddr.isValid(address) ? address : undefined
}

/**
 * Normalizes an address: `::ffff:192.0.2.1` becomes `192.0.2.1`, and `192.0.2.1:4711` and `[2001:db8::1]:4711` lose their port.
 */
function plainAddress(text: string): string {
  const bare = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : bare
}
