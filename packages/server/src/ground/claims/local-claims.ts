/** The one table that says which SCIM attribute of a user is which local claim. */
import { localClaimUri } from '@preflow/contract'

/** Where a claim is in a SCIM user. */
export type ScimPlace =
  /** A text: `nickName`, `name.givenName`, or below an extension. */
  | { kind: 'text'; path: readonly string[] }
  /** A text or a list of texts below an extension. */
  | { kind: 'texts'; path: readonly string[] }
  /** `true` or `false` as a text in the claim, as a truth value in SCIM. */
  | { kind: 'truth'; path: readonly string[] }
  /** The element of a multi-valued attribute with this type; without a type the primary one, or the first. */
  | { kind: 'element'; list: string; type?: string; part: string }
  /** The server's own: neither written through SCIM nor kept among the user's claims. */
  | { kind: 'computed' }

export interface LocalClaim {
  uri: string
  displayName: string
  place: ScimPlace
}

export const CORE_USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const ENTERPRISE_USER = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
/** The reference's own extension. Its name is older than the rule for names of schemas. */
export const WSO2_USER = 'urn:scim:wso2:schema'

const text = (...path: string[]): ScimPlace => ({ kind: 'text', path })
const enterprise = (name: string): ScimPlace => text(ENTERPRISE_USER, name)
const wso2 = (name: string): ScimPlace => text(WSO2_USER, name)
const element = (list: string, type?: string, part = 'value'): ScimPlace => ({
  kind: 'element',
  list,
  part,
  ...(type === undefined ? {} : { type }),
})

/** As in WSO2's default claim dialects. The order is that of a list to choose from. */
const table: [name: string, displayName: string, place: ScimPlace][] = [
  ['username', 'Username', { kind: 'computed' }],
  ['userid', 'User ID', { kind: 'computed' }],
  ['givenname', 'First Name', text('name', 'givenName')],
  ['lastname', 'Last Name', text('name', 'familyName')],
  ['middleName', 'Middle Name', text('name', 'middleName')],
  ['fullname', 'Full Name', text('name', 'formatted')],
  ['honorificPrefix', 'Name - Honorific Prefix', text('name', 'honorificPrefix')],
  ['honorificSuffix', 'Name - Honorific Suffix', text('name', 'honorificSuffix')],
  ['displayName', 'Display Name', text('displayName')],
  ['nickname', 'Nick Name', text('nickName')],
  ['url', 'URL', text('profileUrl')],
  ['title', 'Title', text('title')],
  ['userType', 'User Type', text('userType')],
  ['preferredLanguage', 'Preferred Language', text('preferredLanguage')],
  ['local', 'Locale', text('locale')],
  ['timeZone', 'Time Zone', text('timezone')],
  ['externalid', 'External User ID', text('externalId')],
  ['emailaddress', 'Email', element('emails')],
  ['emails.home', 'Email - Home', element('emails', 'home')],
  ['emails.work', 'Email - Work', element('emails', 'work')],
  ['emails.other', 'Email - Other', element('emails', 'other')],
  ['mobile', 'Mobile', element('phoneNumbers', 'mobile')],
  ['telephone', 'Telephone', element('phoneNumbers', 'work')],
  ['phoneNumbers.home', 'Phone Numbers - Home', element('phoneNumbers', 'home')],
  ['phoneNumbers.fax', 'Phone Numbers - Fax', element('phoneNumbers', 'fax')],
  ['phoneNumbers.pager', 'Phone Numbers - Pager', element('phoneNumbers', 'pager')],
  ['otherphone', 'Other Phone', element('phoneNumbers', 'other')],
  ['im', 'IM', element('ims')],
  ['photourl', 'Photo URL', element('photos')],
  ['addresses.formatted', 'Address', element('addresses', undefined, 'formatted')],
  ['streetaddress', 'Address - Street', element('addresses', undefined, 'streetAddress')],
  ['addresses.locality', 'Address - Locality', element('addresses', undefined, 'locality')],
  ['region', 'Region', element('addresses', undefined, 'region')],
  ['postalcode', 'Postal Code', element('addresses', undefined, 'postalCode')],
  ['country', 'Country', element('addresses', undefined, 'country')],
  ['organization', 'Organization', enterprise('organization')],
  ['department', 'Department', enterprise('department')],
  ['division', 'Division', enterprise('division')],
  ['costCenter', 'Cost Center', enterprise('costCenter')],
  ['employeeNumber', 'Employee Number', enterprise('employeeNumber')],
  ['dob', 'Birth Date', wso2('dateOfBirth')],
  ['gender', 'Gender', wso2('gender')],
  ['emailAddresses', 'Email Addresses', { kind: 'texts', path: [WSO2_USER, 'emailAddresses'] }],
  ['mobileNumbers', 'Mobile Numbers', { kind: 'texts', path: [WSO2_USER, 'mobileNumbers'] }],
  ['identity/emailVerified', 'Email Verified', { kind: 'truth', path: [WSO2_USER, 'emailVerified'] }],
  ['identity/phoneVerified', 'Phone Verified', { kind: 'truth', path: [WSO2_USER, 'phoneVerified'] }],
  ['groups', 'Groups', { kind: 'computed' }],
  ['roles', 'Roles', { kind: 'computed' }],
  ['active', 'Active', { kind: 'computed' }],
  ['created', 'Created Time', { kind: 'computed' }],
  ['modified', 'Last Modified Time', { kind: 'computed' }],
]

/** Every attribute of users, by its local claim URI. */
export const localClaims: ReadonlyMap<string, LocalClaim> = new Map(
  table.map(([name, displayName, place]) => {
    const uri = localClaimUri(name)
    return [uri, { uri, displayName, place }]
  }),
)
