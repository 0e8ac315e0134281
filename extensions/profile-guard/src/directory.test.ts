import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { checkDirectoryUrl, createDirectory } from './directory.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A directory on its own port. It is closed after the tests. */
async function startDirectory(answer: Answer) {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const status =
  (code: number): Answer =>
  (_, response) =>
    response.writeHead(code).end()
const json =
  (body: unknown): Answer =>
  (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
/** A deadline far away. */
const patient = { remainingMs: 10_000 }

test('200 is known, 404 is unknown, anything else is unavailable', async () => {
  for (const [code, answer] of [
    [200, 'known'],
    [404, 'unknown'],
    [500, 'unavailable'],
    [401, 'unavailable'],
    [204, 'unavailable'],
  ] as const) {
    const { origin } = await startDirectory(status(code))
    const directory = createDirectory({ url: `${origin}/departments/{value}` })
    assert.equal(await directory.knows(['Geology'], 'u1', patient), answer, String(code))
  }
})

test('the meaning of the statuses is a setting', async () => {
  const { origin } = await startDirectory((request, response) =>
    status(request.url === '/a' ? 204 : 410)(request, response),
  )
  const directory = createDirectory({ url: `${origin}/{value}`, foundStatuses: [204], absentStatuses: [410] })
  assert.equal(await directory.knows(['a'], 'u1', patient), 'known')
  assert.equal(await directory.knows(['b'], 'u1', patient), 'unknown')
})

test('the value and the user id are URL-encoded, and the header is sent', async () => {
  const { origin, asked } = await startDirectory(status(200))
  const directory = createDirectory({
    url: `${origin}/people/{userId}/departments?name={value}`,
    header: { name: 'authorization', value: 'Bearer d1r' },
  })
  await directory.knows(['R&D/ops?x=1#é'], '../admin', patient)
  assert.equal(asked[0]?.url, '/people/..%2Fadmin/departments?name=R%26D%2Fops%3Fx%3D1%23%C3%A9')
  assert.equal(asked[0]?.headers.authorization, 'Bearer d1r')
  assert.equal(asked[0]?.method, 'GET')
})

test('a value that would address another resource, or none, is unknown without a lookup', async () => {
  const { origin, asked } = await startDirectory(status(200))
  const directory = createDirectory({ url: `${origin}/departments/{value}/{userId}` })
  for (const value of ['.', '..', '', 'x'.repeat(257), '\ud800']) {
    assert.equal(await directory.knows([value], 'u1', patient), 'unknown')
  }
  assert.equal(await directory.knows(['Geology'], undefined, patient), 'unknown')
  assert.equal(await directory.knows(Array.from({ length: 21 }, String), 'u1', patient), 'unknown')
  assert.equal(asked.length, 0)
})

test('a pointer compares the value in the directory, ignoring case, as one value or in a list', async () => {
  const { origin } = await startDirectory(
    json({ department: 'GEOLOGY', 'a/b': { '~': ['x', 'Hydrology', 7] }, nothing: null, deep: { department: {} } }),
  )
  const ask = (pointer: string, value: string) =>
    createDirectory({ url: `${origin}/{userId}`, pointer }).knows([value], 'u1', patient)
  assert.equal(await ask('/department', 'Geology'), 'known')
  assert.equal(await ask('/department', 'Fraud'), 'unknown')
  assert.equal(await ask('/a~1b/~0', 'hydrology'), 'known')
  assert.equal(await ask('/a~1b/~0', '7'), 'known')
  assert.equal(await ask('/a~1b/~0/1', 'hydrology'), 'known')
  for (const pointer of ['/nothing', '/missing', '/deep/department', '/department/length', '/constructor/name']) {
    assert.equal(await ask(pointer, 'Object'), 'unknown', pointer)
  }
})

test('a response that is not JSON, or endless, is invalid', async () => {
  const noJson = await startDirectory((_, response) => response.end('<html>'))
  const endless = await startDirectory((_, response) => {
    response.writeHead(200)
    const more = () => {
      while (!response.destroyed && response.write(' '.repeat(16_384)));
    }
    response.on('drain', more)
    more()
  })
  for (const { origin } of [noJson, endless]) {
    const directory = createDirectory({ url: `${origin}/{value}`, pointer: '/department' })
    assert.equal(await directory.knows(['Geology'], 'u1', patient), 'unavailable')
  }
})

test('a redirect is not followed, because the header and the value would go elsewhere', async () => {
  const elsewhere = await startDirectory(status(200))
  const { origin } = await startDirectory((_, response) =>
    response.writeHead(302, { location: `${elsewhere.origin}/` }).end(),
  )
  assert.equal(await createDirectory({ url: `${origin}/{value}` }).knows(['Geology'], 'u1', patient), 'unavailable')
  assert.equal(elsewhere.asked.length, 0)
})

test('a directory that does not exist or does not answer in time is unavailable', async () => {
  const { origin } = await startDirectory(() => undefined)
  const silent = createDirectory({ url: `${origin}/{value}`, timeoutMs: 20 })
  assert.equal(await silent.knows(['Geology'], 'u1', patient), 'unavailable')
  const closed = createDirectory({ url: 'http://127.0.0.1:1/{value}' })
  assert.equal(await closed.knows(['Geology'], 'u1', patient), 'unavailable')
})

test('a caller whose deadline ends leaves the lookup to the other callers', async () => {
  const held = Promise.withResolvers<ServerResponse>()
  const { origin, asked } = await startDirectory((_, response) => held.resolve(response))
  const directory = createDirectory({ url: `${origin}/{value}` })
  const hurried = directory.knows(['Geology'], 'u1', { remainingMs: 0 })
  const patientOne = directory.knows(['Geology'], 'u1', patient)
  const response = await held.promise
  assert.equal(await hurried, 'unavailable')
  response.writeHead(200).end()
  assert.equal(await patientOne, 'known')
  assert.equal(asked.length, 1)
})

test('a hundred concurrent callers with the same value share one lookup', async () => {
  const { origin, asked } = await startDirectory(status(200))
  const directory = createDirectory({ url: `${origin}/{value}` })
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => directory.knows(['Geology', 'Hydrology'], 'u1', patient)),
  )
  assert.deepEqual([...new Set(answers)], ['known'])
  assert.equal(asked.length, 2)
})

