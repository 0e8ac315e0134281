import { OperatorError } from '../../ground/operator-error.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Tenant } from '../../ground/store/model.ts'
import { FIRST_TENANT, findTenantByDomain } from '../../ground/store/tenants.ts'
import { insertUser, listUsers } from '../../ground/store/users.ts'
import type { PasswordRules } from '../credentials/password-rules.ts'
import { createTenant } from '../tenants/create-tenant.ts'

const USER_NAME = 'admin'

/**
 * Creates the tenant `carbon.super` and its user `admin`, once.
 *
 * Rejects with an {@link OperatorError} if the configured password breaks a rule.
 *
 * @param adminPassword Default: a random one.
 * @returns The password, if it was generated.
 */
export async function createFirstAdministrator(
  db: Database,
  { adminPassword }: { adminPassword?: string },
  ports: { now(): number; newId(): string; randomBytes(count: number): Uint8Array; passwordRules: PasswordRules },
): Promise<string | undefined> {
  const { newId, now } = ports
  // Resolves with nothing if the tenant exists, from an earlier start or from another process.
  await createTenant(db, { domain: FIRST_TENANT.domain, name: 'Super' }, ports)
  const tenant = (await findTenantByDomain(db, FIRST_TENANT.domain)) as Tenant
  if ((await listUsers(db, tenant.id, { limit: 1 })).total > 0) return undefined

  if (adminPassword !== undefined) {
    const broken = await ports.passwordRules.findBroken(adminPassword, { userName: USER_NAME, isManager: true })
    if (broken !== undefined) throw new OperatorError(`PREFLOW_ADMIN_PASSWORD: ${broken}`)
  }
  const password = adminPassword ?? Buffer.from(ports.randomBytes(18)).toString('base64url')
  const isFirst = await insertUser(
    db,
    {
      id: newId(),
      tenantId: tenant.id,
      organizationId: tenant.rootOrganizationId,
      userName: USER_NAME,
      document: {},
      groups: [],
      roles: [],
      isActive: true,
      isAdministrator: true,
      createdAt: now(),
      updatedAt: now(),
    },
    password,
  )
  return isFirst && adminPassword === undefined ? password : undefined
}
