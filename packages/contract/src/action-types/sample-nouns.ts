import type { Organization, Tenant, UserStore } from '../event.ts'

/** What the sample requests share. They differ from the people and places of the scenarios: tests of extensions know them. */

export const tenant: Tenant = { id: '41', name: 'acme' }
export const organization: Organization = { id: 'o-41', name: 'Acme', orgHandle: 'acme', depth: 0 }
export const userStore: UserStore = { id: 'UFJJTUFSWQ==', name: 'PRIMARY' }
export const requestId = 'rq-1'
