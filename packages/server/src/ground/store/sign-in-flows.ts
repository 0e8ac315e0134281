import { createHash } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { Database } from './database.ts'
import type { SignInFlow } from './model.ts'
import type { Tables } from './tables.ts'

/**
 * Stores a new sign-in. Does nothing if its interaction already has one.
 *
 * As for the artifacts of oidc-provider, ids are stored as hashes and the rest is sealed. A reader of the database can neither
 * continue a sign-in nor see what browsers sent.
 */
export async function insertSignInFlow(db: Database, flow: SignInFlow): Promise<void> {
  await db.queries
    .insertInto('sign_in_flows')
    .values({
      id: hashOf(flow.id),
      tenant_id: flow.tenantId,
      organization_id: flow.organizationId,
      interaction_id: hashOf(flow.interactionId),
      version: flow.version,
      state: stateOf(db, flow),
      expires_at: flow.expiresAt,
    })
    .onConflict(conflict => conflict.doNothing())
    .execute()
}

/** Finds a flow by the id from an extension or a browser, in any tenant. Expired flows are not found. */
export function findSignInFlow(db: Database, id: string): Promise<SignInFlow | undefined> {
  return findBy(db, 'id', id)
}

/** Finds the flow of an interaction. Expired flows are not found. */
export function findSignInFlowOf(db: Database, interactionId: string): Promise<SignInFlow | undefined> {
  return findBy(db, 'interaction_id', interactionId)
}

/**
 * Replaces a flow by its next state.
 *
 * @returns `false` if the flow changed since it was read. Then nothing is stored.
 */
export async function changeSignInFlow(
  db: Database,
  flow: SignInFlow,
  change: Partial<Pick<SignInFlow, 'passed' | 'chosen' | 'isDecided' | 'sentAway' | 'refusal'>>,
): Promise<boolean> {
  const changed = { ...flow, ...change, version: flow.version + 1 }
  const { numUpdatedRows } = await db.queries
    .updateTable('sign_in_flows')
    .set({ version: changed.version, state: stateOf(db, changed) })
    .where('id', '=', hashOf(flow.id))
    .where('version', '=', flow.version)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

async function findBy(db: Database, column: 'id' | 'interaction_id', id: string): Promise<SignInFlow | undefined> {
  const row = await db.queries
    .selectFrom('sign_in_flows')
    .selectAll()
    .where(column, '=', hashOf(id))
    .where('expires_at', '>', db.now())
    .executeTakeFirst()
  return row && toFlow(db, row)
}

/** The members without their own column. Members that queries search or compare have one. */
type FlowState = Omit<SignInFlow, 'tenantId' | 'organizationId' | 'version' | 'expiresAt'>

function stateOf(db: Database, flow: SignInFlow): string {
  const { tenantId: _tenant, organizationId: _organization, version: _version, expiresAt: _expires, ...state } = flow
  return db.seal.seal(JSON.stringify(state satisfies FlowState), contextOf(hashOf(flow.id)))
}

function toFlow(db: Database, row: Selectable<Tables['sign_in_flows']>): SignInFlow {
  const state: FlowState = JSON.parse(db.seal.open(row.state, contextOf(row.id)))
  return {
    ...state,
    tenantId: row.tenant_id,
    organizationId: row.organization_id,
    version: row.version,
    expiresAt: row.expires_at,
  }
}

function contextOf(key: string): string {
  return `sign-in-flow/${key}`
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}
