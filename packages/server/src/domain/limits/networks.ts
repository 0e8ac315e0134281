import ipaddr from 'ipaddr.js'

/** A network of a client, and the factor for the points of a bucket. */
export interface Network {
  name: string
  times: number
}

/**
 * The networks of an address. One customer of a provider has a whole /64 of IPv6, so counting single addresses would
 * limit no one. A larger customer has a /48.
 */
export function networksOf(address: string): Network[] {
  if (!ipaddr.isValid(address)) return [{ name: address, times: 1 }]
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return [{ name: parsed.toString(), times: 1 }]
  const { parts } = parsed as ipaddr.IPv6
  const prefix = (count: number) =>
    parts
      .slice(0, count)
      .map(part => part.toString(16))
      .join(':')
  return [
    { name: `${prefix(4)}::/64`, times: 1 },
    { name: `${prefix(3)}::/48`, times: 10 },
  ]
}

/** The smallest network of an address. */
export function networkOf(address: string): string {
  return networksOf(address)[0]?.name ?? address
}
