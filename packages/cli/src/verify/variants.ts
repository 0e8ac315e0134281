import { type ActionRequest, type ActionType, actionTypes, localClaimUri, present } from '@preflow/contract'

/** Changes to a request that a platform might send. Each returns a new request. */
export type Variant = (request: ActionRequest<object>) => ActionRequest<object>

type Node = Record<string, unknown>

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A copy with every object changed, innermost first. */
function mapObjects(value: unknown, change: (node: Node) => Node): unknown {
  if (Array.isArray(value)) return value.map(item => mapObjects(item, change))
  if (!isNode(value)) return value
  return change(Object.fromEntries(Object.entries(value).map(([name, member]) => [name, mapObjects(member, change)])))
}

function standardNames(type: ActionType): ReadonlySet<unknown> {
  return new Set(actionTypes[type].places.flatMap(place => (place.kind === 'claims' ? place.standard : [])))
}

/**
 * A copy in which every claim or attribute is changed, except those of the platform. Forwarded headers and parameters
 * stay.
 */
function mapClaims(change: (claim: Node & { value: unknown }) => Node): Variant {
  return request => {
    const standard = standardNames(request.actionType)
    const event = Object.fromEntries(
      Object.entries(request.event).map(([name, member]) => [
        name,
        mapObjects(member, node => {
          const isForwarded = name === 'request' && 'name' in node
          const isClaim = ('name' in node || 'uri' in node) && 'value' in node && !isForwarded
          return isClaim && !standard.has(node['name']) ? change(node as Node & { value: unknown }) : node
        }),
      ]),
    )
    return { ...request, event }
  }
}

/** Members that a newer platform may add, in every object. */
export const withNewMembers: Variant = request => {
  const grown = mapObjects(request, node => ({ ...node, addedLater: { since: '9.9', list: [1, 'two', null] } }))
  return {
    ...(grown as ActionRequest<object>),
    ...present({ allowedOperations: request.allowedOperations }),
  }
}

/** Without the member at a path of the event: `user.organization`. */
export const without =
  (path: string): Variant =>
  request => ({ ...request, event: remove(request.event, path.split('.')) as object })

/** Lists that may be empty. The reference omits empty ones; another platform may not. */
const EMPTIABLE: ReadonlySet<string> = new Set([
  'scopes',
  'additionalHeaders',
  'additionalParams',
  'groups',
  'parameters',
  'authenticatedSteps',
])

/** Empties the lists that may be empty. */
export const withEmptyLists: Variant = request => {
  const event = mapObjects(request.event, node =>
    Object.fromEntries(
      Object.entries(node).map(([name, member]) => [name, EMPTIABLE.has(name) && Array.isArray(member) ? [] : member]),
    ),
  )
  return { ...request, event: event as object }
}

/** Whether the event has a member at this path. */
export function has(event: object, path: string): boolean {
  let at: unknown = event
  for (const segment of path.split('.')) {
    if (!isNode(at) || !Object.hasOwn(at, segment)) return false
    at = at[segment]
  }
  return true
}

function remove(at: unknown, [segment = '', ...rest]: string[]): unknown {
  if (!isNode(at)) return at
  if (rest.length > 0) return { ...at, [segment]: remove(at[segment], rest) }
  const { [segment]: _, ...others } = at
  return others
}

/** Multi-valued attributes are sent as a list even with one value. */
export const stringsAsLists: Variant = mapClaims(claim =>
  typeof claim.value === 'string' && claim.value !== ''
    ? {
        ...claim,
        value: [claim.value],
        ...(typeof claim['updatingValue'] === 'string' && { updatingValue: [claim['updatingValue']] }),
      }
    : claim,
)

/** A platform may also send the only value of a list as a string. */
export const listsAsStrings: Variant = mapClaims(claim => {
  const first = (value: unknown) => (Array.isArray(value) && value.length > 0 ? value[0] : value)
  return {
    ...claim,
    value: first(claim.value),
    ...('updatingValue' in claim && { updatingValue: first(claim['updatingValue']) }),
  }
})

/** An empty claim of a token has no value on the wire. An empty attribute of a user is missing. */
export const claimsWithoutValue: Variant = mapClaims(claim => {
  const { value: _, ...named } = claim
  return 'name' in claim ? named : claim
})

