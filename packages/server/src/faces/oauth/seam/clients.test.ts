/** What this take-over uses of oidc-provider. After a change of the pinned version these tests show what changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stageSeam } from './seam.fixture.ts'

const stage = stageSeam()

test('a grant type that the client may not use is unauthorized_client', async () => {
  const { status, body } = await stage.post(
    '/token',
    { grant_type: 'authorization_code', code: 'c', redirect_uri: 'http://127.0.0.1/callback' },
    'machine:secret',
  )
  assert.deepEqual([status, body.error], [400, 'unauthorized_client'])
})

test('checking whether a client may refresh is not an error', async () => {
  const machine = await stage.provider.Client.find('machine')
  assert.equal(machine?.grantTypeAllowed('refresh_token'), false)
})

test('a response type that the client may not use is unauthorized_client', async () => {
  const { searchParams } = new URL(
    (
      await fetch(
        `${stage.base}/auth?client_id=machine&response_type=code&scope=openid&redirect_uri=http://127.0.0.1/callback`,
        { redirect: 'manual' },
      )
    ).headers.get('location') ?? '',
  )
  assert.equal(searchParams.get('error'), 'unauthorized_client')
})

test('registered callbacks are accepted unchanged', async () => {
  const { Client } = stage.provider as unknown as { Client: new (metadata: object) => { redirectUris: string[] } }
  const redirect_uris = ['com.example.app:/callback', 'http://app.example.com/callback']
  const client = new Client({ client_id: 'native', client_secret: 'secret', redirect_uris })
  assert.deepEqual(client.redirectUris, redirect_uris)
})
