import {
  type ActionType,
  type AllowedOperation,
  type EditablePlace,
  isAllowed,
  isAudience,
  isScope,
  type Operation,
  platforms,
} from '@preflow/contract'

/** The possible values of an added claim. Platforms reject objects, mixed lists and lists of numbers. */
export type ClaimValue = string | number | boolean | readonly string[]

export type ClaimEdit =
  | { edit: 'addClaim' | 'replaceClaim' | 'setClaim'; name: string; value: ClaimValue }
  | { edit: 'removeClaim'; name: string }
export type AudienceEdit =
  | { edit: 'addAudience' | 'removeAudience'; value: string }
  | { edit: 'replaceAudience'; value: string; by: string }
export type LifetimeEdit = { edit: 'setExpiresIn' | 'shortenTo'; seconds: number }
export type RefreshLifetimeEdit = { edit: 'setRefreshExpiresIn' | 'shortenRefreshTo'; seconds: number }
export type ScopeEdit =
  | { edit: 'addScope' | 'removeScope'; scope: string }
  | { edit: 'setScopes' | 'keepScopes'; scopes: readonly string[] }
export type ResponseParameterEdit =
  | { edit: 'addResponseParameter'; name: string; value: unknown }
  | { edit: 'removeResponseParameter'; name: string }

/** One change, as its author writes it. {@link resolveEdits} turns it into operations. */
export type Edit = ClaimEdit | AudienceEdit | LifetimeEdit | RefreshLifetimeEdit | ScopeEdit | ResponseParameterEdit

interface EditsByType {
  PRE_ISSUE_ACCESS_TOKEN: Edit
  PRE_ISSUE_ID_TOKEN: ClaimEdit | AudienceEdit | LifetimeEdit
}

/** The valid edits of an action type; none for a type without an entry. */
export type EditFor<T extends string> = T extends keyof EditsByType ? EditsByType[T] : never

/** Adds a claim that the token does not have yet. */
export const addClaim = (name: string, value: ClaimValue): ClaimEdit => ({ edit: 'addClaim', name, value })
/**
 * Sets another value of a claim. Platforms offer this for user attributes and claims added earlier, not for their own.
 */
export const replaceClaim = (name: string, value: ClaimValue): ClaimEdit => ({ edit: 'replaceClaim', name, value })
/**
 * Replaces the claim if the event offers that. Otherwise adds it if the token does not have it. Works on first issue
 * and on refresh.
 */
export const setClaim = (name: string, value: ClaimValue): ClaimEdit => ({ edit: 'setClaim', name, value })
/** Removes a claim. Does nothing if the token does not have it. */
export const removeClaim = (name: string): ClaimEdit => ({ edit: 'removeClaim', name })
/** Adds an audience: a host name or an absolute URI. Does nothing if it exists. */
export const addAudience = (value: string): AudienceEdit => ({ edit: 'addAudience', value })
/** Removes an audience. Does nothing if it does not exist. */
export const removeAudience = (value: string): AudienceEdit => ({ edit: 'removeAudience', value })
/** Replaces `value` with `by`. */
export const replaceAudience = (value: string, by: string): AudienceEdit => ({ edit: 'replaceAudience', value, by })
/** Sets the lifetime of the token in seconds, longer or shorter than before. Fractions are cut off. */
export const setExpiresIn = (seconds: number): LifetimeEdit => ({ edit: 'setExpiresIn', seconds })
/** Limits the lifetime of the token to this many seconds. Never lengthens it. */
export const shortenTo = (seconds: number): LifetimeEdit => ({ edit: 'shortenTo', seconds })
/** Sets the lifetime of the refresh token in seconds. */
export const setRefreshExpiresIn = (seconds: number): RefreshLifetimeEdit => ({ edit: 'setRefreshExpiresIn', seconds })
/** Limits the lifetime of the refresh token to this many seconds. */
export const shortenRefreshTo = (seconds: number): RefreshLifetimeEdit => ({ edit: 'shortenRefreshTo', seconds })
/** Grants a scope. Does nothing if it is granted. */
export const addScope = (scope: string): ScopeEdit => ({ edit: 'addScope', scope })
/** Removes a scope. Does nothing if it is not granted. */
export const removeScope = (scope: string): ScopeEdit => ({ edit: 'removeScope', scope })
/** Grants exactly these scopes. */
export const setScopes = (scopes: readonly string[]): ScopeEdit => ({ edit: 'setScopes', scopes })
/** Removes every other scope and adds none. */
export const keepScopes = (scopes: readonly string[]): ScopeEdit => ({ edit: 'keepScopes', scopes })
/** Adds a member to the token response. It is not kept for later refreshes. */
export const addResponseParameter = (name: string, value: unknown): ResponseParameterEdit => ({
  edit: 'addResponseParameter',
  name,
  value,
})
/** Removes `refresh_token` or `id_token` from the token response. */
export const removeResponseParameter = (name: string): ResponseParameterEdit => ({
  edit: 'removeResponseParameter',
  name,
})

