import type { Organization, Tenant } from '../store/model.ts'

/** Where the API is mounted: the server found these from the path and took its prefix off. */
export interface Mounted {
  tenant: Tenant
  organization: Organization
  /** What was taken off: empty at the root, `/t/demo`, `/t/demo/o/branch`. */
  prefix: string
  /** Of the client, by which wrong passwords are counted. */
  address?: string
}

/**
 * Where the client reached the server, for example `https://id.example.com`. The server pins the host and `x-forwarded-proto`
 * to its public URL before anything is mounted, so neither can be made up by a client.
 */
export function originOf(request: Request): string {
  const url = new URL(request.url)
  const scheme = request.headers.get('x-forwarded-proto')
  return scheme === 'https' || scheme === 'http' ? `${scheme}://${url.host}` : url.origin
}

/** ISO 8601, as the wire has it. */
export function instant(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
