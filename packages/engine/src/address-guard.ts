import ipaddr from 'ipaddr.js'

/** Which addresses may be called. */
export interface AddressPolicy {
  /** Allows private, loopback and other special addresses. Default false: only public addresses are called. */
  allowPrivateAddresses?: boolean
  /** CIDR ranges that are allowed in addition to public addresses: `10.20.0.0/16`, `::1/128`. */
  allowedAddresses?: readonly string[]
}

/** IPv6 addresses outside of this block are special or not assigned. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Creates a function that returns whether an address may be called. An IPv4 address written as IPv6 is treated as IPv4.
 *
 * Throws if a range is invalid.
 *
 * @see RFC 6890. It prevents server-side request forgery through an endpoint that a tenant configures.
 */
export function createAddressGuard(policy: AddressPolicy): (address: string) => boolean {
  const ranges = (policy.allowedAddresses ?? []).map(range => {
    if (!ipaddr.isValidCIDR(range)) throw new TypeError(`allowedAddresses: ${range} is not a CIDR range`)
    return ipaddr.parseCIDR(range)
  })
  return text => {
    if (policy.allowPrivateAddresses) return true
    if (!ipaddr.isValid(text)) return false
    const address = ipaddr.process(text)
    if (ranges.some(([base, bits]) => base.kind() === address.kind() && address.match([base, bits]))) return true
    if (address.range() !== 'unicast') return false
    return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST)
  }
}
