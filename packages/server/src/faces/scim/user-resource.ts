/** Converts users to SCIM resources, and the requests of clients to users. */
import { localClaimUri, present } from '@preflow/contract'
import type { Profile } from '../../domain/users/user-change.ts'
import { WSO2_USER } from '../../ground/claims/local-claims.ts'
import { accountStateOf, STATE_ATTRIBUTES } from '../../ground/store/account-state.ts'
import type { RoleReference, User, UserDocument } from '../../ground/store/model.ts'
import { type Attribute, findAttribute, type ResourceType, type Schema } from './attribute.ts'
import type { Comparison } from './filter.ts'
import { applyPatch, isTouched } from './patch.ts'
import { findPath } from './path.ts'
import { isAbsent, type Json, readValue } from './read-value.ts'
import { userType } from './schema.ts'
import { scimProblems } from './scim-problems.ts'

/** A user as a client requests it. An absent password stays unchanged. */
export interface WantedUser {
  profile: Profile
  password?: string
  /** Claims of verified flags that the client sets explicitly. */
  statedFlags: string[]
}

/** Version of a resource for `meta.version` and `ETag`: it is different after every change. */
export function versionOf({ updatedAt }: { updatedAt: number }): string {
  return `W/"${updatedAt.toString(36)}"`
}

/** @param location The URL of the API, without a slash at the end. */
export function toResource(user: User, location: string): Json {
  const document = withAccountState(user.document)
  const { createdAt, groups, id, isActive, roles, updatedAt, userName } = user
  const shown: Json = {
    ...document,
    ...present({ groups: showGroups(groups, location), roles: showRoles(roles, location) }),
    userName,
    active: isActive,
  }
  const extensions = userType.extensions.filter(schema => shown[schema.id] !== undefined)
  return {
    schemas: [userType.core.id, ...extensions.map(schema => schema.id)],
    id,
    ...pick(shown, [...userType.common, ...userType.core.attributes]),
    ...Object.fromEntries(extensions.map(schema => [schema.id, pick(shown[schema.id] as Json, schema.attributes)])),
    meta: {
      resourceType: 'User',
      created: new Date(createdAt).toISOString(),
      lastModified: new Date(updatedAt).toISOString(),
      location: `${location}/Users/${id}`,
      version: versionOf(user),
    },
  }
}

/** With the state of the account, if an administrator ever set it. */
function withAccountState(document: UserDocument): UserDocument {
  const wso2 = document[WSO2_USER] as Json | undefined
  if (!wso2 || STATE_ATTRIBUTES.every(name => wso2[name] === undefined)) return document
  const accountState = accountStateOf(document, Date.now())
  const lockedReason = accountState === 'LOCKED' ? 'ADMIN_INITIATED' : undefined
  return { ...document, [WSO2_USER]: { ...wso2, accountState, ...present({ lockedReason }) } }
}

function showGroups(groups: User['groups'], location: string): Json[] | undefined {
  if (groups.length === 0) return undefined
  return groups.map(({ id, name }) => ({ value: id, display: name, $ref: `${location}/Groups/${id}`, type: 'direct' }))
}

/** The roles in the resource of a user or group. Nothing if there are none. */
export function showRoles(roles: readonly RoleReference[], location: string): Json[] | undefined {
  if (roles.length === 0) return undefined
  return roles.map(({ audience, id, isDirect, name }) => ({
    ...{ value: id, display: name, $ref: `${location}/v2/Roles/${id}`, type: isDirect ? 'direct' : 'indirect' },
    ...present({ audienceValue: audience.id, audienceDisplay: audience.name, audienceType: audience.type }),
  }))
}

/** A document may have members that no schema has any more. They are kept, but not shown. */
function pick(values: Json, attributes: readonly Attribute[]): Json {
  return Object.fromEntries(
    attributes.flatMap(({ name, returned }) =>
      values[name] === undefined || returned === 'never' ? [] : [[name, values[name]]],
    ),
  )
}

/**
 * Reads the body that creates or replaces a user. Unknown members and read-only attributes are ignored, as the standard
 * requires. Read-only attributes keep their values of `before`.
 *
 * Throws a problem of status 400 for values that the schema does not allow.
 */
