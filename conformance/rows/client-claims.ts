import assert from 'node:assert/strict'
import { decodeJwt } from 'jose'
import type { Json } from '../extension-under-test.ts'
import { type Issued, request } from '../requests.ts'
import { row, type Section } from '../row.ts'
import type { Client, Stage } from '../stage.ts'
import { addConfigured } from './client-under-test.ts'

const PASSWORD: Json = { grantTypes: ['password', 'client_credentials'] }
const SCOPE = 'openid profile email groups'

async function tokensOf(stage: Stage, client: Client, user = stage.user, scope = SCOPE): Promise<Issued> {
  const form = { grant_type: 'password', username: user.userName, password: user.password, scope }
  const issued = await stage.token(client, form)
  assert.equal(issued.status, 200, JSON.stringify(issued.body))
  return issued
}

/** The same claims at userinfo and in the ID token. */
async function claimsOf(stage: Stage, issued: Issued): Promise<Json[]> {
  const headers = { authorization: `Bearer ${issued.body.access_token}` }
  const { body } = await request(`${stage.base}/oauth2/userinfo`, { headers })
  return [body, decodeJwt(issued.body.id_token)]
}

function requesting(...names: string[]): Json {
  const requestedClaims = names.map(name => ({ claim: { uri: `http://wso2.org/claims/${name}` }, mandatory: false }))
  return { claimConfiguration: { dialect: 'LOCAL', requestedClaims } }
}

/** Claims about the user, and the members of introspection. */
export const clientClaims: Section = {
  title: 'Claims',
  rows: [
    row('CL-65', 'scope profile: `username`, `name`, and `updated_at` as a number', async stage => {
      const client = await addConfigured(stage, PASSWORD)
      for (const claims of await claimsOf(stage, await tokensOf(stage, client))) {
        assert.equal(claims.username, stage.user.userName)
        assert.match(claims.name, /^Mira/)
        assert(Number.isInteger(claims.updated_at) && claims.updated_at > 1_600_000_000, String(claims.updated_at))
      }
    }),
    row(
      'CL-66',
      'requestedClaims names username only, scopes profile email: `username`, not `given_name`, not `email`',
      async stage => {
        const client = await addConfigured(stage, PASSWORD, requesting('username'))
        for (const claims of await claimsOf(stage, await tokensOf(stage, client))) {
          assert.equal(claims.username, stage.user.userName)
          for (const name of ['given_name', 'email', 'name', 'groups']) assert.equal(name in claims, false, name)
        }
      },
    ),
    row('CL-67', 'no requestedClaims: all claims of the scopes', async stage => {
      const user = await stage.addUser({ attributes: { emails: ['mira@example.com'] } })
      for (const more of [{}, { claimConfiguration: { dialect: 'LOCAL', requestedClaims: [] } }]) {
        const client = await addConfigured(stage, PASSWORD, more)
        for (const claims of await claimsOf(stage, await tokensOf(stage, client, user))) {
          for (const name of ['username', 'given_name', 'email', 'groups']) assert(name in claims, name)
        }
      }
    }),
    row('CL-68', 'one group: `groups` is a list of one', async stage => {
      const client = await addConfigured(stage, PASSWORD)
      const user = await stage.addUser({ groups: ['staff'] })
      for (const claims of await claimsOf(stage, await tokensOf(stage, client, user))) {
        assert.deepEqual(claims.groups, ['staff'])
      }
    }),
    row(
      'CL-69',
      'introspection: the token of a user: `username`, `org_id`, `aut`, `jti`; of an application: no `username`',
      async stage => {
        const client = await addConfigured(stage, PASSWORD)
        const introspect = async ({ body }: Issued) =>
          (await stage.post('/oauth2/introspect', client, { token: body.access_token })).body
        const ofUser = await introspect(await tokensOf(stage, client))
        assert.equal(ofUser.username, stage.user.userName)
        assert.deepEqual([ofUser.org_id, ofUser.aut], [stage.organization.id, 'APPLICATION_USER'])
        assert.equal(typeof ofUser.jti, 'string')
        const ofApplication = await introspect(await stage.token(client, { grant_type: 'client_credentials' }))
        assert.deepEqual([ofApplication.active, ofApplication.aut], [true, 'APPLICATION'])
        assert.equal('username' in ofApplication, false)
      },
    ),
  ],
}
