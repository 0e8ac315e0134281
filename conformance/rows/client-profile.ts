import assert from 'node:assert/strict'
import { request } from '../requests.ts'
import { row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'

const PLAIN = 'application/json'
const SCIM = 'application/scim+json'
const PASSWORD_GRANT = ['authorization_code', 'password', 'client_credentials']

/** The stage's user signs in at an application that is authorized for no API. */
async function signIn(stage: Stage) {
  const client = await stage.addApplication({ grantTypes: PASSWORD_GRANT })
  const { userName: username, password } = stage.user
  const scope = 'openid profile internal_login'
  const issued = await stage.token(client, { grant_type: 'password', scope, username, password })
  return { client, issued, authorization: `Bearer ${issued.body.access_token}` }
}

function typeOf({ headers }: { headers: Headers }): string | undefined {
  return headers.get('content-type')?.split(';')[0]
}

/** What Asgardeo's SDKs call after the sign-in. */
export const clientProfile: Section = {
  title: 'The profile of the signed-in user',
  rows: [
    row('CL-12', '`/scim2/Me` with `Accept: application/json`: that media type; with `*/*`: scim+json', async stage => {
      const { authorization } = await signIn(stage)
      for (const [accept, type] of [
        [PLAIN, PLAIN],
        ['application/json, text/plain, */*', PLAIN],
        ['*/*', SCIM],
        [SCIM, SCIM],
        [`${SCIM}, ${PLAIN}`, SCIM],
      ] as const) {
        const me = await request(`${stage.base}/scim2/Me`, { headers: { accept, authorization } })
        assert.deepEqual([me.status, typeOf(me), me.body.userName], [200, type, stage.user.userName], accept)
        const refused = await request(`${stage.base}/scim2/Me`, { headers: { accept } })
        assert.deepEqual([refused.status, typeOf(refused)], [401, type], accept)
      }
    }),
    row(
      'CL-13',
      '`/scim2/Schemas` with `Accept: application/json`: an array with `STRING` and `READ_WRITE`; with scim+json: a ListResponse',
      async stage => {
        const url = `${stage.base}/scim2/Schemas`
        const plain = await request(url, { headers: { accept: PLAIN } })
        assert(Array.isArray(plain.body))
        const attributes = plain.body.flatMap(schema => schema.attributes)
        const find = (name: string, list = attributes) => list.find(attribute => attribute.name === name)
        const givenName = find('givenName', find('name').subAttributes)
        assert.deepEqual([givenName.type, givenName.mutability], ['STRING', 'READ_WRITE'])
        assert.deepEqual([find('userName').mutability, find('emails').multiValued], ['READ_ONLY', true])
        assert.match(givenName.displayOrder, /^\d+$/)
        const standard = await request(url, { headers: { accept: SCIM } })
        assert.deepEqual([typeOf(standard), Array.isArray(standard.body.Resources)], [SCIM, true])
      },
    ),
    row(
      'CL-14',
      'scope `openid profile internal_login` at an application without APIs: granted, and `/scim2/Me` answers',
      async stage => {
        const { authorization, issued } = await signIn(stage)
        assert.deepEqual(
          new Set(String(issued.body.scope).split(' ')),
          new Set(['openid', 'profile', 'internal_login']),
        )
        assert.equal((await request(`${stage.base}/scim2/Me`, { headers: { authorization } })).status, 200)
        const others = await request(`${stage.base}/scim2/Users`, { headers: { authorization } })
        assert.equal(others.status, 403)
      },
    ),
    row('CL-15', 'client_credentials with `openid internal_login`: granted neither', async stage => {
      const { client } = await signIn(stage)
      const issued = await stage.token(client, { grant_type: 'client_credentials', scope: 'openid internal_login' })
      assert.deepEqual([issued.status, issued.body.scope ?? ''], [200, ''])
    }),
  ],
}
