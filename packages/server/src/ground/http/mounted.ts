import type { Organization, Tenant } from '../store/model.ts'

/** The place where an API is mounted. The server finds it from the path and removes the prefix. */
export interface Mounted {
  tenant: Tenant
  organization: Organization
  /** The removed prefix: empty at the root, `/t/demo` or `/t/demo/o/branch`. */
  prefix: string
  /** The public URL of the server, with which every address it writes begins. For example `https://id.example.com`. */
  origin: string
  /** The client's address, by which wrong passwords are counted. */
  address?: string
}

/** Formats a time for the wire: ISO 8601. */
export function instant(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
