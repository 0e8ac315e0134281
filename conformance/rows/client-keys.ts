import assert from 'node:assert/strict'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import type { Json } from '../extension-under-test.ts'
import { idOf, request } from '../requests.ts'
import { row, type Section } from '../row.ts'
import type { Client, Stage } from '../stage.ts'
import { applicationBody, discover } from './client-under-test.ts'

/** ID token and access token of the stage's user by the password grant. */
async function tokensOf(stage: Stage, client: Client): Promise<{ id_token: string; access_token: string }> {
  const { userName: username, password } = stage.user
  const { status, body } = await stage.token(client, { grant_type: 'password', username, password, scope: 'openid' })
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

/** Signing keys and algorithms. */
export const clientKeys: Section = {
  title: 'Keys and algorithms',
  rows: [
    row(
      'CL-01',
      'fresh server: discovery lists RS256 first, the ID token is RS256 with a `kid` of the JWKS',
      async stage => {
        const { id_token_signing_alg_values_supported, jwks_uri } = await discover(stage)
        assert.deepEqual(id_token_signing_alg_values_supported, ['RS256', 'ES256', 'PS256'])
        const { body: jwks } = await request(jwks_uri, {})
        for (const token of Object.values(await tokensOf(stage, stage.web)).filter(value =>
          /^ey/.test(String(value)),
        )) {
          const { alg, kid } = decodeProtectedHeader(String(token))
          assert.equal(alg, 'RS256')
          assert(jwks.keys.some((key: Json) => key.kid === kid && key.alg === 'RS256'))
          await jwtVerify(String(token), createRemoteJWKSet(new URL(jwks_uri)))
        }
      },
    ),
    row('CL-21', 'JWKS: RS256 and ES256, each with its own `kid`, public members only', async stage => {
      const { body } = await request(`${stage.base}/oauth2/jwks`, {})
      const algorithms = body.keys.map(({ alg }: Json) => alg)
      assert(
        ['RS256', 'ES256'].every(alg => algorithms.includes(alg)),
        algorithms.join(),
      )
      assert.equal(new Set(body.keys.map(({ kid }: Json) => kid)).size, body.keys.length)
      for (const key of body.keys) for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert(!(secret in key))
    }),
    row(
      'CL-22',
      '`idTokenSignedResponseAlg` PS256: the ID token is PS256, GET gives it back; ES256 likewise; HS256: 400',
      async stage => {
        for (const alg of ['PS256', 'ES256', 'RS256'] as const) {
          const client = await stage.addApplication({
            grantTypes: ['password'],
            idToken: { idTokenSignedResponseAlg: alg },
          })
          const { id_token } = await tokensOf(stage, client)
          const { protectedHeader } = await jwtVerify(
            id_token,
            createRemoteJWKSet(new URL(`${stage.base}/oauth2/jwks`)),
          )
          assert.equal(protectedHeader.alg, alg)
          const path = `/api/server/v1/applications/${client.id}/inbound-protocols/oidc`
          assert.equal((await stage.must('GET', path)).body.idToken.idTokenSignedResponseAlg, alg)
        }
        const refused = await stage.call(
          'POST',
          '/api/server/v1/applications',
          applicationBody({ grantTypes: ['password'], idToken: { idTokenSignedResponseAlg: 'HS256' } }),
        )
        assert.equal(refused.status, 400)
        assert.match(refused.body.description, /idTokenSignedResponseAlg/)
        assert.equal(idOf(refused), '')
      },
    ),
    row(
      'CL-25',
      'tokens signed before the algorithm was changed: they verify, and the algorithm that was chosen stays',
      async stage => {
        const before = await stage.server.restarted({ port: 0, tokenAlgorithm: 'ES256' })
        const { userName: username, password } = stage.user
        const form = { grant_type: 'password', username, password, scope: 'openid' }
        try {
          const there = before.socket + stage.base.slice(stage.server.address.length)
          const { body } = await stage.post(`${there}/oauth2/token`, stage.web, form)
          assert.equal(decodeProtectedHeader(body.id_token).alg, 'ES256')
          const keys = createRemoteJWKSet(new URL(`${stage.base}/oauth2/jwks`))
          await jwtVerify(body.id_token, keys)
          const { body: state } = await stage.post('/oauth2/introspect', stage.web, { token: body.access_token })
          assert.equal(state.active, true)
        } finally {
          await before.close()
        }
      },
    ),
  ],
}