/** The input of edits: the request as it was sent. */
export interface EditableRequest {
  actionType: ActionType
  event: object
  allowedOperations: readonly AllowedOperation[]
  places: readonly EditablePlace[]
}

/** The operations to send, and one sentence for every edit that could not become one. */
export interface ResolvedEdits {
  operations: Operation[]
  reports: string[]
}

/** The lists as earlier edits of the same answer left them, and the operations so far. */
interface Draft extends EditableRequest, ResolvedEdits {
  lifetimesAs: 'text' | 'number'
  lists: Map<string, { sent: readonly string[]; now: string[] }>
  /**
   * The only operation for a claim, a lifetime or a response parameter. Of several edits of the same thing the last one
   * wins.
   */
  settled: Map<string, Operation>
  lifetimes: Map<string, number>
}

/** An edit that cannot be sent. The message states what is wrong and what to do, never a value. */
class Impossible extends Error {}

/**
 * Turns edits into operations. It finds the path in the event, counts indices as the platform does, checks what the
 * platform would reject, and keeps only what `allowedOperations` offer.
 *
 * @param lifetimesAs The JSON type of lifetimes. Default: strings, as the published contract declares them; `number`
 *   sends numbers.
 * @returns Operations with `op` as their first key, because streaming parsers depend on it.
 */
export function resolveEdits(
  edits: readonly Edit[],
  request: EditableRequest,
  lifetimesAs: 'text' | 'number' = 'text',
): ResolvedEdits {
  if (edits.length === 0) return { operations: [], reports: [] }
  const draft: Draft = {
    ...request,
    lifetimesAs,
    operations: [],
    reports: [],
    lists: new Map(),
    settled: new Map(),
    lifetimes: new Map(),
  }
  for (const edit of edits) {
    try {
      apply(edit, draft)
    } catch (error) {
      if (!(error instanceof Impossible)) throw error
      draft.reports.push(`${edit.edit}: ${error.message}`)
    }
  }
  return { operations: draft.operations, reports: draft.reports }
}

function apply<E extends Edit>(edit: E, draft: Draft): void {
  const resolve = resolvers[edit.edit] as ((edit: E, draft: Draft) => void) | undefined
  if (!resolve) throw new Impossible('this edit does not exist. Use the functions of @preflow/extension.')
  resolve(edit, draft)
}

type EditNamed<K, E extends Edit = Edit> = E extends Edit ? (K extends E['edit'] ? E : never) : never

