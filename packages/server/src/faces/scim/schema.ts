/** The schemas of users: the one table for parsing, patching, filtering, selection and `/Schemas`. */
import { CORE_USER, ENTERPRISE_USER, WSO2_USER } from '../../ground/claims/local-claims.ts'
import { STATE_ATTRIBUTES } from '../../ground/store/account-state.ts'
import {
  AUDIENCE_OF_ROLE,
  binary,
  boolean,
  COMMON,
  complex,
  integer,
  membership,
  READ_ONLY,
  type ResourceType,
  reference,
  type Schema,
  string,
  strings,
  valued,
} from './attribute.ts'

const PLACES = ['work', 'home', 'other']

const address = complex(
  'addresses',
  'Postal addresses.',
  [
    string('formatted', 'The complete address.'),
    string('streetAddress', 'Street and house number.'),
    string('locality', 'City.'),
    string('region', 'State or region.'),
    string('postalCode', 'Postal code.'),
    string('country', 'Country.'),
    string('type', 'The purpose of the address.', { canonicalValues: PLACES }),
    boolean('primary', 'Whether this is the preferred address. At most one address is.'),
  ],
  { multiValued: true },
)

export const coreUser: Schema = {
  id: CORE_USER,
  name: 'User',
  description: 'User Account',
  attributes: [
    string('userName', 'The name with which the user signs in.', { required: true, uniqueness: 'server' }),
    complex('name', 'The parts of the name.', [
      string('formatted', 'The complete name.'),
      string('familyName', 'The family name.'),
      string('givenName', 'The given name.'),
      string('middleName', 'The middle name.'),
      string('honorificPrefix', 'The title before the name.'),
      string('honorificSuffix', 'The suffix after the name.'),
    ]),
    string('displayName', 'The display name.'),
    string('nickName', 'The casual name.'),
    reference('profileUrl', 'The address of the profile page.', ['external']),
    string('title', 'The title, such as “Vice President”.'),
    string('userType', 'The relation to the organization, such as “Contractor”.'),
    string('preferredLanguage', 'The preferred language, as in an Accept-Language header.'),
    string('locale', 'The locale for currency, dates and numbers.'),
    string('timezone', 'The time zone, such as “America/Los_Angeles”.'),
    boolean('active', 'Whether the user can sign in.', { isPermanent: true, isKeptByReplace: true }),
    string('password', 'The password.', { mutability: 'writeOnly', returned: 'never', caseExact: true }),
    valued('emails', 'E-mail addresses.', string('value', 'The address.'), PLACES),
    valued('phoneNumbers', 'Phone numbers.', string('value', 'The number.'), [...PLACES, 'mobile', 'fax', 'pager']),
    valued('ims', 'Instant messaging addresses.', string('value', 'The address.'), [
      'aim',
      'gtalk',
      'icq',
      'xmpp',
      'msn',
      'skype',
      'qq',
      'yahoo',
    ]),
    valued('photos', 'Photos.', reference('value', 'The address of the photo.', ['external']), ['photo', 'thumbnail']),
    address,
    membership('groups', 'The groups of the user.'),
    valued('entitlements', 'Entitlements.', string('value', 'The entitlement.'), undefined),
    membership('roles', 'The roles of the user, also those of their groups.', AUDIENCE_OF_ROLE),
    valued(
      'x509Certificates',
      'X.509 certificates.',
      binary('value', 'The certificate: DER, encoded in base64.'),
      undefined,
    ),
  ],
}

export const enterpriseUser: Schema = {
  id: ENTERPRISE_USER,
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: [
    string('employeeNumber', 'The number of the employee.'),
    string('costCenter', 'The cost center.'),
    string('organization', 'The organization.'),
    string('division', 'The division.'),
    string('department', 'The department.'),
    // RFC 7643 lacks it. The reference's version of this extension and its documentation have it.
    string('country', 'The country.'),
    complex('manager', 'The manager of the user.', [
      string('value', 'The id of the manager.', { caseExact: true }),
      reference('$ref', 'The URI of the manager.', ['User']),
      string('displayName', 'The name of the manager.'),
    ]),
  ],
}

export const wso2User: Schema = {
  id: WSO2_USER,
  name: 'WSO2User',
  description: 'Attributes of WSO2 Identity Server',
  attributes: [
    string('dateOfBirth', 'Birth Date'),
    string('gender', 'Gender'),
    strings('emailAddresses', 'Email Addresses'),
    strings('mobileNumbers', 'Mobile Numbers'),
    boolean('emailVerified', 'Email Verified', { isKeptByReplace: true }),
    boolean('phoneVerified', 'Phone Verified', { isKeptByReplace: true }),
    boolean('accountLocked', 'Whether an administrator locked the account.', { isKeptByReplace: true }),
    integer('unlockTime', 'When the lock ends, in epoch milliseconds. 0: when it is removed.', {
      isKeptByReplace: true,
    }),
    boolean('accountDisabled', 'Whether an administrator disabled the account.', { isKeptByReplace: true }),
    string('accountState', 'LOCKED, DISABLED or UNLOCKED.', READ_ONLY),
    string('lockedReason', 'Why the account is locked.', READ_ONLY),
  ],
}

export const userType: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  description: 'User Account',
  common: COMMON,
  core: coreUser,
  extensions: [enterpriseUser, wso2User],
}

/** With these attributes users could give themselves rights, another identity or a verified flag. */
const PROTECTED: Record<string, readonly string[]> = {
  [CORE_USER]: ['userName', 'active'],
  [WSO2_USER]: ['emailVerified', 'phoneVerified', ...STATE_ATTRIBUTES],
}

const protect = (schema: Schema): Schema => ({
  ...schema,
  attributes: schema.attributes.map(attribute =>
    PROTECTED[schema.id]?.includes(attribute.name) ? { ...attribute, ...READ_ONLY } : attribute,
  ),
})

/** The user type for `/Me`: protected attributes are read-only. */
export const ownUserType: ResourceType = {
  ...userType,
  common: COMMON.map(attribute => (attribute.name === 'externalId' ? { ...attribute, ...READ_ONLY } : attribute)),
  core: protect(coreUser),
  extensions: userType.extensions.map(protect),
}
