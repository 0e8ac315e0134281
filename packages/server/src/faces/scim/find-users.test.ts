import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { ENTERPRISE_USER, WSO2_USER } from '../../ground/claims/local-claims.ts'
import type { Database } from '../../ground/store/database.ts'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { insertGroup } from '../../ground/store/groups.ts'
import type { Organization, User } from '../../ground/store/model.ts'
import { addOrganization } from '../../ground/store/organizations.ts'
import { FIRST_TENANT } from '../../ground/store/tenants.ts'
import { deleteUser, insertUser, updateUser } from '../../ground/store/users.ts'
import { matches } from './filter.ts'
import { findUsers, readQuery } from './find-users.ts'
import { toResource } from './user-resource.ts'

const tenantId = FIRST_TENANT.id
const root: Organization = { id: 'root', tenantId, name: 'Super', handle: 'carbon.super', depth: 0 }
const other: Organization = { ...root, id: 'other', parentId: 'root', name: 'Other', handle: 'other', depth: 1 }

const NAMES = ['ada', 'Bob', 'Ünal', 'a_b%', 'zoë', '😀x', 'x'.repeat(300), '"q"', 'é', 'ada lovelace', '\\']
const TYPES = ['work', 'home', undefined]

/** Users of every shape: without values, with several, with long and unusual ones. */
function userAt(index: number): User {
  const pick = <Value>(values: readonly Value[], salt: number) =>
    values[(index * 7 + salt * 3) % values.length] as Value
  const has = (salt: number) => (index + salt) % 3 !== 0
  const emails = Array.from({ length: index % 4 }, (_, element) => ({
    ...(element === 2 ? { display: 'x' } : { value: `${pick(NAMES, element)}@${pick(['x', 'Y.example'], element)}` }),
    ...(pick(TYPES, element) && { type: pick(TYPES, element) }),
    ...(element === 1 && { primary: true }),
  }))
  return {
    ...{ id: `u${index}`, tenantId, organizationId: root.id, userName: `${pick(NAMES, 0).slice(0, 20)}-${index}` },
    document: {
      ...(has(0) && { name: { familyName: pick(NAMES, 1), givenName: pick(NAMES, 2) } }),
      ...(has(1) && { title: pick(NAMES, 3) }),
      ...(has(2) && { externalId: pick(NAMES, 4) }),
      ...(emails.length > 0 && { emails }),
      ...(index % 5 === 0 && { addresses: [{ type: 'work', country: pick(['DE', 'FR'], 1) }] }),
      ...(has(1) && { [ENTERPRISE_USER]: { department: pick(NAMES, 5), manager: { value: pick(NAMES, 6) } } }),
      ...(has(2) && { [WSO2_USER]: { mobileNumbers: [pick(NAMES, 1), pick(NAMES, 8)] } }),
    },
    groups: index % 2 === 0 ? [{ id: 'g1', name: 'Staff' }, ...(index % 6 === 0 ? [{ id: 'g2', name: 'a' }] : [])] : [],
    roles: [],
    ...{ isActive: index % 7 !== 0, isAdministrator: false, createdAt: 1000 + (index % 10), updatedAt: 5000 - index },
  }
}

const STRINGS = [
  ...['userName', 'title', 'externalId', 'name.familyName', 'name.givenName', 'emails', 'emails.value', 'emails.type'],
  ...[`${ENTERPRISE_USER}:department`, `${ENTERPRISE_USER}:manager`, `${WSO2_USER}:mobileNumbers`, 'addresses.country'],
  ...['groups', 'groups.value', 'groups.display', 'id', 'nickName'],
]
const OPERANDS = [
  ...NAMES,
  'a',
  'work',
  'x',
  '',
  'ada@x',
  'Staff',
  'g1',
  'U1',
  'u1',
  'DE',
  'X'.repeat(300),
  `${'x'.repeat(300)}@x`,
]
const OPERATORS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']