test('responses are cached, negative ones for a shorter time, failures never', async () => {
  let nowMs = 1_000_000
  let code = 200
  const { origin, asked } = await startDirectory((request, response) => status(code)(request, response))
  const directory = createDirectory({ url: `${origin}/{value}`, cacheSeconds: 300 }, { now: () => nowMs })
  const ask = async (value: string) => [await directory.knows([value], 'u1', patient), asked.length] as const
  assert.deepEqual(await ask('a'), ['known', 1])
  nowMs += 299_000
  assert.deepEqual(await ask('a'), ['known', 1])
  nowMs += 2_000
  code = 404
  assert.deepEqual(await ask('a'), ['unknown', 2])
  nowMs += 29_000
  assert.deepEqual(await ask('a'), ['unknown', 2])
  nowMs += 2_000
  code = 500
  assert.deepEqual(await ask('a'), ['unavailable', 3])
  code = 200
  assert.deepEqual(await ask('a'), ['known', 4])
})

test('a URL that could send the value to another host is rejected at start', () => {
  assert.equal(checkDirectoryUrl('https://directory.example/departments/{value}'), undefined)
  assert.equal(checkDirectoryUrl('http://127.0.0.1:8080/people?id={userId}'), undefined)
  assert.match(checkDirectoryUrl('/departments/{value}') ?? '', /absolute URL/)
  assert.match(checkDirectoryUrl('ftp://directory.example/{value}') ?? '', /http or https/)
  assert.match(checkDirectoryUrl('https://{value}.example/') ?? '', /after the host/)
  assert.match(checkDirectoryUrl('https://u:p@directory.example/{value}') ?? '', /header setting/)
  assert.match(checkDirectoryUrl('https://directory.example/departments') ?? '', /must contain/)
})
