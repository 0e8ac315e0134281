/**
 * Completes the migration `0007-ends`. It describes the tables of its own version and never changes.
 *
 * The members of artifacts are sealed, and a migration has no key. So the next start fills in their columns.
 */
import type { Kysely } from 'kysely'
import { type Seal, SealError } from './sealed-secrets.ts'

interface Artifact {
  tenant_id: string
  model: string
  id: string
  payload: string
  grant_id: string | null
  account_id: string | null
  user_generation: string | null
  client_id: string | null
  client_generation: string | null
}

interface TablesThen {
  store_facts: { name: string; value: string }
  oidc_artifacts: Artifact
}

const UNSTAMPED = 'unstamped-artifacts'
const BATCH = 1000

/**
 * Fills in the user and the client of sessions, grants and tokens of older versions. Values that cannot be decrypted stay
 * unchanged. Does nothing if it was done before.
 */
export async function stampOlderArtifacts(queries: Kysely<unknown>, seal: Seal): Promise<void> {
  await (queries as Kysely<TablesThen>).transaction().execute(async tx => {
    const { numDeletedRows } = await tx.deleteFrom('store_facts').where('name', '=', UNSTAMPED).executeTakeFirst()
    if (numDeletedRows === 0n) return
    for (let after = ''; ; ) {
      const rows = await tx
        .selectFrom('oidc_artifacts')
        .selectAll()
        .where('id', '>', after)
        .where('grant_id', 'is', null)
        .orderBy('id')
        .limit(BATCH)
        .execute()
      for (const row of rows) await stamp(tx, row, seal)
      const last = rows.at(-1)
      if (!last) return
      after = last.id
    }
  })
}

async function stamp(tx: Kysely<TablesThen>, { tenant_id, model, id, payload }: Artifact, seal: Seal): Promise<void> {
  const { accountId = null, clientId = null } = open(payload, `oidc-artifact/${tenant_id}/${model}/${id}`, seal)
  if (accountId === null && clientId === null) return
  await tx
    .updateTable('oidc_artifacts')
    .set({
      account_id: accountId,
      user_generation: accountId === null ? null : '',
      client_id: clientId,
      client_generation: clientId === null ? null : '',
    })
    .where('tenant_id', '=', tenant_id)
    .where('model', '=', model)
    .where('id', '=', id)
    .execute()
}

function open(payload: string, context: string, seal: Seal): { accountId?: string; clientId?: string } {
  try {
    return JSON.parse(seal.open(payload, context))
  } catch (error) {
    if (error instanceof SealError) return {}
    throw error
  }
}