const quoted = fc.constantFrom(...OPERANDS).map(text => JSON.stringify(text))
const comparison = fc.oneof(
  fc.tuple(fc.constantFrom(...STRINGS), fc.constantFrom(...OPERATORS), quoted).map(parts => parts.join(' ')),
  fc.tuple(fc.constantFrom(...STRINGS), fc.constantFrom('pr', 'eq null', 'ne null')).map(parts => parts.join(' ')),
  fc.constantFrom('active eq true', 'active eq false', 'active ne true', 'active pr', 'id pr', 'addresses pr'),
  fc
    .tuple(
      fc.constantFrom('meta.created', 'meta.lastModified'),
      fc.constantFrom(...OPERATORS),
      fc.integer({ min: 1000, max: 5000 }),
    )
    .map(([path, operator, at]) => `${path} ${operator} "${new Date(at).toISOString()}"`),
)
const inner: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.tuple(fc.constantFrom('value', 'type'), fc.constantFrom(...OPERATORS), quoted).map(parts => parts.join(' ')),
      fc.constantFrom('type pr', 'value eq null', 'primary eq true', 'not (type eq "work")', 'not (value co "a")'),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .chain(parts => fc.constantFrom(' and ', ' or ').map(word => parts.join(word)))
const element = fc
  .tuple(fc.constantFrom('emails', `${WSO2_USER}:mobileNumbers`), inner)
  .map(([list, filter]) => `${list}[${list === 'emails' ? filter : filter.replaceAll(/type|primary/g, 'value')}]`)
const filters = fc.letrec<{ filter: string }>(tie => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    comparison,
    element,
    fc.tuple(tie('filter'), fc.constantFrom('and', 'or'), tie('filter')).map(([a, word, b]) => `(${a}) ${word} (${b})`),
    tie('filter').map(filter => `not (${filter})`),
  ),
})).filter

