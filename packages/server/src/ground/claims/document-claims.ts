/** Derives claims from the document of a user and writes them back, by the table {@link localClaims}. */
import type { UserDocument } from '../store/model.ts'
import { type ClaimPlace, localClaims } from './local-claims.ts'

/** Values by local claim URI. */
export type LocalClaims = Record<string, string | string[]>

type Json = Record<string, unknown>
type PlaceOf<Kind> = Extract<ClaimPlace, { kind: Kind }>

/** The member for claims without an attribute. SCIM neither shows nor changes it. */
const OTHER_CLAIMS = 'http://wso2.org/claims'

/** Reads one claim. Returns nothing if the user does not have it. */
export function readLocalClaim(document: UserDocument, uri: string): string | string[] | undefined {
  const place = localClaims.get(uri)?.place
  const value = place ? readers[place.kind]?.(document, place as never) : undefined
  return value ?? (document[OTHER_CLAIMS] as LocalClaims | undefined)?.[uri]
}

/** All claims of a user except those of whole lists, so that each value appears once. */
export function localClaimsOf(document: UserDocument): LocalClaims {
  const claims: LocalClaims = {}
  for (const [uri, { place }] of localClaims) {
    const value = place.kind === 'list' ? undefined : readers[place.kind]?.(document, place as never)
    if (value !== undefined) claims[uri] = value
  }
  return { ...claims, ...(document[OTHER_CLAIMS] as LocalClaims | undefined) }
}

/**
 * The claims that differ between two documents, with their new values. `undefined` means removed. The claim of a list is included
 * only if no claim of a single element shows the change: a second work e-mail address does not change `emails.work`.
 */
export function changedClaimsOf(before: UserDocument, after: UserDocument): Map<string, string | string[] | undefined> {
  const [old, now] = [localClaimsOf(before), localClaimsOf(after)]
  const changed = new Map<string, string | string[] | undefined>()
  for (const uri of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (JSON.stringify(old[uri]) !== JSON.stringify(now[uri])) changed.set(uri, now[uri])
  }
  for (const [uri, { place }] of localClaims) {
    if (place.kind !== 'list') continue
    if (unshown(before, place.list) !== unshown(after, place.list)) changed.set(uri, readLocalClaim(after, uri))
  }
  return changed
}

/** Creates the document of a user from claims. */
export function documentOf(claims: LocalClaims): UserDocument {
  return withLocalClaims({}, claims)
}

/** Returns the document with these claims replaced. Everything else stays. `[]` and `''` remove a claim. */
export function withLocalClaims(document: UserDocument, claims: LocalClaims): UserDocument {
  const changed = structuredClone(document) as Json
  const others = { ...(changed[OTHER_CLAIMS] as LocalClaims | undefined) }
  // In the order of the table, so that a primary value with a type stays one element.
  for (const [uri, { place }] of localClaims) {
    const value = claims[uri]
    if (value !== undefined) writers[place.kind]?.(changed, place as never, value)
  }
  for (const [uri, value] of Object.entries(claims)) {
    const kind = localClaims.get(uri)?.place.kind ?? 'computed'
    if (kind !== 'computed') continue
    if (value.length > 0) others[uri] = value
    else delete others[uri]
  }
  if (Object.keys(others).length > 0) changed[OTHER_CLAIMS] = others
  else delete changed[OTHER_CLAIMS]
  return changed
}

type Reader<Kind> = (document: UserDocument, place: PlaceOf<Kind>) => string | string[] | undefined

const readers: { [Kind in ClaimPlace['kind']]?: Reader<Kind> } = {
  text: (document, { path }) => textOf(at(document, path)),
  texts(document, { path }) {
    const values = at(document, path)
    return Array.isArray(values) && values.length > 0 ? values.map(String) : undefined
  },
  truth(document, { path }) {
    const value = at(document, path)
    return typeof value === 'boolean' ? String(value) : undefined
  },
  element: (document, place) =>
    (place.instead && textOf(at(document, place.instead))) ?? textOf(elementFor(document, place)?.[place.part]),
  list(document, { list }) {
    const values = elementsOf(document, list).flatMap(element => describe(element) ?? [])
    return values.length > 0 ? values : undefined
  },
}

