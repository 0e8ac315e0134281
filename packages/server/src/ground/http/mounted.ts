import type { Organization, Tenant } from '../store/model.ts'

/** Where the API is mounted: the server found these from the path and took its prefix off. */
export interface Mounted {
  tenant: Tenant
  organization: Organization
  /** What was taken off: empty at the root, `/t/demo`, `/t/demo/o/branch`. */
  prefix: string
  /** Where clients reach the server: every address that it writes begins so. `https://id.example.com` */
  origin: string
  /** Of the client, by which wrong passwords are counted. */
  address?: string
}

/** ISO 8601, as the wire has it. */
export function instant(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
