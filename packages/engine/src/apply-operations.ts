import {
  type ActionTypeDescriptor,
  type AllowedOperation,
  type EditablePlace,
  isAllowed,
  isAudience,
  isClaimName,
  isPlatformClaim,
  isPlatformScope,
  isScope,
  lastSegment,
  type Operation,
  type Platform,
  type TokenClaim,
} from '@preflow/contract'
import type { Bounds, Changes, OperationVerdict } from './call.ts'
import { failure, type Result } from './call-error.ts'
import { valueAt, withValueAt } from './event-path.ts'

/** The result of the operations on an event. */
export interface Applied {
  event: object
  changes: Changes
  verdicts: OperationVerdict[]
}

/**
 * Applies the operations of an answer in their order, each on its own. An operation that fails changes nothing and does
 * not stop the others. Operations that were not offered are reported and not applied.
 *
 * The *kind* of the place that covers a path determines what an operation does. The switches in `platform.edits` decide
 * whether a bug of the reference is reproduced.
 *
 * @param event As it was sent. It is not changed.
 * @returns The event after the operations with a verdict for each. An error of code `not_supported` only on platforms
 *   whose flow fails at an operation.
 */
export function applyOperations(
  operations: readonly Operation[],
  allowed: readonly AllowedOperation[],
  event: object,
  { places }: Pick<ActionTypeDescriptor, 'places'>,
  { edits, title }: Pick<Platform, 'edits' | 'title'>,
  bounds: AppliedBounds = {},
): Result<Applied> {
  const changes: Changes = { addedParameters: [], removedParameters: [] }
  const draft: Draft = { sent: event, now: event, changes, edits, title, bounds }
  const verdicts: OperationVerdict[] = []
  let addedBytes = 0
  for (const operation of operations) {
    const { op, path } = operation
    const bytes = bytesOf(operation.value)
    const named = path === undefined ? { op } : { op, path }
    if (op !== 'redirect' && path === undefined && allowed.some(entry => entry.op === op)) {
      if (edits.impossible === 'reference') return broken(title, operation, 'it has no path')
      verdicts.push({ ...named, verdict: 'not_allowed', reason: 'The path is missing.' })
    } else if (!isAllowed(operation, allowed)) {
      verdicts.push({
        ...named,
        verdict: 'not_allowed',
        reason: `Not among the allowed operations for ${op || 'no op'}.`,
      })
    } else if (op === 'redirect' || path === undefined) {
      verdicts.push({ ...named, verdict: 'rejected', reason: 'A redirect only counts in an INCOMPLETE answer.' })
    } else {
      const excess = excessOf(operation.value, bytes, addedBytes)
      const verdict = excess ?? edit({ op, path, value: operation.value }, places, draft)
      if (verdict.isApplied) addedBytes += bytes
      if (verdict.impossible !== undefined && edits.impossible === 'reference') {
        return broken(title, operation, verdict.impossible)
      }
      verdicts.push({ ...named, verdict: verdict.isApplied ? 'applied' : 'rejected', reason: verdict.reason })
    }
  }
  return { ok: true, value: { event: draft.now, changes: draft.changes, verdicts } }
}

/** Longest value of one operation, as JSON in UTF-8. */
const MAX_VALUE_BYTES = 8192
/**
 * Everything that one answer adds. A JWT is a third longer than its claims, and servers accept 16 KiB of headers: with more than
 * this nobody could use the token.
 */
const MAX_ADDED_BYTES = 12_288
/** Most scopes, audiences or elements of one value. */
const MAX_ELEMENTS = 100

function bytesOf(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value))
}

/** The verdict on a value that is too large to be worked on. */
function excessOf(value: unknown, bytes: number, addedBytes: number): Verdict | undefined {
  if (bytes > MAX_VALUE_BYTES) return rejected(`The value is longer than ${MAX_VALUE_BYTES} bytes.`)
  if (addedBytes + bytes > MAX_ADDED_BYTES) return rejected(`The answer adds more than ${MAX_ADDED_BYTES} bytes.`)
  const list = isRecord(value) ? value['value'] : value
  return Array.isArray(list) && list.length > MAX_ELEMENTS ? FULL : undefined
}