type Writer<Kind> = (document: Json, place: PlaceOf<Kind>, value: string | string[]) => void

const writers: { [Kind in ClaimPlace['kind']]?: Writer<Kind> } = {
  text: (document, { path }, value) => put(document, path, textOf([value].flat()[0])),
  texts: (document, { path }, value) => put(document, path, value.length > 0 ? [value].flat() : undefined),
  truth: (document, { path }, value) => put(document, path, value.length > 0 ? value === 'true' : undefined),
  element(document, place, value) {
    const text = textOf([value].flat()[0])
    if (place.instead && at(document, place.instead) !== undefined) return put(document, place.instead, text)
    const { list, part, type } = place
    const elements = elementsOf(document, list)
    const own = elementFor(document, place)
    const same = elements.find(element => element['primary'] === true && element[part] === text)
    if (text === undefined) {
      if (own) delete own[part]
    } else if (own) own[part] = text
    else if (type !== undefined && same && same['type'] === undefined) same['type'] = type
    else elements.push({ [part]: text, ...(type === undefined ? { primary: true } : { type }) })
    put(document, [list], kept(elements))
  },
  list(document, { list }, value) {
    const texts = [value].flat()
    const elements = elementsOf(document, list).filter(element => texts.includes(describe(element) ?? ''))
    const there = elements.map(describe)
    for (const text of texts) if (!there.includes(text)) elements.push({ [valuePartOf(list)]: text })
    put(document, [list], kept(elements))
  },
}

/** The parts of a list that no claim of a single element shows, in a comparable form. */
function unshown(document: UserDocument, list: string): string {
  const elements = elementsOf(document, list)
  const places = [...localClaims.values()].flatMap(({ place }) =>
    place.kind === 'element' && place.list === list ? [place] : [],
  )
  const parts = new Set(['value', ...places.map(({ part }) => part)])
  const shown = new Set(
    places
      .filter(({ instead }) => !instead || textOf(at(document, instead)) === undefined)
      .map(place => `${elements.indexOf(elementFor(document, place) as Json)} ${place.part}`),
  )
  const rest = elements.flatMap((element, index) =>
    [...parts].flatMap(part =>
      element[part] === undefined || shown.has(`${index} ${part}`) ? [] : [[part, element[part]]],
    ),
  )
  return JSON.stringify(rest)
}

function elementFor(document: UserDocument, { list, type }: PlaceOf<'element'>): Json | undefined {
  const elements = elementsOf(document, list)
  if (type === undefined) return elements.find(element => element['primary'] === true) ?? elements[0]
  return elements.find(element => String(element['type']).toLowerCase() === type)
}

function elementsOf(document: UserDocument, list: string): Json[] {
  return (document[list] as Json[] | undefined) ?? []
}

/** Drops elements that have only a type. */
function kept(elements: Json[]): Json[] | undefined {
  const whole = elements.filter(element => Object.keys(element).some(name => name !== 'type' && name !== 'primary'))
  return whole.length > 0 ? whole : undefined
}

const ADDRESS_PARTS = ['streetAddress', 'locality', 'region', 'postalCode', 'country']

function valuePartOf(list: string): string {
  return list === 'addresses' ? 'formatted' : 'value'
}

/** Writes an element as one string: its value, or an address in one line. */
function describe(element: Json): string | undefined {
  const line = ADDRESS_PARTS.flatMap(part => textOf(element[part]) ?? []).join(', ')
  return textOf(element['value']) ?? textOf(element['formatted']) ?? textOf(line)
}

function textOf(value: unknown): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : String(value)
}

function at(document: UserDocument, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Json | undefined)?.[name], document)
}

function put(document: Json, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    if (value === undefined) delete document[name]
    else document[name] = value
    return
  }
  const inner = { ...(document[name] as Json | undefined) }
  put(inner, rest, value)
  if (Object.keys(inner).length > 0) document[name] = inner
  else delete document[name]
}
