import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localClaimUri } from '@preflow/contract'
import fc from 'fast-check'
import { changedClaimsOf, documentOf, localClaimsOf, readLocalClaim, withLocalClaims } from './document-claims.ts'
import { ENTERPRISE_USER, localClaims, WSO2_USER } from './local-claims.ts'

const uris = (...names: string[]) => names.map(localClaimUri)

const document = {
  name: { givenName: 'Kim', familyName: 'Jung' },
  emails: [
    { type: 'work', value: 'kim@work.example', display: 'Work' },
    { type: 'home', value: 'kim@home.example', primary: true },
    { type: 'work', value: 'second@work.example' },
  ],
  addresses: [
    { type: 'work', streetAddress: 'Main 1', country: 'SE' },
    { type: 'home', formatted: 'At home', primary: true, country: 'NO' },
  ],
  entitlements: [{ value: 'car' }],
  [ENTERPRISE_USER]: { department: 'Geology', manager: { value: '71', displayName: 'Lee' } },
  [WSO2_USER]: { mobileNumbers: ['+1', '+2'], emailVerified: true },
}

test('claims are derived from the document: the primary value or the first one, and the first one of a type', () => {
  assert.deepEqual(localClaimsOf(document), {
    [localClaimUri('givenname')]: 'Kim',
    [localClaimUri('lastname')]: 'Jung',
    [localClaimUri('emailaddress')]: 'kim@home.example',
    [localClaimUri('emails.home')]: 'kim@home.example',
    [localClaimUri('emails.work')]: 'kim@work.example',
    [localClaimUri('addresses.formatted')]: 'At home',
    [localClaimUri('country')]: 'NO',
    [localClaimUri('department')]: 'Geology',
    [localClaimUri('managers')]: '71',
    [localClaimUri('extendedDisplayName')]: 'Lee',
    [localClaimUri('mobileNumbers')]: ['+1', '+2'],
    [localClaimUri('identity/emailVerified')]: 'true',
  })
  const first = { emails: document.emails.map(({ primary: _, ...email }) => email) }
  assert.equal(readLocalClaim(first, localClaimUri('emailaddress')), 'kim@work.example')
})

test('a list is one claim with all values, and addresses are one line each', () => {
  assert.deepEqual(
    uris('emails', 'addresses', 'entitlements', 'photos').map(uri => readLocalClaim(document, uri)),
    [['kim@work.example', 'kim@home.example', 'second@work.example'], ['Main 1, SE', 'At home'], ['car'], undefined],
  )
})

test('the claim has the country of the enterprise extension', () => {
  const both = { ...document, [ENTERPRISE_USER]: { country: 'LK' } }
  const country = localClaimUri('country')
  assert.equal(readLocalClaim(both, country), 'LK')
  const changed = withLocalClaims(both, { [country]: 'IN' })
  assert.deepEqual([changed[ENTERPRISE_USER], changed['addresses']], [{ country: 'IN' }, document.addresses])
})

test('a change is reported once, by the claim of the element or, without one, by the list', () => {
  const changed = (emails: object[]) => [...changedClaimsOf(document, { ...document, emails }).keys()].sort()
  const [work, home, second] = document.emails
  assert.deepEqual(changed([{ ...work, value: 'new' }, home, second] as object[]), uris('emails.work'))
  assert.deepEqual(changed([work, home, { ...second, value: 'new' }] as object[]), uris('emails'))
  assert.deepEqual(changed([work, home, second, { value: 'more' }] as object[]), uris('emails'))
  assert.deepEqual(changed([work, home] as object[]), uris('emails'))
  assert.deepEqual(changed([{ ...work, display: 'Office' }, home, second] as object[]), [])
  assert.deepEqual(
    changed([{ ...work, primary: true }, { ...home, primary: false }, second] as object[]),
    uris('emailaddress'),
  )
  const [atWork, atHome] = document.addresses
  const addresses = [{ ...atWork, country: 'DK' }, atHome]
  assert.deepEqual(
    [...changedClaimsOf(document, { ...document, addresses })],
    [[localClaimUri('addresses'), ['Main 1, DK', 'At home']]],
  )
  const withCountry = { ...document, [ENTERPRISE_USER]: { country: 'LK' } }
  const moved = [atWork, { ...atHome, country: 'DK' }]
  assert.deepEqual([...changedClaimsOf(withCountry, { ...withCountry, addresses: moved }).keys()], uris('addresses'))
})

