import type { Organization, Tenant, UserStore } from '../event.ts'

/**
 * The shared parts of the sample requests. They differ from the people and places of the scenarios, because tests of
 * extensions rely on them.
 */

export const tenant: Tenant = { id: '41', name: 'acme' }
export const organization: Organization = { id: 'o-41', name: 'Acme', orgHandle: 'acme', depth: 0 }
export const userStore: UserStore = { id: 'UFJJTUFSWQ==', name: 'PRIMARY' }
export const requestId = 'rq-1'