/** {@link Bounds}, with the audiences that may not be added. */
export type AppliedBounds = Omit<Bounds, 'findForeignAudiences'> & { foreignAudiences?: ReadonlySet<string> }

interface Draft {
  /** The event as it was sent. */
  readonly sent: object
  /** The event after the operations so far. */
  now: object
  readonly changes: Changes
  readonly edits: Platform['edits']
  /** The platform's display name. */
  readonly title: string
  readonly bounds: AppliedBounds
}

interface Edit {
  op: 'add' | 'remove' | 'replace'
  path: string
  value: unknown
}

interface Verdict {
  isApplied: boolean
  reason: string
  /** Why the reference fails here. */
  impossible?: string
}

type Editor<Kind extends EditablePlace['kind']> = {
  [Op in Edit['op']]?: (edit: Edit, place: Extract<EditablePlace, { kind: Kind }>, draft: Draft) => Verdict
}

const applied = (reason: string): Verdict => ({ isApplied: true, reason })
const rejected = (reason: string): Verdict => ({ isApplied: false, reason })
const impossible = (reason: string, why: string): Verdict => ({ isApplied: false, reason, impossible: why })
const FULL: Verdict = rejected(`There may be at most ${MAX_ELEMENTS} of them.`)
const valueMissing = (): Verdict => impossible('Value is missing.', 'it has no value')

const isProtected = ({ bounds, edits }: Draft): boolean =>
  bounds.protectsPlatform === true || edits.reservedClaims === 'verdict'

/** What only the platform may add. If the reference would let an extension add it, the verdict states this. */
const belongsToPlatform = (what: string, { edits, title }: Draft): Verdict =>
  rejected(
    `The ${what} belongs to the platform and cannot be added.${edits.reservedClaims === 'reference' ? ` ${title} would add it.` : ''}`,
  )

const UNKNOWN_PATH = 'Unknown path.'
const INVALID_INDEX = 'Invalid index.'

const editors: { [Kind in EditablePlace['kind']]: Editor<Kind> } = {
  scopes: { add: addScope, remove: removeScope, replace: replaceScope },
  audience: { add: addAudience, remove: removeAudience, replace: replaceAudience },
  claims: { add: addClaim, remove: removeClaim, replace: replaceClaim },
  lifetime: { replace: replaceLifetime },
  responseParameters: { add: addParameter, remove: removeParameter },
}

function edit(operation: Edit, places: readonly EditablePlace[], draft: Draft): Verdict {
  const place = places.find(candidate => covers(candidate, operation.path, draft.edits))
  const editor = place && (editors[place.kind] as Editor<EditablePlace['kind']>)[operation.op]
  return place && editor
    ? editor(operation, place as never, draft)
    : rejected(`Unsupported path for ${operation.op.toUpperCase()} operation: ${operation.path}`)
}

function covers(place: EditablePlace, path: string, edits: Platform['edits']): boolean {
  if (place.kind === 'lifetime') return path === place.path
  if (place.kind === 'audience' && place.takesLikeNamed && edits.audienceLikeClaims === 'reference') {
    return path.startsWith(place.path.slice(0, -1))
  }
  return path.startsWith(place.path)
}

function broken(
  title: string,
  { op, path }: Operation,
  why: string,
): { ok: false; error: { code: 'not_supported'; message: string } } {
  const { error } = failure(
    'not_supported',
    `${title} breaks at the operation ${op} ${path ?? ''}: ${why}. Correct or remove it.`,
  )
  return { ok: false, error: { ...error, code: 'not_supported' } }
}

// --- indices and values

/**
 * `-` is the last element, or 0 in an empty list. Otherwise the index is what Java parses as an integer, within the
 * list.
 */
function indexIn(path: string, size: number): number | undefined {
  const text = lastSegment(path)
  if (text === '-') return Math.max(0, size - 1)
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const index = Number(text)
  return index >= 0 && index < size ? index : undefined
}

/** A value as a string, for platforms that use the string of any JSON value. */
function textOf(value: unknown, { textValues }: Platform['edits']): string | undefined {
  if (typeof value === 'string') return value
  return textValues === 'reference' ? javaText(value) : undefined
}

