import { Messages, Schemas, type Types } from 'scimmy'
import { isPassword, PASSWORD_FORM, type Profile } from '../../domain/users/user-change.ts'
import { localClaims, type ScimPlace } from '../../ground/claims/local-claims.ts'
import type { User } from '../../ground/store/model.ts'
import { fromLibrary, scimProblems } from './scim-problems.ts'
import './schema.ts'

/** A user as SCIM has them. Its `toJSON` leaves out what must not be returned. */
export type UserResource = InstanceType<typeof Schemas.User>

/** What a client wants a user to be. A password that is absent stays as it is. */
export interface WantedUser {
  profile: Profile
  password?: string
}

type Json = Record<string, unknown>
type Element = Record<string, unknown>

/** Version of a user for `meta.version` and `ETag`: another after every change. */
export function versionOf({ updatedAt }: User): string {
  return `W/"${updatedAt.toString(36)}"`
}

/**
 * @param usersUrl Where the users are, without slash at the end.
 * @param attributes Which attributes are wanted; absent: all.
 */
export function toResource(user: User, usersUrl: string, attributes?: Types.Filter): UserResource {
  const data: Json = {
    id: user.id,
    userName: user.userName,
    active: user.isActive,
    meta: {
      created: new Date(user.createdAt),
      lastModified: new Date(user.updatedAt),
      version: versionOf(user),
    },
    ...(user.groups.length > 0 ? { groups: user.groups.map(name => ({ value: name, display: name })) } : {}),
  }
  for (const [uri, { place }] of localClaims) {
    const value = user.claims[uri]
    if (value !== undefined) writers[place.kind]?.(data, place as never, value)
  }
  return coerced(() => new (Schemas.User as SchemaClass)(data, 'out', usersUrl, attributes))
}

/**
 * Reads what a client sent to create or replace a user. Claims no SCIM attribute stands for are not touched: `before` has them.
 *
 * Throws a problem of status 400 for what the schema does not allow.
 */
export function readUser(body: unknown, before?: User): WantedUser {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw scimProblems.invalidSyntax('The body must be one user.')
  }
  return wantedOf(
    coerced(() => new Schemas.User(withElements(body as Json), 'in')),
    before,
  )
}

/** Applies a PatchOp message to a user. Throws a problem of status 400 for what is no such message or not applicable. */
export async function patchUser(body: unknown, before: User): Promise<WantedUser> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw scimProblems.invalidSyntax('The body must be one PatchOp message.')
  }
  let patched: UserResource | undefined
  try {
    const message = new Messages.PatchOp(withPatchedElements(body as Json) as never)
    await message.apply(toResource(before, '') as never, async instance => {
      patched = instance as UserResource
      return instance
    })
  } catch (error) {
    throw fromLibrary(error)
  }
  if (!patched) return { profile: before }
  // Checks what the operations put together: a user name may have been removed.
  const { password } = patched
  const whole = { ...(JSON.parse(JSON.stringify(patched)) as Json), ...(password === undefined ? {} : { password }) }
  return readUser(whole, before)
}

function wantedOf(resource: UserResource, before: User | undefined): WantedUser {
  const data = resource as unknown as Json
  const claims: User['claims'] = Object.fromEntries(
    Object.entries(before?.claims ?? {}).filter(([uri]) => !isMapped(uri)),
  )
  for (const [uri, { place }] of localClaims) {
    const value = readers[place.kind]?.(data, place as never)
    if (value !== undefined && value.length > 0) claims[uri] = value
  }
  const userName = String(data['userName']).trim()
  const { password } = resource
  return {
    profile: {
      userName: checked('userName', userName, isUserName, USER_NAME_FORM),
      claims,
      isActive: (data['active'] as boolean | undefined) ?? before?.isActive ?? true,
    },
    ...(password === undefined ? {} : { password: checked('password', password, isPassword, PASSWORD_FORM) }),
  }
}

function isMapped(uri: string): boolean {
  const place = localClaims.get(uri)?.place
  return place !== undefined && place.kind !== 'computed'
}

const MAX_USER_NAME = 255
const USER_NAME_FORM = `1 to ${MAX_USER_NAME} characters and no control characters`

