import type { Ports } from '../../ground/ports.ts'
import { insertAuditRecord } from '../../ground/store/audit.ts'
import { type DataSettings, openData } from '../../ground/store/data.ts'
import { countSealedWithOthers, type Resealed, reseal } from '../../ground/store/reseal.ts'
import { listKeyTimes } from '../../ground/store/signing-keys.ts'
import { FIRST_TENANT, listTenants } from '../../ground/store/tenants.ts'
import { type KeyState, retireSigningKey, rotateSigningKeys, stateOf } from './signing-keys.ts'

/** A key that signs tokens, without the key itself. */
export interface ListedKey {
  /** The domain of its tenant. */
  tenant: string
  kid: string
  alg: string
  state: KeyState
  /** ISO 8601. */
  createdAt: string
  /** ISO 8601. From then on it signs. */
  activeFrom: string
  /** ISO 8601. Until then it is published. Absent: no end is known. */
  expiresAt?: string
}

/** Manages the keys in the data of a configuration, also while servers use it. */
export interface KeyManagement {
  /** @param tenant Its domain. Default: all. */
  list(tenant?: string): Promise<ListedKey[]>
  /**
   * Makes a new key for each active one. It is published at once and signs after about 20 minutes. Active keys that have a
   * successor already are left out.
   *
   * @returns The new keys.
   */
  rotate(tenant?: string): Promise<{ tenant: string; kid: string; replaced: string; activeFrom: string }[]>
  /**
   * Withdraws a key at once, and ends every session and token of its tenant. For a key that somebody else may have.
   *
   * @returns Nothing if no key with this id is published. `successor`: the key that signs instead, if one had to be made.
   */
  retire(kid: string): Promise<{ tenant: string; successor?: string } | undefined>
  /** The id of the key that seals, and how many values each other key has sealed. */
  sealing(): Promise<{ current: string; others: Record<string, number> }>
  /** Seals everything with the current key. Afterwards the others are not needed any more. */
  reseal(progress?: (resealed: Resealed) => void): Promise<Resealed[]>
  close(): Promise<void>
}

/** The initiator in the audit log. */
const INITIATOR = 'command line'

/** Opens the data of the configuration. Rejects with a message that states what to do. */
export async function openKeyManagement(
  settings: DataSettings & { maxTokenLifetimeSeconds: number },
  ports: Ports,
): Promise<KeyManagement> {
  const { newId, now } = ports
  const db = await openData(settings, ports)

  const tenantsOf = async (domain: string | undefined) =>
    (await listTenants(db)).filter(tenant => domain === undefined || tenant.domain === domain)
  const audit = (tenantId: string, action: string, targetType: string, targetId: string, details: object = {}) =>
    insertAuditRecord(db, {
      ...{ id: newId(), tenantId, recordedAt: now(), initiator: INITIATOR, actorKind: 'operator' },
      ...{ action, targetType, targetId, details },
    })

  return {
    async list(domain) {
      const listed: ListedKey[] = []
      for (const tenant of await tenantsOf(domain)) {
        const keys = await listKeyTimes(db, tenant.id)
        for (const key of keys) {
          listed.push({
            ...{ tenant: tenant.domain, kid: key.kid, alg: key.alg, state: stateOf(key, keys, now()) },
            ...{ createdAt: instant(key.createdAt), activeFrom: instant(key.activeFrom || key.createdAt) },
            ...(key.expiresAt === undefined ? {} : { expiresAt: instant(key.expiresAt) }),
          })
        }
      }
      return listed
    },
    async rotate(domain) {
      const made: Awaited<ReturnType<KeyManagement['rotate']>> = []
      for (const tenant of await tenantsOf(domain)) {
        for (const { activeFrom, kid, replaced } of await rotateSigningKeys(db, tenant.id, settings)) {
          await audit(tenant.id, 'ROTATE', 'SIGNING_KEY', kid, { replaced })
          made.push({ tenant: tenant.domain, kid, replaced, activeFrom: instant(activeFrom) })
        }
      }
      return made
    },
    async retire(kid) {
      for (const tenant of await tenantsOf(undefined)) {
        const retired = await retireSigningKey(db, tenant.id, kid)
        if (!retired) continue
        await audit(tenant.id, 'RETIRE', 'SIGNING_KEY', kid, retired)
        return { tenant: tenant.domain, ...retired }
      }
      return undefined
    },
    sealing: async () => ({ current: db.seal.keyId, others: await countSealedWithOthers(db) }),
    async reseal(progress) {
      const done = await reseal(db, progress)
      const count = done.reduce((sum, one) => sum + one.count, 0)
      await audit(FIRST_TENANT.id, 'RESEAL', 'SEALING_KEY', db.seal.keyId, { count })
      return done
    },
    close: () => db.close(),
  }
}

function instant(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
