import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importEnrolments } from './index.ts'
import { adminKey, begin, defaults, ines, pin, startAuthenticator, stepOne } from './platform.fixture.ts'

test('a PIN is set, shown without itself, replaced and deleted', async () => {
  await using running = await startAuthenticator()
  const claims = [{ uri: 'http://wso2.org/claims/givenname', value: 'Ines' }]
  assert.equal(
    (await running.administer('PUT', ines.id, { pin, username: ' Ines ', claims, groups: ['ops'] })).status,
    204,
  )
  const shown = await running.administer('GET', ines.id)
  assert.deepEqual(await shown.json(), {
    userId: ines.id,
    username: 'ines',
    claims,
    groups: ['ops'],
    updatedAt: new Date(running.clock.now).toISOString(),
  })
  assert.equal((await running.administer('PUT', ines.id, { pin: '570813' })).status, 204)
  const { browser, page } = await begin(running)
  const wrong = await browser.send(page, { pin })
  assert.match(wrong.alert ?? '', /not right/, 'the earlier PIN is')
  assert.ok((await browser.send(wrong, { pin: '570813' })).forward)
  assert.equal((await running.administer('DELETE', ines.id)).status, 204)
  assert.equal((await running.administer('DELETE', ines.id)).status, 204, 'a repetition changes nothing')
  assert.equal((await running.administer('GET', ines.id)).status, 404)
})

const refused: [what: string, body: unknown, problem: RegExp][] = [
  ['nothing', undefined, /./],
  ['no PIN', { username: 'ines' }, /^pin: /],
  ['a number for a PIN', { pin: 482915 }, /^pin: /],
  ['a short PIN', { pin: '4829' }, /^pin: must be 6 to 12 digits/],
  ['a PIN that counts', { pin: '345678' }, /^pin: must not count/],
  ['a PIN of the user name', { pin, username: 'ines482915' }, /^pin: .*user name/],
  ['an empty user name', { pin, username: '  ' }, /^username: /],
  ['a misspelt field', { pin, user: 'ines' }, /user/],
  ['a claim without a value', { pin, claims: [{ uri: 'u' }] }, /^claims\.0\.value: is missing/],
  ['the groups as a claim', { pin, claims: [{ uri: 'http://wso2.org/claims/groups', value: 'ops' }] }, /use groups/],
  ['AU-21: a group with a comma', { pin, groups: ['a,b'] }, /^groups\.0: must not contain a comma/],
]
for (const [what, body, problem] of refused) {
  test(`an enrolment with ${what} is rejected without repeating a PIN`, async () => {
    await using running = await startAuthenticator()
    const response = await running.administer('PUT', ines.id, body)
    assert.equal(response.status, 400)
    const { problems } = (await response.json()) as { problems: string[] }
    assert.match(problems.join('\n'), problem)
    assert.ok(!problems.join().includes(pin))
    assert.equal((await running.administer('GET', ines.id)).status, 404)
  })
}

test('a user name belongs to one user', async () => {
  await using running = await startAuthenticator()
  await running.administer('PUT', 'user-1', { pin, username: 'ines' })
  const response = await running.administer('PUT', 'user-2', { pin, username: 'INES' })
  assert.equal(response.status, 409)
  assert.match(await response.text(), /in use by another user/)
})

test('a body that is not JSON or too large is rejected', async () => {
  await using running = await startAuthenticator()
  const put = (body: string) =>
    fetch(`${running.url}/pins/u`, { method: 'PUT', headers: { authorization: `Bearer ${adminKey}` }, body })
  assert.equal((await put('{')).status, 400)
  assert.equal((await put(JSON.stringify({ pin, username: 'x'.repeat(70_000) }))).status, 413)
})

test('only an administrator may enrol', async () => {
  await using running = await startAuthenticator()
  for (const authorization of ['', 'Bearer wrong', `Basic ${adminKey}`, `Bearer ${defaults.callerSecrets[0]}`]) {
    for (const method of ['PUT', 'GET', 'DELETE']) {
      const body = method === 'PUT' ? { body: JSON.stringify({ pin }) } : {}
      const response = await fetch(`${running.url}/pins/${ines.id}`, { method, headers: { authorization }, ...body })
      assert.ok([400, 401].includes(response.status), `${method} ${authorization.slice(0, 6)}: ${response.status}`)
    }
  }
  assert.equal((await running.administer('GET', ines.id)).status, 404)
})

test('without administrator keys there is no enrolment API', async () => {
  await using running = await startAuthenticator({ adminKeys: [] })
  assert.equal((await running.administer('PUT', ines.id, { pin })).status, 404)
})

test('a locked user is shown as locked, and a new PIN unlocks the user', async () => {
  await using running = await startAuthenticator({ userAttempts: 3, entryAttempts: 3 })
  await running.administer('PUT', ines.id, { pin })
  const { browser, page } = await begin(running)
  let shown = page
  for (let time = 0; time < 3; time++) shown = await browser.send(shown, { pin: '570813' })
  const until = new Date(running.clock.now + 900_000).toISOString()
  const state = async () => (await (await running.administer('GET', ines.id)).json()) as { lockedUntil?: string }
  assert.equal((await state()).lockedUntil, until)
  await running.administer('PUT', ines.id, { pin: '639172' })
  assert.equal((await state()).lockedUntil, undefined)
  const next = await begin(running)
  assert.ok((await next.browser.send(next.page, { pin: '639172' })).forward)
})

test('a file of users is enrolled line by line, and invalid lines are listed without their content', async () => {
  await using running = await startAuthenticator({ mode: 'internal' })
  async function* lines(): AsyncGenerator<string> {
    yield JSON.stringify({ userId: ines.id, username: 'ines', pin })
    yield ''
    yield '{"userId": "u3", "pin": "482915'
    yield JSON.stringify({ pin })
    yield JSON.stringify({ userId: 'u5', pin: '111111' })
    yield JSON.stringify({ userId: 'u6', username: 'noor', pin: '570813' })
  }
  const { enrolled, problems } = await importEnrolments(lines(), running.authenticator.enrolment)
  assert.equal(enrolled, 2)
  assert.deepEqual(problems.toSorted(), [
    'line 3: must be one JSON object',
    'line 4: must be a JSON object with a userId',
    'line 5: pin: must have at least 3 different digits',
  ])
  const { browser, page } = await begin(running, { event: stepOne })
  assert.ok((await browser.send(page, { username: 'ines', pin })).forward)
})