/** The result of Java's `toString` for a JSON value. */
function javaText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(javaText).join(', ')}]`
  if (!isRecord(value)) return String(value)
  const members = Object.entries(value).map(([name, member]) => `${name}=${javaText(member)}`)
  return `{${members.join(', ')}}`
}

function isMissing(value: unknown): value is null | undefined {
  return value === undefined || value === null
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function without<Item>(list: readonly Item[], item: Item): Item[] {
  const at = list.indexOf(item)
  return at < 0 ? [...list] : list.toSpliced(at, 1)
}

// --- scopes

function scopesIn(event: object, path: string): string[] {
  const scopes = valueAt(event, path)
  return Array.isArray(scopes) ? scopes : []
}

function putScopes(draft: Draft, path: string, scopes: string[]): void {
  draft.now = withValueAt(draft.now, path, scopes)
}

function addScope({ path, value }: Edit, place: { path: string }, draft: Draft): Verdict {
  const now = scopesIn(draft.now, place.path)
  if (indexIn(path, now.length) === undefined) return rejected(INVALID_INDEX)
  if (isMissing(value)) return valueMissing()
  const scope = textOf(value, draft.edits)
  if (scope === undefined) return rejected('Scope must be a string.')
  if (now.includes(scope) || !isScope(scope)) return rejected('Scope exists or is invalid.')
  if (isProtected(draft) && isPlatformScope(scope)) return belongsToPlatform(`scope '${scope}'`, draft)
  if (now.length >= MAX_ELEMENTS) return FULL
  putScopes(draft, place.path, [...now, scope])
  return applied('Scope added.')
}

function removeScope({ path }: Edit, place: { path: string }, draft: Draft): Verdict {
  const sent = scopesIn(draft.sent, place.path)
  if (sent.length === 0) return rejected('No scopes to remove.')
  const index = indexIn(path, sent.length)
  if (index === undefined) return rejected(INVALID_INDEX)
  const now = scopesIn(draft.now, place.path)
  const scope = sent[index] as string
  if (!now.includes(scope)) return rejected('Failed to remove scope.')
  putScopes(draft, place.path, without(now, scope))
  return applied('Scope removed.')
}

function replaceScope({ path, value }: Edit, place: { path: string }, draft: Draft): Verdict {
  const sent = scopesIn(draft.sent, place.path)
  if (sent.length === 0) return rejected('No scopes.')
  const index = indexIn(path, sent.length)
  if (index === undefined) return rejected(INVALID_INDEX)
  if (isMissing(value)) return valueMissing()
  const scope = textOf(value, draft.edits)
  if (scope === undefined) return rejected('Scope must be a string.')
  if (!isScope(scope)) return rejected('Invalid scope.')
  if (sent.includes(scope)) return rejected('Scope already exists.')
  if (isProtected(draft) && isPlatformScope(scope)) return belongsToPlatform(`scope '${scope}'`, draft)
  putScopes(draft, place.path, [...without(scopesIn(draft.now, place.path), sent[index] as string), scope])
  return applied('Scope replaced.')
}

// --- claims as a list

function claimsIn(event: object, path: string): TokenClaim[] {
  const claims = valueAt(event, path)
  return Array.isArray(claims) ? claims : []
}

function claimIn(event: object, path: string, name: string): TokenClaim | undefined {
  return claimsIn(event, path).find(claim => claim.name === name)
}

function putClaim(draft: Draft, path: string, claim: TokenClaim): void {
  const claims = claimsIn(draft.now, path)
  const at = claims.findIndex(({ name }) => name === claim.name)
  draft.now = withValueAt(draft.now, path, at < 0 ? [...claims, claim] : claims.with(at, claim))
}

function dropClaim(draft: Draft, path: string, name: string): void {
  draft.now = withValueAt(
    draft.now,
    path,
    claimsIn(draft.now, path).filter(claim => claim.name !== name),
  )
}

// --- audience

type AudiencePlace = Extract<EditablePlace, { kind: 'audience' }>

/**
 * `/accessToken/claims/aud/` is the claim `aud` of the list `/accessToken/claims/`. Undefined: there is no such list.
 */
function audienceIn(event: object, { path }: AudiencePlace): string[] | undefined {
  const claim = claimIn(event, listOf(path), nameOf(path))
  if (!claim) return undefined
  // An empty list has no value on the wire.
  if (isMissing(claim.value)) return []
  return Array.isArray(claim.value) ? claim.value : undefined
}

function listOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/', path.length - 2) + 1)
}

function nameOf(path: string): string {
  return lastSegment(path.endsWith('/') ? path.slice(0, -1) : path)
}

function putAudience(draft: Draft, { path }: AudiencePlace, value: string[]): void {
  putClaim(draft, listOf(path), { name: nameOf(path), value })
}

const KEPT_AUDIENCE = 'The client the token is for stays among its audiences.'
const OTHERS_AUDIENCE = 'The audience is another client, which the token was not issued for.'

/** Whether an audience must stay. */
function isKept(audience: string, { bounds }: Draft): boolean {
  return bounds.keptAudience === audience
}

/** The list to which indices of this place refer. */
function indexed(draft: Draft, { indices }: { indices: 'snapshot' | 'live' }): object {
  return indices === 'live' ? draft.now : draft.sent
}

function addAudience({ path, value }: Edit, place: AudiencePlace, draft: Draft): Verdict {
  const base = audienceIn(indexed(draft, place), place)
  if (!base) return rejected('Audience claim not found.')
  if (indexIn(path, base.length) === undefined) return rejected(INVALID_INDEX)
  if (isMissing(value)) return valueMissing()
  const audience = textOf(value, draft.edits)
  if (audience === undefined || !isAudience(audience)) return rejected('Audience is invalid.')
  const now = audienceIn(draft.now, place) ?? []
  if (now.includes(audience)) return rejected('Audience already exists.')
  if (draft.bounds.foreignAudiences?.has(audience)) return rejected(OTHERS_AUDIENCE)
  if (now.length >= MAX_ELEMENTS) return FULL
  putAudience(draft, place, [...now, audience])
  return applied('Audience added.')
}

function removeAudience({ path }: Edit, place: AudiencePlace, draft: Draft): Verdict {
  const base = audienceIn(indexed(draft, place), place) ?? []
  const index = indexIn(path, base.length)
  if (index === undefined) return rejected(INVALID_INDEX)
  if (base.length === 0) return impossible(INVALID_INDEX, 'the audience is empty')
  const audience = base[index] as string
  const now = audienceIn(draft.now, place) ?? []
  if (!now.includes(audience)) return applied('Audience not found.')
  if (isKept(audience, draft)) return rejected(KEPT_AUDIENCE)
  putAudience(draft, place, without(now, audience))
  return applied('Audience removed.')
}

function replaceAudience({ path, value }: Edit, place: AudiencePlace, draft: Draft): Verdict {
  const base = audienceIn(indexed(draft, place), place)
  if (!base) return rejected('Audience claim not found.')
  const index = indexIn(path, base.length)
  if (index === undefined) return rejected(INVALID_INDEX)
  if (isMissing(value)) return valueMissing()
  const audience = textOf(value, draft.edits)
  if (audience === undefined || !isAudience(audience)) {
    return rejected('Invalid Audience. Must be a valid string or URI.')
  }
  if (base.includes(audience)) return rejected('Audience to replace already exists.')
  if (base.length === 0) return impossible(INVALID_INDEX, 'the audience is empty')
  if (isKept(base[index] as string, draft)) return rejected(KEPT_AUDIENCE)
  if (draft.bounds.foreignAudiences?.has(audience)) return rejected(OTHERS_AUDIENCE)
  putAudience(draft, place, [...without(audienceIn(draft.now, place) ?? [], base[index] as string), audience])
  return applied('Audience replaced.')
}

// --- claims

type ClaimsPlace = Extract<EditablePlace, { kind: 'claims' }>

/** String, number, boolean, or a list of strings. */
function isClaimValue(value: unknown): boolean {
  return isPrimitive(value) || (Array.isArray(value) && value.every(item => typeof item === 'string'))
}

function isPrimitive(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** `{name, value}` and nothing else; undefined if it is something else. Members may be absent. */
function namedValue(value: unknown, edits: Platform['edits']): { name?: string; value?: unknown } | undefined {
  if (!isRecord(value) || Object.keys(value).some(member => member !== 'name' && member !== 'value')) return undefined
  if (isMissing(value['name'])) return { value: value['value'] }
  const name = textOf(value['name'], edits)
  return name === undefined ? undefined : { name, value: value['value'] }
}

function addClaim({ path, value }: Edit, place: ClaimsPlace, draft: Draft): Verdict {
  const { reasons } = place
  if (indexIn(path, claimsIn(draft.sent, place.path).length) === undefined) return rejected(INVALID_INDEX)
  if (isMissing(value)) return valueMissing()
  const claim = namedValue(value, draft.edits)
  if (!claim) return rejected(reasons.malformed)
  if (reasons.incomplete && (isMissing(claim.name) || isMissing(claim.value))) return rejected(reasons.incomplete)
  // The reference accepts a claim without a name, which no token can have.
  if (isMissing(claim.name)) return rejected(reasons.malformed)
  const { name } = claim
  if (!isClaimName(name)) return rejected(`No token can hold a claim called '${name}'.`)
  if (place.scopePath !== undefined && name.toLowerCase() === 'scope') {
    return rejected(`The operation path is invalid for the scope. Please use the path ${place.scopePath}`)
  }
  const isReserved = place.reserved.includes(name)
  const reserved = () => rejected(reasons.reserved.replace('{name}', name))
  if (isReserved && place.reservedByReference) return reserved()
  if (claimIn(draft.sent, place.path, name)) return rejected(reasons.exists.replace('{name}', name))
  const isFixed = draft.edits.reservedClaims === 'verdict'
  const isStandard = place.standard.includes(name)
  if (isFixed && (isReserved || isStandard)) return reserved()
  if (!isStandard && isProtected(draft) && (isReserved || isPlatformClaim(name))) {
    return belongsToPlatform(`claim '${name}'`, draft)
  }
  if (!isClaimValue(claim.value)) return rejected('Invalid claim value.')
  // The platform writes its standard claims itself: the reference reports success and ignores it.
  if (!isStandard) putClaim(draft, place.path, { name, value: claim.value })
  return applied('Claim added.')
}

/** The claim that a path addresses, and the element. Names may contain slashes. */
function claimPathOf(path: string, place: ClaimsPlace, draft: Draft): { name: string; element?: string } {
  const rest = path.slice(place.path.length)
  const isSent = (name: string) => claimIn(draft.sent, place.path, name) !== undefined
  if (isSent(rest)) return { name: rest }
  const slash = rest.lastIndexOf('/')
  if (slash < 0) return { name: rest }
  const name = rest.slice(0, slash)
  const element = rest.slice(slash + 1)
  if (element === '') return { name }
  // Elements have no `-`: the reference treats it as the name of the claim.
  if (element === '-') return { name: element }
  if (element === '-1' && draft.edits.impossible === 'reference') return { name }
  return { name, element }
}

function removeClaim({ path }: Edit, place: ClaimsPlace, draft: Draft): Verdict {
  const { name, element } = claimPathOf(path, place, draft)
  const sent = claimIn(draft.sent, place.path, name)
  if (!sent) return rejected('Claim not found.')
  const now = claimIn(draft.now, place.path, name)
  if (element === undefined) {
    if (!now || place.standard.includes(name)) return rejected('Failed to remove claim.')
    dropClaim(draft, place.path, name)
    return applied('Claim removed.')
  }
  if (!Array.isArray(sent.value)) return rejected('Claim to remove the value from is not an array.')
  if (!now || !Array.isArray(now.value)) return impossible('Failed to remove claim value.', 'the claim was removed')
  const base: unknown[] = place.indices === 'live' ? now.value : sent.value
  const index = indexIn(path, base.length)
  if (index === undefined) return rejected(INVALID_INDEX)
  if (!now.value.includes(base[index])) return rejected('Failed to remove claim value.')
  putClaim(draft, place.path, { name, value: without<unknown>(now.value, base[index]) })
  return applied('Claim value removed.')
}

function replaceClaim({ path, value }: Edit, place: ClaimsPlace, draft: Draft): Verdict {
  const { name, element } = claimPathOf(path, place, draft)
  const sent = claimIn(draft.sent, place.path, name)
  if (!sent) return rejected('Claim not found.')
  const now = claimIn(draft.now, place.path, name)
  if (element === undefined) {
    if (!now || place.standard.includes(name)) return rejected('Failed to replace claim.')
    if (draft.edits.replacedTypes === 'verdict') {
      if (isMissing(value)) return rejected('Value is missing.')
      if (!isClaimValue(value)) return rejected('Invalid claim value.')
    }
    dropClaim(draft, place.path, name)
    if (!isMissing(value)) putClaim(draft, place.path, { name, value })
    return applied('Claim replaced.')
  }
  if (!Array.isArray(sent.value)) return rejected('Claim to replace the value is not an array.')
  if (!now || !Array.isArray(now.value)) return impossible('Failed to replace claim value.', 'the claim was removed')
  const base: unknown[] = place.indices === 'live' ? now.value : sent.value
  const index = indexIn(path, base.length)
  if (index === undefined) return rejected(INVALID_INDEX)
  if (!isPrimitive(value)) return rejected('Invalid claim value. Must be a valid string, number or boolean.')
  const text = String(value)
  if (now.value.includes(text)) return rejected('Claim value already exists.')
  putClaim(draft, place.path, { name, value: [...without<unknown>(now.value, base[index]), text] })
  return applied('Claim value replaced.')
}

// --- lifetimes

function replaceLifetime({ value }: Edit, place: { path: string }, draft: Draft): Verdict {
  const list = place.path.slice(0, place.path.lastIndexOf('/') + 1)
  const name = lastSegment(place.path)
  if (!claimIn(draft.now, list, name)) return rejected(UNKNOWN_PATH)
  if (isMissing(value)) return valueMissing()
  const text = javaText(value)
  // What Java's Long.parseLong accepts.
  if (!/^[+-]?\d+$/.test(text)) return rejected('Invalid expiry time format.')
  const seconds = BigInt(text.replace('+', ''))
  if (seconds > 2n ** 63n - 1n) return rejected('Invalid expiry time format.')
  if (seconds <= 0n) return rejected('Invalid expiry time. Must be positive.')
  const { maxLifetimeSeconds } = draft.edits
  if (maxLifetimeSeconds !== undefined && seconds > BigInt(maxLifetimeSeconds)) {
    return rejected(`Invalid expiry time. Must be at most ${maxLifetimeSeconds} seconds.`)
  }
  const most = draft.bounds.maxLifetimeSeconds?.[place.path]
  if (most !== undefined && seconds > BigInt(most)) {
    putClaim(draft, list, { name, value: most })
    return applied(`Expiry time updated, to ${most} seconds: the server allows no more.`)
  }
  putClaim(draft, list, { name, value: Number(seconds) })
  return applied('Expiry time updated.')
}

// --- response parameters

type ParametersPlace = Extract<EditablePlace, { kind: 'responseParameters' }>

function addParameter({ value }: Edit, place: ParametersPlace, draft: Draft): Verdict {
  if (isMissing(value)) return valueMissing()
  const parameter = namedValue(value, draft.edits)
  if (!parameter) return rejected('Invalid parameter.')
  const name = parameter.name?.trim() ? parameter.name : undefined
  if (name === undefined) return rejected('Response parameter name cannot be empty.')
  const sent = valueAt(draft.sent, place.path)
  const { addedParameters } = draft.changes
  if ((Array.isArray(sent) && sent.includes(name)) || addedParameters.some(added => added.name === name)) {
    return rejected('A response parameter already exists with the given name.')
  }
  if (draft.edits.reservedParameters === 'verdict' && place.reserved.includes(name)) {
    return rejected(`The response parameter '${name}' is written by the platform and cannot be added.`)
  }
  addedParameters.push({ name, value: parameter.value ?? null })
  return applied('Response parameter added.')
}

function removeParameter({ path }: Edit, place: ParametersPlace, draft: Draft): Verdict {
  const name = lastSegment(path)
  if (!place.removable.includes(name)) return rejected(UNKNOWN_PATH)
  const { removedParameters } = draft.changes
  if (!removedParameters.includes(name)) removedParameters.push(name)
  return applied('Response parameter removed.')
}
