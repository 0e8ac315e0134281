/**
 * The index of users: one row for each searchable value. It is derived from the documents, and written in
 * the transaction that writes the user. See docs/decisions/0017-user-index.md.
 */
import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { UserDocument } from './model.ts'
import type { Tables } from './tables.ts'

/** An attribute that is indexed. */
export interface IndexedAttribute {
  /** The path in the document. */
  at: readonly string[]
  /** Whether case matters. */
  isExact?: true
  /** A list of complex values: the `value` of each element is indexed together with its `type`. */
  isTyped?: true
}

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const WSO2 = 'urn:scim:wso2:schema'
const below = (schema: string, ...names: string[]): Record<string, IndexedAttribute> =>
  Object.fromEntries(names.map(name => [`${schema}:${name}`, { at: [schema, name] }]))
const core = (...names: string[]): Record<string, IndexedAttribute> =>
  Object.fromEntries(names.map(name => [name, { at: name.split('.') }]))

/** The flags of locked and disabled accounts. */
export const STATES = [`${WSO2}:accountLocked`, `${WSO2}:accountDisabled`]

/**
 * Every indexed attribute by its name in filters. For other attributes documents are compared, and their number is limited.
 * After a change of this table the next start builds the index again.
 */
export const INDEXED: Readonly<Record<string, IndexedAttribute>> = {
  ...core('userName', 'displayName', 'nickName', 'title', 'userType'),
  ...core('name.formatted', 'name.givenName', 'name.familyName'),
  externalId: { at: ['externalId'], isExact: true },
  emails: { at: ['emails'], isTyped: true },
  phoneNumbers: { at: ['phoneNumbers'], isTyped: true },
  ...below(ENTERPRISE, 'employeeNumber', 'costCenter', 'organization', 'division', 'department'),
  [`${ENTERPRISE}:manager.value`]: { at: [ENTERPRISE, 'manager', 'value'], isExact: true },
  ...below(WSO2, 'emailAddresses', 'mobileNumbers', 'accountLocked', 'accountDisabled'),
}

/** Maximum length of a key in UTF-16 units. PostgreSQL cannot index a row above 2.7 kB. */
const MAX_KEY_LENGTH = 255

/** The name for values whose key was cut. Their documents must be compared. */
export const longOf = (name: string) => `${name}#long`

/** The comparable form of a value: composed characters and, unless case matters, lower case. */
export function valueKey(value: string, isExact = false): string {
  const composed = value.normalize('NFC')
  return isExact ? composed : composed.toLowerCase()
}

/** Whether a key is indexed without being cut. */
export function isShortKey(key: string): boolean {
  return key.length <= MAX_KEY_LENGTH
}

/** One value of a user. */
interface IndexEntry {
  name: string
  /** Empty: the element has no value. */
  key: string
  /** The type of an element of a list, in lower case. Empty: none. */
  type: string
  /** 0 for the primary element, or for the first one if none is primary. Users are sorted by it. */
  element: number
}

/** All index entries of a user. */
function entriesOf({ document, userName }: Pick<Indexable, 'document' | 'userName'>): IndexEntry[] {
  const holder = { ...document, userName }
  return Object.entries(INDEXED).flatMap(([name, { at, isExact, isTyped }]) =>
    primaryFirst([valueAt(holder, at)].flat().filter(isPresent)).map((value, element) => {
      const { type, value: inner } = isTyped ? (value as { type?: unknown; value?: unknown }) : { type: '', value }
      const key = valueKey(String(inner ?? ''), isExact)
      const isShort = isShortKey(key)
      return {
        name: isShort ? name : longOf(name),
        key: isShort ? key : cut(key),
        type: cut(valueKey(String(type ?? ''))),
        element,
      }
    }),
  )
}

/** Cuts a key, but never between the two halves of a character. */
function cut(key: string): string {
  return key.slice(0, MAX_KEY_LENGTH).toWellFormed()
}

function valueAt(holder: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined | null)?.[name], holder)
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

function primaryFirst(values: unknown[]): unknown[] {
  const index = values.findIndex(value => (value as { primary?: unknown }).primary === true)
  return index > 0 ? [values[index], ...values.slice(0, index), ...values.slice(index + 1)] : values
}

type IndexRow = Tables['user_values']

/** The numbers of the attributes of an organization, by name. Attributes without any value so far are absent. */
export async function findIndexNumbers(queries: Kysely<Tables>, organizationId: string): Promise<Map<string, number>> {
  const rows = await queries
    .selectFrom('user_attributes')
    .select(['name', 'number'])
    .where('organization_id', '=', organizationId)
    .execute()
  return new Map(rows.map(({ name, number }) => [name, number]))
}

