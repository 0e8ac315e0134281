import assert from 'node:assert/strict'
import type { Json } from '../extension-under-test.ts'
import { request } from '../requests.ts'
import { notApplicable, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { CORE, ENTERPRISE, find, idsOf, makeGroup, makeUser, newName, read, WSO2 } from './scim-under-test.ts'

/** Finds exactly these users with each filter. */
async function assertFinds(stage: Stage, users: readonly Json[], ...filters: string[]): Promise<void> {
  for (const filter of filters) {
    assert.deepEqual(
      await idsOf(stage, filter),
      users.map(({ id }) => id),
      filter,
    )
  }
}

async function assertInvalid(stage: Stage, ...filters: string[]): Promise<void> {
  for (const filter of filters) {
    const { body, status } = await stage.call('GET', `/scim2/Users?${new URLSearchParams({ filter })}`)
    assert.deepEqual([status, body.scimType], [400, 'invalidFilter'], filter)
  }
}

export const scimFilters: Section = {
  title: 'Filters and lists',
  rows: [
    row('SF-01', 'backslashes and quotation marks with the escapes of JSON', async stage => {
      const userName = newName('dom\\user')
      const user = await makeUser(stage, { userName, displayName: `say "hi" ${userName}` })
      await assertFinds(
        stage,
        [user],
        `userName eq ${JSON.stringify(userName)}`,
        `displayName eq ${JSON.stringify(user.displayName)}`,
      )
    }),
    row('SF-02', '`((userName eq "x"))`; and, or, not with their precedence', async stage => {
      const { userName } = await makeUser(stage)
      const [user] = (await find(stage, `userName eq "${userName}"`)).Resources
      const own = `userName eq "${userName}"`
      await assertFinds(
        stage,
        [user],
        `((${own}))`,
        `title eq "none" and title eq "x" or ${own}`,
        `${own} and not (title pr)`,
      )
      await assertFinds(stage, [], `${own} and (title eq "a" or title eq "b")`)
    }),
    row('SF-03', 'values without quotation marks; `Eq` and `USERNAME`', async stage => {
      const user = await makeUser(stage)
      await assertFinds(stage, [user], `USERNAME Eq ${user.userName}`, `userName sw ${user.userName.slice(0, -1)}`)
    }),
    row(
      'SF-04',
      '`emails[type eq "work"].value eq "x"` is `emails[type eq "work" and value eq "x"]`; another type: 0',
      async stage => {
        const value = `${newName()}@example.com`
        const user = await makeUser(stage, { emails: [{ type: 'work', value }] })
        await assertFinds(
          stage,
          [user],
          `emails[type eq "work"].value eq "${value}"`,
          `emails[type eq "work" and value eq "${value}"]`,
        )
        await assertFinds(stage, [], `emails[type eq "home" and value eq "${value}"]`)
      },
    ),
    row('SF-05', '`emails.value co "a" or name.familyName sw "b"`', async stage => {
      const [mail, family] = [newName('mail'), newName('family')]
      const users = [
        await makeUser(stage, { emails: [`x.${mail}@x`] }),
        await makeUser(stage, { name: { familyName: `${family}x` } }),
      ]
      await assertFinds(stage, users, `emails.value co "${mail}" or name.familyName sw "${family.toUpperCase()}"`)
    }),
    row('SF-06', '`title co "sequence"`: the operator is read as such', async stage => {
      const title = newName('a sequence')
      await assertFinds(stage, [await makeUser(stage, { title })], `title co "${title.slice(2)}"`)
    }),
    row('SF-07', '`ne` and `not` hold for absent attributes; `pr`; `eq null`', async stage => {
      const user = await makeUser(stage)
      const own = `userName eq "${user.userName}"`
      await assertFinds(
        stage,
        [user],
        `${own} and title ne "x"`,
        `${own} and not (title eq "x")`,
        `${own} and title eq null`,
      )
      await assertFinds(stage, [], `${own} and title pr`, `${own} and userName eq null`)
    }),
    row('SF-08', '`externalId` by its case, and attributes of the extensions by URN', async stage => {
      const externalId = newName('Ext')
      const attributes = {
        externalId,
        [ENTERPRISE]: { department: externalId },
        [WSO2]: { mobileNumbers: [externalId] },
      }
      const user = await makeUser(stage, attributes)
      const lower = externalId.toLowerCase()
      await assertFinds(
        stage,
        [user],
        `externalId eq "${externalId}"`,
        `${ENTERPRISE}:department eq "${lower}"`,
        `${WSO2}:mobileNumbers eq "${lower}"`,
      )
      await assertFinds(stage, [], `externalId eq "${lower}"`)
    }),
    row(
      'SF-09',
      '`groups.display eq`, `groups.value eq`, and `groups eq` with a name beside other comparisons',
      async stage => {
        const user = await makeUser(stage, { name: { givenName: 'B' } })
        const group = await makeGroup(stage, [user])
        await assertFinds(
          stage,
          [user],
          `groups.display eq "${group.displayName.toUpperCase()}"`,
          `groups.value eq "${group.id}"`,
          `userName sw ${user.userName.slice(0, 8)} and name.givenName eq b and groups eq ${group.displayName}`,
        )
      },
    ),
    row('SF-10', '`meta.lastModified gt` with `Z` and with an offset', async stage => {
      const user = await makeUser(stage)
      const at = Date.parse(user.meta.lastModified)
      const own = `userName eq "${user.userName}" and meta.lastModified`
      const offset = new Date(at - 1 + 7_200_000).toISOString().replace('Z', '+02:00')
      await assertFinds(stage, [user], `${own} gt "${new Date(at - 1).toISOString()}"`, `${own} gt "${offset}"`)
      await assertFinds(stage, [], `${own} gt "${new Date(at).toISOString()}"`)
    }),
    row('SF-11', 'unknown attribute, `password`, 300 nested parentheses, missing value: 400 invalidFilter', stage =>
      assertInvalid(
        stage,
        'shoeSize eq 5',
        'password eq "x"',
        `${'('.repeat(300)}title pr${')'.repeat(300)}`,
        'title eq',
      ),
    ),
    row('SF-12', 'what the index answers is what comparing every user answers', async stage => {
      for (const filter of [
        'userName pr',
        'emails co "e"',
        'name.givenName eq "Mira"',
        'not (emails pr)',
        'title ne "x"',
        'active eq true',
      ]) {
        // The second part holds for everybody, but no index answers it.
        const compared = `(${filter}) and (addresses pr or not (addresses pr))`
        assert.deepEqual(await idsOf(stage, filter), await idsOf(stage, compared), filter)
      }
    }),
    row(
      'SF-13',
      '200,000 users: `emails eq` under 10 ms',
      notApplicable('`npm run bench -- scim` measures it, see bench/README.md'),
    ),
    row('SF-14', 'POST `/Users/.search`, `/Groups/.search` and `/.search` answer like GET', async stage => {
      const user = await makeUser(stage)
      const group = await makeGroup(stage, [user])
      const body = { filter: `userName eq "${user.userName}"`, attributes: ['userName'] }
      for (const path of ['/scim2/Users/.search', '/scim2/.search']) {
        assert.equal((await stage.must('POST', path, body)).body.Resources[0].id, user.id)
      }
      const found = await stage.must('POST', '/scim2/Groups/.search', {
        filter: `displayName eq "${group.displayName}"`,
      })
      assert.equal(found.body.Resources[0].id, group.id)
    }),
    row('SF-15', '`attributes` with dots, URNs, unknown names and brackets; `schemas` and `id` always', async stage => {
      const user = await makeUser(stage, { name: { givenName: 'A', familyName: 'B' }, emails: ['a@x'], nickName: 'N' })
      const attributes = `name.givenName,${CORE}:nickName,shoeSize,emails[type eq "work"]`
      const { body } = await stage.must('GET', `/scim2/Users/${user.id}?${new URLSearchParams({ attributes })}`)
      const { id, schemas } = user
      assert.deepEqual(body, { schemas, id, name: { givenName: 'A' }, nickName: 'N', emails: [{ value: 'a@x' }] })
    }),
    row(
      'SF-16',
      '`excludedAttributes` of one attribute of an extension keeps the others; `members` of a group',
      async stage => {
        const user = await makeUser(stage, { [ENTERPRISE]: { department: 'D', division: 'V' } })
        const excludedAttributes = `${ENTERPRISE}:department`
        const { body } = await stage.must(
          'GET',
          `/scim2/Users/${user.id}?${new URLSearchParams({ excludedAttributes })}`,
        )
        assert.deepEqual(body[ENTERPRISE], { division: 'V' })
        const group = await makeGroup(stage, [user])
        const without = await stage.must('GET', `/scim2/Groups/${group.id}?excludedAttributes=members`)
        assert.equal('members' in without.body, false)
      },
    ),
    row(
      'SF-17',
      '`startIndex` and `count` absent, 0, negative, beyond and over the maximum; totals are those of all pages',
      async stage => {
        const title = newName('page')
        const users: Json[] = []
        for (let index = 0; index < 5; index++) users.push(await makeUser(stage, { title }))
        const filter = `title eq "${title}"`
        for (const [more, from, to] of [
          [{}, 0, 5],
          [{ count: '0' }, 0, 0],
          [{ count: '-1' }, 0, 0],
          [{ count: '100000' }, 0, 5],
          [{ startIndex: '0', count: '2' }, 0, 2],
          [{ startIndex: '4', count: '2' }, 3, 5],
          [{ startIndex: '99' }, 5, 5],
        ] as const) {
          const { Resources, totalResults } = await find(stage, filter, more)
          assert.equal(totalResults, 5)
          assert.deepEqual(
            Resources.map(({ id }: Json) => id),
            users.slice(from, to).map(({ id }) => id),
          )
        }
      },
    ),
    row('SF-18', 'cursor: every user once while others are added', async stage => {
      const title = newName('cursor')
      const ids: string[] = []
      for (let index = 0; index < 4; index++) ids.push((await makeUser(stage, { title })).id)
      const seen: string[] = []
      for (let cursor: string | undefined = ''; cursor !== undefined; ) {
        const page: Json = await find(stage, `title eq "${title}"`, { cursor, count: '2' })
        seen.push(...page.Resources.map(({ id }: Json) => id))
        if (ids.length === 4) ids.push((await makeUser(stage, { title })).id)
        cursor = page.nextCursor
      }
      assert.deepEqual(seen, ids)
      const foreign = await stage.call('GET', '/scim2/Users?cursor=nonsense')
      assert.deepEqual([foreign.status, foreign.body.scimType], [400, 'invalidCursor'])
    }),
    row('SF-19', '`sortBy` userName descending; `sortOder`, as the reference spells it', async stage => {
      const title = newName('sort')
      const users = [
        await makeUser(stage, { title }),
        await makeUser(stage, { title }),
        await makeUser(stage, { title }),
      ]
      const names = users.map(({ userName }) => userName).toSorted()
      for (const more of [{ sortOrder: 'descending' }, { sortOder: 'descending' }]) {
        const { Resources } = await find(stage, `title eq "${title}"`, { sortBy: 'userName', ...more } as never)
        assert.deepEqual(
          Resources.map(({ userName }: Json) => userName),
          names.toReversed(),
        )
      }
    }),
    row('SF-20', 'wrong method 405, unknown path 404, no credentials 401: error bodies of SCIM', async stage => {
      const answers = [
        await stage.call('PATCH', '/scim2/Users', {}),
        await stage.call('GET', '/scim2/Nothing'),
        await request(`${stage.base}/scim2/Users`, {}),
      ]
      for (const [index, status] of [405, 404, 401].entries()) {
        const { body, status: answered } = answers[index] as (typeof answers)[number]
        assert.deepEqual(
          [answered, body.status, body.schemas],
          [status, String(status), ['urn:ietf:params:scim:api:messages:2.0:Error']],
        )
      }
      assert.equal((await read(stage, await makeUser(stage))).status, 200)
    }),
  ],
}