export function readUser(body: unknown, type: ResourceType, before?: User): WantedUser {
  if (!isObject(body)) throw scimProblems.invalidSyntax('The body must be one user.')
  refuseUnsupported(body, before)
  const old = resourceOf(before)
  const core = readAttributes(givenIn(body, type), [...type.common, ...type.core.attributes], old)
  const extensions = type.extensions.flatMap(schema => {
    const attributes = readAttributes(givenBelow(body, schema), schema.attributes, (old[schema.id] ?? {}) as Json)
    return Object.keys(attributes).length > 0 ? [[schema.id, attributes]] : []
  })
  const resource = { ...hiddenOf(old, type), ...core, ...Object.fromEntries(extensions) }
  const isStated = (flag: string) =>
    findAttribute(type.extensions.find(({ id }) => id === WSO2_USER)?.attributes, flag)?.mutability === 'readWrite' &&
    hasMember(givenBelow(body, { id: WSO2_USER }), flag)
  return wantedOf(resource, isStated, before)
}

/** Applies a PatchOp message to a user. Throws a problem of status 400 if the message is malformed or not applicable. */
export function patchUser(message: unknown, type: ResourceType, before: User): WantedUser {
  const { resource, touched } = applyPatch(message, { ...resourceOf(before), id: before.id }, type)
  return wantedOf(resource, flag => isTouched(touched, type, `${WSO2_USER}:${flag}`), before)
}

/** The user in the form of the schema, without the attributes that the server computes. */
function resourceOf(user: User | undefined): Json {
  return user ? { ...user.document, userName: user.userName, active: user.isActive } : {}
}

const FLAGS = ['emailVerified', 'phoneVerified']

function wantedOf(resource: Json, isStated: (flag: string) => boolean, before: User | undefined): WantedUser {
  const { active, id: _, password, userName, ...document } = resource
  return {
    profile: {
      userName: before && before.userName === userName ? before.userName : readUserName(userName),
      document: document as UserDocument,
      isActive: (active as boolean | undefined) ?? true,
    },
    ...present({
      password: password === undefined ? undefined : String(password),
    }),
    statedFlags: FLAGS.filter(isStated).map(flag => localClaimUri(`identity/${flag}`)),
  }
}

/** The core attributes in a body, under their names or URIs. */
export function givenIn(body: Json, type: ResourceType): Json {
  const given: Json = {}
  for (const [name, value] of Object.entries(body)) {
    const path = findPath(type, name)
    if (name.toLowerCase() === type.core.id.toLowerCase() && isObject(value)) Object.assign(given, givenIn(value, type))
    else if (path?.attribute && !path.extension && !path.sub) given[path.attribute.name] = value
  }
  return given
}

/** The attributes of an extension in a body: in its object, or under their full URIs. */
function givenBelow(body: Json, { id }: Pick<Schema, 'id'>): Json {
  const given: Json = {}
  for (const [name, value] of Object.entries(body)) {
    const lower = name.toLowerCase()
    if (lower === id.toLowerCase()) {
      if (!isAbsent(value) && !isObject(value)) throw scimProblems.invalidValue(`${id} must be an object.`)
      Object.assign(given, value)
    } else if (lower.startsWith(`${id.toLowerCase()}:`)) given[name.slice(id.length + 1)] = value
  }
  return given
}

/** Reads the values of attributes. Read-only and unknown ones are ignored. */
export function readAttributes(given: Json, attributes: readonly Attribute[], old: Json): Json {
  const read: Json = {}
  for (const { name, required } of attributes) {
    // Required even if it cannot be changed: a body without it is most likely not a user.
    if (required && isAbsent(given[name])) throw scimProblems.invalidValue(`${name} is required.`)
  }
  for (const [name, value] of Object.entries(given)) {
    const attribute = findAttribute(attributes, name)
    if (!attribute || attribute.mutability === 'readOnly') continue
    // An empty password is invalid, not absent.
    const isEmptyPassword = attribute.returned === 'never' && value === ''
    read[attribute.name] = isEmptyPassword ? value : readValue(attribute, value, 'ignore')
  }
  for (const { isKeptByReplace, mutability, name } of attributes) {
    if (mutability === 'readOnly' || (isKeptByReplace && read[name] === undefined)) read[name] = old[name]
  }
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined))
}