/** Letters of many scripts, and characters with a meaning in HTML, SQL, JSON and header lines. */
const STRANGE_VALUE =
  'Zo\u00eb "O\'Neil", <b>\u6f22\u5b57</b> & \u{1f600} \u202e\u05e2\u05d1\u05e8\u202c C:\\new; -- %0d%0a e\u0301'

/** Names and attributes beyond ASCII. */
export const inManyScripts: Variant = request => {
  const claims = mapClaims(claim => (typeof claim.value === 'string' ? { ...claim, value: STRANGE_VALUE } : claim))(
    request,
  )
  const event = mapObjects(claims.event, node => ('orgHandle' in node ? { ...node, name: STRANGE_VALUE } : node))
  return { ...claims, event: event as object }
}

/** Attributes that rules often check. */
const USUAL_ATTRIBUTES = [
  'department',
  'emailaddress',
  'emailAddresses',
  'mobile',
  'mobileNumbers',
  'givenname',
  'lastname',
  'country',
  'organization',
  'title',
  'url',
  'dob',
].map(localClaimUri)
const LISTS: ReadonlySet<string> = new Set(['emailAddresses', 'mobileNumbers'].map(localClaimUri))

/** An update of every attribute that rules often check. An empty string is no value. */
function update(before: string, after: string): Variant {
  const as = (uri: string, text: string) => {
    if (!LISTS.has(uri)) return text
    return text === '' ? [] : [text]
  }
  const changes = USUAL_ATTRIBUTES.map(uri => ({ uri, value: as(uri, after) }))
  const stored = USUAL_ATTRIBUTES.map(uri => ({ uri, value: as(uri, before), updatingValue: as(uri, after) }))
  return request => {
    const event = request.event as { request?: object; user?: object }
    return {
      ...request,
      event: { ...event, request: { ...event.request, claims: changes }, user: { ...event.user, claims: stored } },
    }
  }
}

/** A value that fits no attribute. */
export const toNonsense: Variant = update('', STRANGE_VALUE)

/** Removes every attribute. */
export const toNothing: Variant = update('before', '')

/** Adds so many groups that the request has 48 KiB. */
export const veryLarge: Variant = request => {
  const bytes = (document: unknown) => Buffer.byteLength(JSON.stringify(document))
  const group = (n: number) => `group-${n}-of-the-hydrology-department-in-the-north`.padEnd(64, '-')
  const many = Array.from({ length: Math.floor((LARGE_BYTES - bytes(request)) / (bytes(group(0)) + 1)) }, (_, n) =>
    group(n),
  )
  // Only one list grows: platforms send the groups of a user among the attributes or as a claim, and other lists are
  // short.
  let isDone = false
  const longer = (list: unknown) => {
    if (!Array.isArray(list) || isDone) return list
    isDone = true
    return [...list, ...many]
  }
  const inEvent = mapObjects(request.event, node =>
    'groups' in node ? { ...node, groups: longer(node['groups']) } : node,
  )
  const inGroups = mapClaims(claim =>
    /groups$/.test(String(claim['name'] ?? claim['uri'])) ? { ...claim, value: longer(claim.value) } : claim,
  )
  const inAnyList = mapClaims(claim => ({ ...claim, value: longer(claim.value) }))
  return inAnyList(inGroups({ ...request, event: inEvent as object }))
}

const LARGE_BYTES = 48 * 1024

/** The headers in which gateways send the address of the client. */
const ADDRESS_HEADERS: ReadonlySet<unknown> = new Set(['x-client-source-ip', 'x-forwarded-for'])

/** Sets the address of the client; undefined removes it. */
export const fromAddress =
  (values: readonly string[] | undefined): Variant =>
  request => {
    const { request: forwarded, ...event } = request.event as { request?: { additionalHeaders?: { name: string }[] } }
    const others = (forwarded?.additionalHeaders ?? []).filter(({ name }) => !ADDRESS_HEADERS.has(name))
    const named = values === undefined ? [] : [...ADDRESS_HEADERS].map(name => ({ name, value: values }))
    return { ...request, event: { request: { ...forwarded, additionalHeaders: [...others, ...named] }, ...event } }
  }

/** Replaces the credential. */
export const withCredential =
  (updatingCredential: unknown): Variant =>
  request => {
    const event = request.event as { user?: object }
    return { ...request, event: { ...event, user: { ...event.user, updatingCredential } } }
  }
