import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { type RangeStandIn, type RangeStandInOptions, startRangeStandIn } from './range-stand-in.ts'

async function start(context: TestContext, options: RangeStandInOptions = {}): Promise<RangeStandIn> {
  const standIn = await startRangeStandIn(options)
  context.after(() => standIn.close())
  return standIn
}

const PREFIX = '21BD1'
const REST = '2DC183F740EE76F27B78EB39C8AD972A757'

test('a range has the known password with its count among lines of digests, with CRLF and sorted', async context => {
  assert.equal(hash('sha1', 'P@ssw0rd').toUpperCase(), PREFIX + REST)
  const { url } = await start(context, { passwords: { 'P@ssw0rd': 5 } })
  const response = await fetch(`${url}/range/${PREFIX}`)
  assert.equal(response.status, 200)
  const lines = (await response.text()).split('\r\n')
  assert.ok(lines.includes(`${REST}:5`))
  assert.ok(lines.every(line => /^[0-9A-F]{35}:[1-9]\d*$/.test(line)))
  assert.deepEqual(lines, lines.toSorted())
  assert.equal(new Set(lines).size, lines.length)
  const lower = await fetch(`${url}/range/${PREFIX.toLowerCase()}`)
  assert.equal(await lower.text(), lines.join('\r\n'))
})

test('padding adds lines with the count 0, and only on request', async context => {
  const { url } = await start(context)
  const padded = await (await fetch(`${url}/range/00000`, { headers: { 'add-padding': 'true' } })).text()
  const bare = await (await fetch(`${url}/range/00000`)).text()
  assert.ok(padded.split('\r\n').length >= 800)
  assert.ok(padded.includes(':0\r\n') && !/:0\r?$/m.test(bare))
})

test('an invalid prefix gets 400, another path 404, and a client without a user agent 403', async context => {
  const { url } = await start(context)
  for (const [path, status] of [
    ['/range/21BD', 400],
    ['/range/21BD1F', 400],
    ['/range/21BDX', 400],
    ['/breaches', 404],
  ] as const) {
    const response = await fetch(url + path)
    await response.text()
    assert.equal(response.status, status)
  }
  const status = await new Promise(resolve =>
    request(`${url}/range/00000`, ({ statusCode }) => resolve(statusCode)).end(),
  )
  assert.equal(status, 403)
})

test('failures can be set over HTTP, and an unknown one is rejected with the valid ones', async context => {
  const { url, requests } = await start(context)
  const put = (body: string) => fetch(`${url}/fault`, { method: 'PUT', body })
  assert.equal((await put('503')).status, 204)
  assert.equal((await fetch(`${url}/range/00000`)).status, 503)
  assert.equal((await put('null')).status, 204)
  assert.equal((await fetch(`${url}/range/00000`)).status, 200)
  const refused = await put('"tired"')
  assert.equal(refused.status, 400)
  assert.match(await refused.text(), /"slow"/)
  assert.equal(requests.length, 2)
})