/** The same, after adding the missing ones of `names`. */
async function ensureIndexNumbers(
  queries: Kysely<Tables>,
  organizationId: string,
  names: readonly string[],
): Promise<Map<string, number>> {
  const known = await findIndexNumbers(queries, organizationId)
  // Sorted, so that two transactions that add the same names cannot deadlock.
  const missing = [...new Set(names)].filter(name => !known.has(name)).sort()
  if (missing.length === 0) return known
  await queries
    .insertInto('user_attributes')
    .values(missing.map(name => ({ organization_id: organizationId, name })))
    .onConflict(conflict => conflict.doNothing())
    .execute()
  return findIndexNumbers(queries, organizationId)
}

/** The part of a user from which the index is derived. */
export interface Indexable {
  organizationId: string
  userName: string
  document: UserDocument
}

async function rowsOf(queries: Kysely<Tables>, organizationId: string, users: readonly [number, Indexable][]) {
  const entries = users.flatMap(([number, user]) => entriesOf(user).map(entry => ({ number, entry })))
  const numbers = await ensureIndexNumbers(
    queries,
    organizationId,
    entries.map(({ entry }) => entry.name),
  )
  return entries.map(
    ({ number, entry: { element, key, name, type } }): IndexRow => ({
      attribute: numbers.get(name) as number,
      ...{ key, user_number: number, element, type },
    }),
  )
}

/** Updates the index for a user. Call it in the transaction that writes the user. */
export async function indexUser(queries: Kysely<Tables>, user: Indexable, number: number): Promise<void> {
  const rows = await rowsOf(queries, user.organizationId, [[number, user]])
  const old = await queries.selectFrom('user_values').selectAll().where('user_number', '=', number).execute()
  // Write only the difference: rewriting every row of a user took ten times as long.
  for (const { attribute, element, key } of minus(old, rows)) {
    await queries
      .deleteFrom('user_values')
      .where('attribute', '=', attribute)
      .where('key', '=', key)
      .where('user_number', '=', number)
      .where('element', '=', element)
      .execute()
  }
  await insertRows(queries, minus(rows, old))
}

function minus(rows: readonly IndexRow[], others: readonly IndexRow[]): IndexRow[] {
  const identityOf = ({ attribute, element, key, type }: IndexRow) => JSON.stringify([attribute, key, element, type])
  const known = new Set(others.map(identityOf))
  return rows.filter(row => !known.has(identityOf(row)))
}

/** Rows per statement. Both databases allow far more parameters. */
const ROWS_PER_STATEMENT = 1000

async function insertRows(queries: Kysely<Tables>, rows: readonly IndexRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
    await queries
      .insertInto('user_values')
      .values(rows.slice(from, from + ROWS_PER_STATEMENT))
      .execute()
  }
}

const FACT = 'user-index'
const USERS_PER_BATCH = 500

/** Identifies the table of attributes that the index was built from. */
const VERSION = createHash('sha256')
  .update(JSON.stringify([INDEXED, MAX_KEY_LENGTH]))
  .digest('hex')
  .slice(0, 16)

/**
 * Builds the index of all users, unless it was built from the current table of attributes. Runs at the start, so data of
 * any version is searchable after an upgrade.
 */
export function buildUserIndex(queries: Kysely<Tables>): Promise<void> {
  return queries.transaction().execute(async tx => {
    const fact = await tx.selectFrom('store_facts').select('value').where('name', '=', FACT).executeTakeFirst()
    if (fact?.value === VERSION) return
    await tx.deleteFrom('user_values').execute()
    for (let after = 0; ; ) {
      const users = await tx
        .selectFrom('users')
        .select(['number', 'organization_id', 'user_name', 'document'])
        .where('number', '>', after)
        .orderBy('number')
        .limit(USERS_PER_BATCH)
        .execute()
      const last = users.at(-1)
      if (!last) break
      const byOrganization = Map.groupBy(users, ({ organization_id }) => organization_id)
      for (const [organizationId, members] of byOrganization) {
        const indexable = members.map(({ document, number, user_name }): [number, Indexable] => {
          return [number, { organizationId, userName: user_name, document: JSON.parse(document) }]
        })
        await insertRows(tx, await rowsOf(tx, organizationId, indexable))
      }
      after = last.number
    }
    await tx
      .insertInto('store_facts')
      .values({ name: FACT, value: VERSION })
      .onConflict(conflict => conflict.column('name').doUpdateSet({ value: VERSION }))
      .execute()
  })
}