const resolvers: { [K in Edit['edit']]: (edit: EditNamed<K>, draft: Draft) => void } = {
  addClaim: ({ name, value }, draft) => add(name, value, draft),
  replaceClaim: ({ name, value }, draft) => {
    if (!replace(name, value, draft)) {
      throw new Impossible(`the event does not offer to replace the claim ${name}. Try setClaim.`)
    }
  },
  setClaim: ({ name, value }, draft) => {
    if (!replace(name, value, draft)) add(name, value, draft)
  },
  removeClaim: ({ name }, draft) => {
    requireOrdinaryClaim(name, draft)
    if (!has(read(draft.event, placeOf('claims', draft).path), name)) return settle(name, undefined, draft)
    const path = pathOfClaim('remove', name, draft)
    if (!path) throw new Impossible(`the event does not offer to remove the claim ${name}.`)
    settle(name, { op: 'remove', path }, draft)
  },
  addAudience: ({ value }, draft) => {
    requireAudience(value)
    const { path } = placeOf('audience', draft)
    append(value, path, draft)
  },
  removeAudience: ({ value }, draft) => {
    const { path, indices } = placeOf('audience', draft)
    removeFromList(value, path, indices, draft)
  },
  // Added, then removed: a platform rejects a replacement by an earlier value, even if it has been removed.
  replaceAudience: ({ value, by }, draft) => {
    requireAudience(by)
    if (value === by) return
    const { path, indices } = placeOf('audience', draft)
    if (!listAt(path, draft).now.includes(value))
      throw new Impossible('the token does not have the audience to replace.')
    requireOffered({ op: 'remove', path: `${path}-` }, draft)
    append(by, path, draft)
    removeFromList(value, path, indices, draft)
  },
  setExpiresIn: ({ seconds }, draft) => setLifetime(lifetimePath('token', draft), seconds, draft),
  shortenTo: ({ seconds }, draft) => shortenLifetime(lifetimePath('token', draft), seconds, draft),
  setRefreshExpiresIn: ({ seconds }, draft) => setLifetime(lifetimePath('refreshToken', draft), seconds, draft),
  shortenRefreshTo: ({ seconds }, draft) => shortenLifetime(lifetimePath('refreshToken', draft), seconds, draft),
  addScope: ({ scope }, draft) => addScopeTo(draft, scope),
  removeScope: ({ scope }, draft) => removeFromList(scope, placeOf('scopes', draft).path, 'snapshot', draft),
  setScopes: ({ scopes }, draft) => {
    keep(scopes, draft)
    for (const scope of scopes) addScopeTo(draft, scope)
  },
  keepScopes: ({ scopes }, draft) => keep(scopes, draft),
  addResponseParameter: ({ name, value }, draft) => {
    const { path, reserved } = placeOf('responseParameters', draft)
    if (name.trim() === '') throw new Impossible('a response parameter needs a name.')
    if (reserved.includes(name) || listAt(path.slice(0, -1), draft).sent.includes(name)) {
      throw new Impossible(`the response has its own ${name}. Choose another name.`)
    }
    if (value === undefined) throw new Impossible(`the response parameter ${name} needs a value.`)
    settle(`${path}${name}`, { op: 'add', path: `${path}-`, value: { name, value } }, draft)
  },
  removeResponseParameter: ({ name }, draft) => {
    const { path } = placeOf('responseParameters', draft)
    const isThere = listAt(path.slice(0, -1), draft).sent.includes(name)
    settle(`${path}${name}`, isThere ? { op: 'remove', path: `${path}${name}` } : undefined, draft)
  },
}

function add(name: string, value: ClaimValue, draft: Draft): void {
  const place = placeOf('claims', draft)
  if (name.toLowerCase() === 'scope') throw new Impossible('scopes are not a claim here. Use addScope or setScopes.')
  requireOrdinaryClaim(name, draft)
  if (has(read(draft.event, place.path), name)) {
    throw new Impossible(`the token has the claim ${name}, and the event does not offer to replace it.`)
  }
  if (place.standard.includes(name) || place.reserved.includes(name)) {
    throw new Impossible(`the platform writes the claim ${name} itself. Choose another name.`)
  }
  requireClaimValue(name, value)
  settle(name, { op: 'add', path: `${place.path}-`, value: { name, value } }, draft)
}

/** Adds a replacement of the claim if the event offers it. Returns whether it does. */
function replace(name: string, value: ClaimValue, draft: Draft): boolean {
  requireOrdinaryClaim(name, draft)
  const path = pathOfClaim('replace', name, draft)
  if (!path) return false
  requireClaimValue(name, value)
  settle(name, { op: 'replace', path, value }, draft)
  return true
}

/** Replaces an earlier operation about the same thing with this one, or with nothing. */
function settle(key: string, operation: Operation | undefined, draft: Draft): void {
  if (operation) requireOffered(operation, draft)
  const earlier = draft.settled.get(key)
  if (earlier) draft.operations.splice(draft.operations.indexOf(earlier), 1)
  draft.settled.delete(key)
  if (!operation) return
  draft.operations.push(operation)
  draft.settled.set(key, operation)
}

/**
 * `/accessToken/claims/tier` or, for a claim that is a list, `/accessToken/claims/groups/`: the one that is offered.
 */
function pathOfClaim(op: 'replace' | 'remove', name: string, draft: Draft): string | undefined {
  const { path: root } = placeOf('claims', draft)
  return [`${root}${name}`, `${root}${name}/`].find(path => isAllowed({ op, path }, draft.allowedOperations))
}

function addScopeTo(draft: Draft, scope: string): void {
  if (!isScope(scope)) {
    throw new Impossible('a scope is printable ASCII without space, quotation mark and backslash.')
  }
  append(scope, placeOf('scopes', draft).path, draft)
}

function keep(scopes: readonly string[], draft: Draft): void {
  const { path } = placeOf('scopes', draft)
  for (const scope of [...listAt(path, draft).now]) {
    if (!scopes.includes(scope)) removeFromList(scope, path, 'snapshot', draft)
  }
}

function append(value: string, path: string, draft: Draft): void {
  const list = listAt(path, draft)
  if (list.now.includes(value)) return
  send({ op: 'add', path: `${path}-`, value }, draft)
  list.now.push(value)
}