/** Members of a document without an attribute in the schema. A replacement keeps them. */
function hiddenOf(document: Json, type: ResourceType): Json {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !findPath(type, name)))
}

const NEEDS_MAIL = 'needs a message to the user, and this server sends none yet.'

/**
 * Members of the reference's schemas that request what this server does not do, with the reason. They are refused, because
 * ignoring them would report a success that did not happen.
 */
const REFUSED: Readonly<Record<string, string>> = {
  verifyemail: `verifyEmail ${NEEDS_MAIL} Set emailVerified instead.`,
  verifymobile: `verifyMobile ${NEEDS_MAIL} Set phoneVerified instead.`,
  forcepasswordreset: `forcePasswordReset ${NEEDS_MAIL} Set a new password, or lock the account.`,
}
const LATER_INVITATION = `askPassword for an existing user ${NEEDS_MAIL} Create a link with offline-invite-link.`
const TWO_PASSWORDS = 'A user is created with a password or with askPassword. Leave one of them out.'

/**
 * A new user with `askPassword` has no password and sets one through the link of offline-invite-link. The flag may be in every
 * extension, as a boolean or a string.
 */
function refuseUnsupported(body: Json, before: User | undefined): void {
  for (const [name, value] of requestsIn(body)) {
    if (isAbsent(value) || String(value).toLowerCase() === 'false') continue
    const reason = REFUSED[name]
    if (reason !== undefined) throw scimProblems.invalidValue(reason)
    if (name !== 'askpassword') continue
    if (before) throw scimProblems.invalidValue(LATER_INVITATION)
    if (!isAbsent(givenIn(body, userType)['password'])) throw scimProblems.invalidValue(TWO_PASSWORDS)
  }
}

/** The members of all extensions, in their object or under their full URI, by their names in lower case. */
function requestsIn(body: Json): [name: string, value: unknown][] {
  return Object.entries(body).flatMap(([key, value]): [string, unknown][] => {
    if (!key.toLowerCase().startsWith('urn:')) return []
    if (isObject(value)) return Object.entries(value).map(([name, inner]) => [name.toLowerCase(), inner])
    return [[key.slice(key.lastIndexOf(':') + 1).toLowerCase(), value]]
  })
}

const MAX_USER_NAME = 255
const USER_NAME_FORM = `1 to ${MAX_USER_NAME} characters and no control characters`

function readUserName(given: unknown): string {
  return checked('userName', withoutStore(String(given ?? '')).trim(), isUserName, USER_NAME_FORM)
}

/** All users are in one store. Clients may put its name before the user name: the reference's name or Asgardeo's. */
const STORES = ['primary', 'default']

/** The name of our store and its slash, if a name begins with it. */
function storeIn(name: string): string | undefined {
  const store = /^([^/]*)\//.exec(name)
  return store?.[1] !== undefined && STORES.includes(store[1].toLowerCase()) ? store[0] : undefined
}

/** A comparison with a name, without the user store that clients may put before it. */
export function withoutStoreIn(comparison: Comparison): Comparison {
  const { value } = comparison
  return typeof value === 'string' ? { ...comparison, value: value.slice(storeIn(value)?.length) } : comparison
}

/** A name without the user store before it. Throws a problem for another store. */
export function withoutStore(userName: string): string {
  if (!userName.includes('/')) return userName
  const store = storeIn(userName)
  if (store !== undefined) return userName.slice(store.length)
  throw scimProblems.invalidValue('The user store does not exist. Leave out the part before the slash of the name.')
}

function isUserName(text: string): boolean {
  return text !== '' && text.length <= MAX_USER_NAME && !/\p{Cc}/u.test(text)
}

function checked(name: string, text: string, isGood: (text: string) => boolean, form: string): string {
  if (isGood(text)) return text
  throw scimProblems.invalidValue(`${name} must have ${form}.`)
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function hasMember(given: Json, name: string): boolean {
  return Object.keys(given).some(known => known.toLowerCase() === name.toLowerCase())
}
