/** The one table that maps local claims to attributes of a user's document. */
import { localClaimUri, present } from '@preflow/contract'

/** The place of a claim in the document of a user. */
export type ClaimPlace =
  /** A string: `nickName`, `name.givenName`, or an attribute of an extension. */
  | { kind: 'text'; path: readonly string[] }
  /** A list of strings in an extension. */
  | { kind: 'texts'; path: readonly string[] }
  /** A boolean in the document, the string `true` or `false` in the claim. */
  | { kind: 'truth'; path: readonly string[] }
  /**
   * A part of a list's element with this type. Without a type: of the primary element, or of the first. A value at `instead`
   * takes precedence.
   */
  | { kind: 'element'; list: string; type?: string; part: string; instead?: readonly string[] }
  /** All values of a list. A change is reported only if no claim of a single element shows it. */
  | { kind: 'list'; list: string }
  /** Computed by the server and not in the document. */
  | { kind: 'computed' }

export interface LocalClaim {
  uri: string
  displayName: string
  place: ClaimPlace
}

export const CORE_USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const ENTERPRISE_USER = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
/** The reference's own extension. Its URI is older than the rule for schema URIs. */
export const WSO2_USER = 'urn:scim:wso2:schema'

const text = (...path: string[]): ClaimPlace => ({ kind: 'text', path })
const enterprise = (...path: string[]): ClaimPlace => text(ENTERPRISE_USER, ...path)
const wso2 = (name: string): ClaimPlace => text(WSO2_USER, name)
const element = (list: string, type?: string): ClaimPlace => ({
  kind: 'element',
  list,
  part: 'value',
  ...present({ type }),
})
const address = (part: string): ClaimPlace => ({ kind: 'element', list: 'addresses', part })
const list = (name: string): ClaimPlace => ({ kind: 'list', list: name })

/** As in WSO2's default claim dialects. The order is that of selection lists. */
const table: [name: string, displayName: string, place: ClaimPlace][] = [
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
  ['emails', 'Emails', list('emails')],
  ['mobile', 'Mobile', element('phoneNumbers', 'mobile')],
  ['telephone', 'Telephone', element('phoneNumbers', 'work')],
  ['phoneNumbers.home', 'Phone Numbers - Home', element('phoneNumbers', 'home')],
  ['phoneNumbers.fax', 'Phone Numbers - Fax', element('phoneNumbers', 'fax')],
  ['phoneNumbers.pager', 'Phone Numbers - Pager', element('phoneNumbers', 'pager')],
  ['otherphone', 'Other Phone', element('phoneNumbers', 'other')],
  ['phoneNumbers', 'Phone Numbers', list('phoneNumbers')],
  ['im', 'IM', element('ims')],
  ['ims', 'IMs', list('ims')],
  ['photourl', 'Photo URL', element('photos')],
  ['photos', 'Photos', list('photos')],
  ['addresses.formatted', 'Address', address('formatted')],
  ['streetaddress', 'Address - Street', address('streetAddress')],
  ['addresses.locality', 'Address - Locality', address('locality')],
  ['region', 'Region', address('region')],
  ['postalcode', 'Postal Code', address('postalCode')],
  // The reference has the country below the enterprise extension; RFC 7643 has it in addresses.
  [
    'country',
    'Country',
    { kind: 'element', list: 'addresses', part: 'country', instead: [ENTERPRISE_USER, 'country'] },
  ],
  ['addresses', 'Addresses', list('addresses')],
  ['organization', 'Organization', enterprise('organization')],
  ['department', 'Department', enterprise('department')],
  ['division', 'Division', enterprise('division')],
  ['costCenter', 'Cost Center', enterprise('costCenter')],
  ['employeeNumber', 'Employee Number', enterprise('employeeNumber')],
  ['managers', 'Manager', enterprise('manager', 'value')],
  ['extendedDisplayName', 'Manager - Display Name', enterprise('manager', 'displayName')],
  ['extendedRef', 'Manager - Reference', enterprise('manager', '$ref')],
  ['entitlements', 'Entitlements', list('entitlements')],
  ['x509Certificates', 'X.509 Certificates', list('x509Certificates')],
  ['dob', 'Birth Date', wso2('dateOfBirth')],
  ['gender', 'Gender', wso2('gender')],
  ['emailAddresses', 'Email Addresses', { kind: 'texts', path: [WSO2_USER, 'emailAddresses'] }],
  ['mobileNumbers', 'Mobile Numbers', { kind: 'texts', path: [WSO2_USER, 'mobileNumbers'] }],
  ['identity/emailVerified', 'Email Verified', { kind: 'truth', path: [WSO2_USER, 'emailVerified'] }],
  ['identity/phoneVerified', 'Phone Verified', { kind: 'truth', path: [WSO2_USER, 'phoneVerified'] }],
  ['identity/accountLocked', 'Account Locked', { kind: 'truth', path: [WSO2_USER, 'accountLocked'] }],
  ['identity/accountDisabled', 'Account Disabled', { kind: 'truth', path: [WSO2_USER, 'accountDisabled'] }],
  ['identity/unlockTime', 'Unlock Time', wso2('unlockTime')],
  ['identity/accountState', 'Account State', { kind: 'computed' }],
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
