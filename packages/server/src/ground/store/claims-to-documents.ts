/**
 * How the migration `0006-user-documents` builds the document of a user from the stored claims. It describes both as they were
 * at that version and never changes, even if today's table of claims does.
 */
type Json = Record<string, unknown>
type Claims = Record<string, string | string[]>

const DIALECT = 'http://wso2.org/claims'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const WSO2 = 'urn:scim:wso2:schema'

/** Path of a string, of a list of strings or of a boolean, by the name of the claim. */
const STRINGS: Record<string, string[]> = {
  givenname: ['name', 'givenName'],
  lastname: ['name', 'familyName'],
  middleName: ['name', 'middleName'],
  fullname: ['name', 'formatted'],
  honorificPrefix: ['name', 'honorificPrefix'],
  honorificSuffix: ['name', 'honorificSuffix'],
  displayName: ['displayName'],
  nickname: ['nickName'],
  url: ['profileUrl'],
  title: ['title'],
  userType: ['userType'],
  preferredLanguage: ['preferredLanguage'],
  local: ['locale'],
  timeZone: ['timezone'],
  externalid: ['externalId'],
  organization: [ENTERPRISE, 'organization'],
  department: [ENTERPRISE, 'department'],
  division: [ENTERPRISE, 'division'],
  costCenter: [ENTERPRISE, 'costCenter'],
  employeeNumber: [ENTERPRISE, 'employeeNumber'],
  dob: [WSO2, 'dateOfBirth'],
  gender: [WSO2, 'gender'],
}
const LISTS: Record<string, string[]> = {
  emailAddresses: [WSO2, 'emailAddresses'],
  mobileNumbers: [WSO2, 'mobileNumbers'],
}
const BOOLEANS: Record<string, string[]> = {
  'identity/emailVerified': [WSO2, 'emailVerified'],
  'identity/phoneVerified': [WSO2, 'phoneVerified'],
}
/** List, part and type of an element. Without a type: the primary element. The order is that of the elements in SCIM. */
const ELEMENTS: [claim: string, list: string, part: string, type?: string][] = [
  ['emailaddress', 'emails', 'value'],
  ['emails.home', 'emails', 'value', 'home'],
  ['emails.work', 'emails', 'value', 'work'],
  ['emails.other', 'emails', 'value', 'other'],
  ['mobile', 'phoneNumbers', 'value', 'mobile'],
  ['telephone', 'phoneNumbers', 'value', 'work'],
  ['phoneNumbers.home', 'phoneNumbers', 'value', 'home'],
  ['phoneNumbers.fax', 'phoneNumbers', 'value', 'fax'],
  ['phoneNumbers.pager', 'phoneNumbers', 'value', 'pager'],
  ['otherphone', 'phoneNumbers', 'value', 'other'],
  ['im', 'ims', 'value'],
  ['photourl', 'photos', 'value'],
  ['addresses.formatted', 'addresses', 'formatted'],
  ['streetaddress', 'addresses', 'streetAddress'],
  ['addresses.locality', 'addresses', 'locality'],
  ['region', 'addresses', 'region'],
  ['postalcode', 'addresses', 'postalCode'],
  ['country', 'addresses', 'country'],
]

/** @returns The attributes that SCIM showed for the claims. Other claims are kept below the URI of their dialect. */
export function documentOfClaims(claims: Claims): Json {
  const rest = new Map(Object.entries(claims))
  const take = (name: string): string | string[] | undefined => {
    const value = rest.get(`${DIALECT}/${name}`)
    rest.delete(`${DIALECT}/${name}`)
    return value
  }
  const document: Json = {}
  for (const [name, path] of Object.entries(STRINGS)) {
    const value = take(name)
    if (value !== undefined) put(document, path, [value].flat().join(','))
  }
  for (const [name, path] of Object.entries(LISTS)) {
    const value = take(name)
    if (value !== undefined) put(document, path, [value].flat())
  }
  for (const [name, path] of Object.entries(BOOLEANS)) {
    const value = take(name)
    if (value !== undefined) put(document, path, value === 'true')
  }
  for (const [name, list, part, type] of ELEMENTS) {
    const value = take(name)
    if (value !== undefined) putElement(document, { list, part, type }, [value].flat()[0] ?? '')
  }
  if (rest.size > 0) document[DIALECT] = Object.fromEntries(rest)
  return document
}

function put(document: Json, [name = '', inner]: string[], value: unknown): void {
  document[name] = inner === undefined ? value : { ...(document[name] as Json | undefined), [inner]: value }
}

function putElement(
  document: Json,
  { list, part, type }: { list: string; part: string; type: string | undefined },
  value: string,
): void {
  const elements = (document[list] as Json[] | undefined) ?? []
  document[list] = elements
  const own = elements.find(element => element['type'] === type)
  // SCIM showed a primary value that also had a type as one element.
  const same = type === undefined ? undefined : elements.find(element => element['primary'] && element[part] === value)
  if (same && same['type'] === undefined) same['type'] = type
  else if (own) own[part] = value
  else elements.push({ [part]: value, ...(type === undefined ? { primary: true } : { type }) })
}