function isUserName(text: string): boolean {
  return text !== '' && text.length <= MAX_USER_NAME && !/\p{Cc}/u.test(text)
}

function checked(name: string, text: string, isGood: (text: string) => boolean, form: string): string {
  if (isGood(text)) return text
  throw scimProblems.invalidValue(`${name} must have ${form}.`)
}

/** The reference takes `"emails": ["a@x"]` and `{"emails": "a@x"}` for a list of values. */
function withElements(body: Json): Json {
  const lists = new Set(
    [...localClaims.values()].flatMap(({ place }) => (place.kind === 'element' ? [place.list] : [])),
  )
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => {
      const list = [...lists].find(known => known.toLowerCase() === name.toLowerCase())
      return [name, list && value !== null ? elementsOf(value) : value]
    }),
  )
}

function withPatchedElements(message: Json): Json {
  const { Operations } = message
  if (!Array.isArray(Operations)) return message
  return {
    ...message,
    Operations: Operations.map(operation => {
      const { path, value } = (operation ?? {}) as { path?: unknown; value?: unknown }
      if (path === undefined && typeof value === 'object' && value !== null && !Array.isArray(value)) {
        return { ...operation, value: withElements(value as Json) }
      }
      if (typeof path === 'string' && value !== undefined) {
        const [[, inside] = []] = Object.entries(withElements({ [path]: value }))
        return { ...operation, value: inside }
      }
      return operation
    }),
  }
}

function elementsOf(value: unknown): unknown[] {
  return (Array.isArray(value) ? value : [value]).map(element =>
    typeof element === 'string' ? { value: element } : element,
  )
}

type PlaceOf<Kind> = Extract<ScimPlace, { kind: Kind }>

const writers: { [Kind in ScimPlace['kind']]?: (data: Json, place: PlaceOf<Kind>, value: string | string[]) => void } =
  {
    text: (data, { path }, value) => put(data, path, String(value)),
    texts: (data, { path }, value) => put(data, path, [value].flat()),
    truth: (data, { path }, value) => put(data, path, value === 'true'),
    element(data, { list, part, type }, value) {
      const elements = (data[list] as Element[] | undefined) ?? []
      data[list] = elements
      const text = [value].flat()[0] ?? ''
      const own = elements.find(element => element['type'] === type)
      // What is both the primary value and one of a type is one element, as the client wrote it.
      const same =
        type === undefined ? undefined : elements.find(element => element['primary'] && element[part] === text)
      if (same && same['type'] === undefined) same['type'] = type
      else if (own) own[part] = text
      else elements.push({ [part]: text, ...(type === undefined ? { primary: true } : { type }) })
    },
  }

const readers: {
  [Kind in ScimPlace['kind']]?: (data: Json, place: PlaceOf<Kind>) => string | string[] | undefined
} = {
  text: (data, { path }) => textOf(at(data, path)),
  texts(data, { path }) {
    const values = at(data, path)
    return Array.isArray(values) ? values.map(String) : undefined
  },
  truth(data, { path }) {
    const value = at(data, path)
    return typeof value === 'boolean' ? String(value) : undefined
  },
  element(data, { list, part, type }) {
    const elements = ((data[list] as (Element | undefined)[] | undefined) ?? []).filter(
      element => element !== undefined,
    )
    const element =
      type === undefined
        ? (elements.find(candidate => candidate['primary']) ?? elements[0])
        : elements.find(candidate => candidate['type'] === type)
    return textOf(element?.[part])
  },
}

function textOf(value: unknown): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : String(value)
}

function at(data: Json, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Json | undefined)?.[name], data)
}

function put(data: Json, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) data[name] = value
  else {
    const inner = (data[name] as Json | undefined) ?? {}
    data[name] = inner
    put(inner, rest, value)
  }
}

/** The constructor takes more than its types say: base path and attributes. */
type SchemaClass = new (data: Json, direction: string, basePath?: string, attributes?: Types.Filter) => UserResource

/** scimmy answers a value its schema does not allow with a TypeError that says which. */
function coerced<Value>(make: () => Value): Value {
  try {
    return make()
  } catch (error) {
    throw fromLibrary(error)
  }
}