test('a document made of claims has each in its place, and one element for a primary value with a type', () => {
  assert.deepEqual(
    documentOf({
      [localClaimUri('emailaddress')]: 'kim@x',
      [localClaimUri('emails.work')]: 'kim@x',
      [localClaimUri('emails.home')]: 'home@x',
      [localClaimUri('country')]: 'SE',
      [localClaimUri('mobileNumbers')]: ['+1'],
      [localClaimUri('identity/phoneVerified')]: 'false',
      [localClaimUri('entitlements')]: ['car', 'bike'],
      'urn:own/claim': 'kept',
    }),
    {
      emails: [
        { value: 'kim@x', primary: true, type: 'work' },
        { value: 'home@x', type: 'home' },
      ],
      addresses: [{ country: 'SE', primary: true }],
      entitlements: [{ value: 'car' }, { value: 'bike' }],
      [WSO2_USER]: { mobileNumbers: ['+1'], phoneVerified: false },
      'http://wso2.org/claims': { 'urn:own/claim': 'kept' },
    },
  )
})

test('an empty claim removes only its value', () => {
  const changed = withLocalClaims(document, {
    [localClaimUri('emails.work')]: '',
    [localClaimUri('lastname')]: '',
    [localClaimUri('mobileNumbers')]: [],
    [localClaimUri('identity/emailVerified')]: '',
  })
  assert.deepEqual(changed['name'], { givenName: 'Kim' })
  assert.deepEqual(changed['emails'], [{ type: 'work', display: 'Work' }, document.emails[1], document.emails[2]])
  assert.equal(changed[WSO2_USER], undefined)
  assert.equal(document.emails.length, 3)
})

const text = fc.string({ minLength: 1, maxLength: 3 })
const element = fc.record(
  { type: fc.constantFrom('work', 'home', 'other', 'mobile'), value: text, display: text },
  { requiredKeys: ['value'], noNullPrototype: true },
)
const documents = fc.record(
  {
    title: text,
    name: fc.record({ givenName: text, familyName: text }, { requiredKeys: ['givenName'], noNullPrototype: true }),
    emails: fc.array(element, { minLength: 1, maxLength: 4 }),
    phoneNumbers: fc.array(element, { minLength: 1, maxLength: 4 }),
    addresses: fc.array(
      fc.record({ country: text, locality: text, type: text }, { requiredKeys: ['country'], noNullPrototype: true }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    [ENTERPRISE_USER]: fc.record(
      { country: text, department: text },
      { requiredKeys: ['department'], noNullPrototype: true },
    ),
    [WSO2_USER]: fc.record(
      { emailVerified: fc.boolean(), mobileNumbers: fc.array(text, { minLength: 1 }) },
      { noNullPrototype: true },
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
)

test('writing the claims of a document back into it changes nothing', () => {
  fc.assert(
    fc.property(documents, given => {
      assert.deepEqual(withLocalClaims(given, localClaimsOf(given)), given)
      const lists = [...localClaims.values()].flatMap(({ place, uri }) => {
        const values = place.kind === 'list' ? readLocalClaim(given, uri) : undefined
        return values === undefined ? [] : [[uri, values]]
      })
      const emails = Object.fromEntries(lists.filter(([uri]) => uri !== localClaimUri('addresses')))
      assert.deepEqual(withLocalClaims(given, emails), given)
    }),
    { seed: 20261130 },
  )
})

test('two documents have the same claims if no claim is reported as changed', () => {
  fc.assert(
    fc.property(documents, documents, (one, other) => {
      const changed = changedClaimsOf(one, other)
      const merged = { ...localClaimsOf(one) }
      for (const [uri, value] of changed) {
        if (localClaims.get(uri)?.place.kind === 'list') continue
        if (value === undefined) delete merged[uri]
        else merged[uri] = value
      }
      assert.deepEqual(merged, localClaimsOf(other))
    }),
    { seed: 20261130 },
  )
})
