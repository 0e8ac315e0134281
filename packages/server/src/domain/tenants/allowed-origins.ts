import { findApplicationOrigins } from '../../ground/store/applications.ts'
import type { Database } from '../../ground/store/database.ts'

/** Whether pages of an origin may call the APIs of a tenant. */
export type IsAllowedOrigin = (tenantId: string, origin: string) => Promise<boolean>

/**
 * Creates the check of origins. An origin is allowed if an enabled application of the tenant lists it or has a callback there.
 * As in WSO2's products, an origin of one application applies to the whole tenant.
 *
 *
 * @param everywhere Origins that every tenant allows.
 */
export function createAllowedOrigins(db: Database, everywhere: readonly string[]): IsAllowedOrigin {
  return async (tenantId, origin) =>
    everywhere.includes(origin) || (await findApplicationOrigins(db, tenantId)).has(origin)
}