function removeFromList(value: string, path: string, indices: 'snapshot' | 'live', draft: Draft): void {
  const list = listAt(path, draft)
  if (!list.now.includes(value)) return
  const index = (indices === 'live' ? list.now : list.sent).indexOf(value)
  if (index < 0) throw new Impossible('this answer cannot remove what it has added.')
  send({ op: 'remove', path: `${path}${index}` }, draft)
  list.now = list.now.filter(item => item !== value)
}

function lifetimePath(whose: 'token' | 'refreshToken', draft: Draft): string {
  const place = draft.places.find(
    ({ kind, path }) => kind === 'lifetime' && path.startsWith('/refreshToken/') === (whose === 'refreshToken'),
  )
  if (!place) throw new Impossible(`${draft.actionType} has no such lifetime.`)
  return place.path
}

const MAX_LIFETIME_SECONDS = Math.min(
  ...Object.values(platforms).map(({ edits }) => edits.maxLifetimeSeconds ?? Number.MAX_SAFE_INTEGER),
)

function setLifetime(path: string, seconds: number, draft: Draft): void {
  const whole = Math.floor(seconds)
  if (!Number.isSafeInteger(whole * 1000) || whole < 1) {
    throw new Impossible('a lifetime is a number of seconds of at least 1.')
  }
  if (whole > MAX_LIFETIME_SECONDS) {
    throw new Impossible(`some platforms accept no lifetime above ${MAX_LIFETIME_SECONDS} seconds.`)
  }
  const value = draft.lifetimesAs === 'text' ? String(whole) : whole
  settle(path, whole === currentLifetime(path, draft) ? undefined : { op: 'replace', path, value }, draft)
  draft.lifetimes.set(path, whole)
}

function shortenLifetime(path: string, seconds: number, draft: Draft): void {
  const current = draft.lifetimes.get(path) ?? currentLifetime(path, draft)
  if (current !== undefined && current <= seconds) return
  setLifetime(path, seconds, draft)
}

/** The lifetime as it was sent. -1 means that the platform does not know one. */
function currentLifetime(path: string, { event }: Draft): number | undefined {
  const seconds = Number(read(event, path))
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
}

function send(operation: Operation, draft: Draft): void {
  requireOffered(operation, draft)
  draft.operations.push(operation)
}

function requireOffered(operation: Operation, { allowedOperations }: Draft): void {
  if (!isAllowed(operation, allowedOperations)) {
    throw new Impossible(`${operation.op} ${operation.path} is not among the allowedOperations of this event.`)
  }
}

function placeOf<K extends EditablePlace['kind']>(kind: K, draft: Draft): Extract<EditablePlace, { kind: K }> {
  const place = draft.places.find(candidate => candidate.kind === kind)
  if (!place) throw new Impossible(`${draft.actionType} has no ${kind}.`)
  return place as Extract<EditablePlace, { kind: K }>
}

function listAt(path: string, draft: Draft): { sent: readonly string[]; now: string[] } {
  const known = draft.lists.get(path)
  if (known) return known
  const value = read(draft.event, path)
  const sent = (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String)
  const list = { sent, now: [...sent] }
  draft.lists.set(path, list)
  return list
}

/** The value at a path of the event. A list of claims is searched by name. */
export function read(event: object, path: string): unknown {
  let at: unknown = event
  for (const segment of path.split('/')) {
    if (segment === '') continue
    if (Array.isArray(at)) {
      at = at.find(entry => (entry as { name?: unknown } | null)?.name === segment)?.value
    } else if (typeof at === 'object' && at !== null && Object.hasOwn(at, segment)) {
      at = (at as Record<string, unknown>)[segment]
    } else return undefined
  }
  return at
}

function has(claims: unknown, name: string): boolean {
  return Array.isArray(claims) && claims.some(claim => claim?.name === name)
}

/** Lifetimes and audiences look like claims in the event, but have their own rules. */
function requireOrdinaryClaim(name: string, draft: Draft): void {
  const { path: root } = placeOf('claims', draft)
  const other = draft.places.find(({ kind, path }) => kind !== 'claims' && path.replace(/\/$/, '') === `${root}${name}`)
  if (other) throw new Impossible(`${name} is no ordinary claim. Use the functions for its ${other.kind}.`)
}

function requireClaimValue(name: string, value: unknown): void {
  const isPlain = typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
  if (!isPlain && !(Array.isArray(value) && value.every(item => typeof item === 'string'))) {
    throw new Impossible(`the claim ${name} must be a string, a number, true or false, or a list of strings.`)
  }
}

function requireAudience(value: string): void {
  if (!isAudience(value)) throw new Impossible('an audience is a host name or an absolute URI.')
}
