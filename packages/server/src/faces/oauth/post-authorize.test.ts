import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CALLBACK } from '../../ground/pages/browser.fixture.ts'
import type { Application } from '../../ground/store/model.ts'
import { startWorld, type World } from '../../world.fixture.ts'

let world: World
let application: Application
before(async () => {
  world = await startWorld()
  application = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
})
after(() => world.close())

function post(form: [string, string][] | string, contentType?: string) {
  return fetch(`${world.base}/oauth2/authorize`, {
    method: 'POST',
    redirect: 'manual',
    ...(contentType === undefined ? {} : { headers: { 'content-type': contentType } }),
    body: typeof form === 'string' ? form : new URLSearchParams(form),
  })
}

const request = (): [string, string][] => [
  ['client_id', application.clientId],
  ['redirect_uri', CALLBACK],
  ['response_type', 'code'],
  ['scope', 'openid'],
  ['state', 's'],
]

test('the address of the following GET contains nothing of the form except the client', async () => {
  const response = await post(request())
  assert.equal(response.status, 303)
  const { pathname, searchParams } = new URL(response.headers.get('location') ?? '', world.base)
  assert.equal(`${world.server.address}${pathname}`, `${world.base}/oauth2/authorize`)
  assert.deepEqual([...searchParams.keys()], ['client_id', 'request_uri'])
})

test('a repeated parameter is refused', async () => {
  const { headers } = await post([...request(), ['scope', 'openid profile']])
  const page = await fetch(new URL(headers.get('location') ?? '', world.base), { redirect: 'manual' })
  const location = page.headers.get('location')
  const error = location === null ? await page.text() : new URL(location).searchParams.get('error')
  assert.match(error ?? '', /invalid_request/)
})

test('an unknown client sees an error page, not a redirect', async () => {
  const { headers } = await post(request().map(([name, value]) => [name, name === 'client_id' ? 'nobody' : value]))
  const page = await fetch(new URL(headers.get('location') ?? '', world.base), { redirect: 'manual' })
  assert.equal(page.status, 400)
  assert.match(await page.text(), /invalid_client/)
})

test('a body that is not a form, and a form that is too large, are refused', async () => {
  assert.equal((await post('{}', 'application/json')).status, 400)
  const { status } = await post([...request(), ['claims', 'x'.repeat(60_000)]])
  assert.equal(status, 400)
})

for (const name of ['client_secret', 'password']) {
  test(`${name} in the address is refused before anything else`, async () => {
    const query = new URLSearchParams([...request(), [name, 'secret']])
    const response = await fetch(`${world.base}/oauth2/authorize?${query}`, { redirect: 'manual' })
    assert.equal(response.status, 400)
    assert.match(await response.text(), new RegExp(`${name} must not be in the address`))
  })
}