onEachDatabase('the search for users', open => {
  let db: Database
  const users: User[] = []
  before(async () => {
    db = await open()
    await addOrganization(db, other)
    for (const [id, name] of [
      ['g1', 'Staff'],
      ['g2', 'a'],
    ] as const) {
      await insertGroup(db, { id, tenantId, organizationId: root.id, name, createdAt: 1, updatedAt: 1 })
    }
    for (let index = 0; index < 60; index++) {
      const user = userAt(index)
      await insertUser(db, user)
      users.push(user)
    }
    await insertUser(db, { ...userAt(1), id: 'elsewhere', organizationId: other.id, groups: [] })
  })

  const search = (given: Record<string, unknown>, organization = root) => {
    const { filter, order, page } = readQuery(given)
    return findUsers(
      db,
      organization,
      { page, ...(filter && { filter }), ...(order && { order }) },
      { offset: page.startIndex - 1 },
    )
  }
  const namesOf = async (given: Record<string, unknown>) => (await search(given)).users.map(({ id }) => id)

  test('SF-12: SQL finds the same users as a comparison of all documents', async () => {
    for (const filter of STRINGS.map(path => `${path} ne ""`)) await compareBothWays(filter)
    await fc.assert(
      fc.asyncProperty(fc.array(filters, { minLength: 10, maxLength: 10 }), async given => {
        await Promise.all(given.map(compareBothWays))
      }),
      { numRuns: 50 },
    )

    async function compareBothWays(filter: string) {
      const expected = users.filter(user => matches(readQuery({ filter }).filter as never, toResource(user, '')))
      const found = await search({ filter, count: 200 }).catch((error: { code?: string }) => {
        if (error.code === 'tooMany') return undefined
        throw error
      })
      // A filter with too many comparisons that read a whole attribute is refused.
      if (!found) return
      assert.deepEqual(
        found.users?.map(({ id }: User) => id),
        expected.map(({ id }) => id),
        filter,
      )
      assert.equal(found.total, expected.length)
    }
  })

  test('the index follows every change of a user', async () => {
    const user = {
      ...userAt(100),
      document: { emails: [{ value: 'old@x', type: 'work' }, { value: 'kept@x' }] },
      groups: [],
    }
    await insertUser(db, user)
    const find = async (filter: string) => (await search({ filter })).users.map(({ id }) => id)
    assert.deepEqual(await find('emails eq "old@x"'), ['u100'])
    await updateUser(db, { ...user, userName: 'renamed', document: { emails: [{ value: 'kept@x', type: 'home' }] } })
    assert.deepEqual(await find('emails eq "old@x"'), [])
    assert.deepEqual(await find('emails[type eq "home" and value eq "kept@x"]'), ['u100'])
    assert.deepEqual(await find('userName eq "Renamed"'), ['u100'])
    const stale = await updateUser(db, { ...user, userName: 'stale' }, { readAt: 1 })
    assert.deepEqual([stale, await find('userName eq "stale"')], ['changed_meanwhile', []])
    const taken = await updateUser(db, { ...user, userName: users[0]?.userName ?? '' })
    assert.deepEqual([taken, await find('emails eq "kept@x"')], ['user_name_taken', ['u100']])
    await deleteUser(db, tenantId, 'u100')
    assert.deepEqual(await find('emails eq "kept@x" or userName eq "renamed"'), [])
  })

  test('SF-17: a search returns users of one organization, in the order of creation, with the total of all pages', async () => {
    assert.equal((await search({})).total, 60)
    assert.deepEqual(
      (await search({}, other)).users.map(({ id }) => id),
      ['elsewhere'],
    )
    assert.deepEqual((await search({ filter: 'userName pr' }, other)).total, 1)
    const pages = await Promise.all([1, 26, 51].map(startIndex => namesOf({ startIndex, count: 25 })))
    assert.deepEqual(
      pages.flat(),
      users.map(({ id }) => id),
    )
    assert.deepEqual(await namesOf({ count: 0 }), [])
    assert.deepEqual(await namesOf({ startIndex: 1000 }), [])
  })

  test('SF-19: users are sorted by the primary value, and those without one come last', async () => {
    const sorted = await namesOf({ sortBy: 'userName', count: 200 })
    assert.deepEqual(await namesOf({ sortBy: 'userName', sortOder: 'descending', count: 200 }), sorted.toReversed())
    const byEmail = await search({ sortBy: 'emails.value', count: 200 })
    const keys = byEmail.users.map(({ document: { emails = [] } }) => {
      const list = emails as { primary?: boolean; value?: string }[]
      return (list.find(({ primary }) => primary) ?? list[0])?.value?.toLowerCase()
    })
    const present = keys.filter(key => key !== undefined)
    assert.deepEqual(keys.slice(present.length), keys.slice(present.length).fill(undefined))
    // Keys are cut, so long ones are equal.
    const cut = present.map(key => Buffer.from(key.slice(0, 255)))
    assert.deepEqual(cut.toSorted(Buffer.compare), cut)
    assert.deepEqual(await namesOf({ sortBy: 'meta.lastModified', count: 2 }), ['u59', 'u58'])
    assert.throws(() => readQuery({ sortBy: 'addresses' }), { code: 'invalidValue' })
  })

  test('SF-18: paging by cursor returns every user once while others are added and deleted', async () => {
    const seen: string[] = []
    let position: { after: number } | { offset: number } | undefined = { offset: 0 }
    const { page } = readQuery({ count: 7 })
    while (position) {
      const found = await findUsers(db, root, { page }, position)
      seen.push(...found.users.map(({ id }) => id))
      if (seen.length === 14) {
        await deleteUser(db, tenantId, 'u3')
        await insertUser(db, { ...userAt(3), id: 'added' })
      }
      position = found.next as typeof position
    }
    assert.deepEqual(seen, [...users.map(({ id }) => id), 'added'])
    await deleteUser(db, tenantId, 'added')
    await insertUser(db, userAt(3))
  })

  test('a filter that would read too much is refused', async () => {
    const scan = (text: string) => `emails co "${text}"`
    const filter = Array.from({ length: 20 }, (_, index) => scan(String(index))).join(' or ')
    await assert.rejects(search({ filter }), { code: 'tooMany', status: 400 })
    assert.equal((await search({ filter: scan('nobody') })).total, 0)
  })
})
