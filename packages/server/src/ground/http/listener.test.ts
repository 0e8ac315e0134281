import assert from 'node:assert/strict'
import { Agent, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { type TestContext, test } from 'node:test'
import { Problem } from '../problem.ts'
import { createAdmission, stepAside } from './admission.ts'
import { createListener, type Listener, type ListenerSettings } from './listener.ts'
import { sendProblem } from './send.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** A listener on a free port, and a client with persistent connections. */
async function start(t: TestContext, answer: Answer, settings: Partial<ListenerSettings> = {}) {
  const listener: Listener = createListener(
    { host: '127.0.0.1', port: 0, requestTimeoutMs: 30_000, shutdownDelayMs: 0, shutdownGraceMs: 5000, ...settings },
    answer,
  )
  const port = await listener.listen()
  const agent = new Agent({ keepAlive: true })
  t.after(async () => {
    agent.destroy()
    await listener.close()
  })
  const get = (path: string) =>
    new Promise<{ status: number; headers: IncomingMessage['headers'] }>((resolve, reject) => {
      send({ port, path, agent }, response => {
        response.resume().once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }))
      })
        .once('error', reject)
        .end()
    })
  return { listener, port, get }
}

/** Work that the test ends. */
function holdWork() {
  const waiting: (() => void)[] = []
  return {
    work: () => new Promise<void>(resolve => waiting.push(resolve)),
    waiting,
    release: () => {
      for (const resolve of waiting.splice(0)) resolve()
    },
  }
}

/** An admitted request whose work the test ends. The first part of its path is its tenant. */
function admitting(maxRequests: number, work: (path: string) => Promise<void>): Answer {
  const admit = createAdmission(maxRequests)
  return async (request, response) => {
    const path = request.url ?? '/'
    try {
      await admit(request, path.split('/')[1] ?? '', async () => {
        await work(path)
        response.end()
      })
    } catch (error) {
      assert.ok(error instanceof Problem)
      sendProblem(response, error)
    }
  }
}

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise(resolve => setImmediate(resolve))
}

test('requests beyond the limit are refused at once, and one tenant has half of the places', async t => {
  const { release, waiting, work } = holdWork()
  const { get } = await start(t, admitting(4, work))
  const working = [get('/busy/1'), get('/busy/2')]
  await until(() => waiting.length === 2)
  const refused = await get('/busy/3')
  assert.equal(refused.status, 503)
  assert.equal(refused.headers['retry-after'], '2')
  working.push(get('/other/1'), get('/another/1'))
  await until(() => waiting.length === 4)
  assert.equal((await get('/third/1')).status, 503)
  release()
  assert.deepEqual(
    (await Promise.all(working)).map(({ status }) => status),
    [200, 200, 200, 200],
  )
  const again = get('/busy/4')
  await until(() => waiting.length === 1)
  release()
  assert.equal((await again).status, 200)
})

test('requests that wait for an extension or a password use no places', async t => {
  const { release, waiting, work } = holdWork()
  const answer = admitting(2, path => {
    if (path.endsWith('/slow')) stepAside()
    return work()
  })
  const { get } = await start(t, answer)
  const slow = [1, 2, 3, 4, 5].map(() => get('/a/slow'))
  await until(() => waiting.length === 5)
  const quick = get('/a/quick')
  await until(() => waiting.length === 6)
  release()
  for (const { status } of await Promise.all([...slow, quick])) assert.equal(status, 200)
})

test('clients that send their body slowly use no places', async t => {
  let uploads = 0
  const answer = admitting(2, async path => {
    if (path.endsWith('/upload')) uploads++
    await (path.endsWith('/upload') ? new Promise<void>(() => {}) : Promise.resolve())
  })
  const { get, listener, port } = await start(t, answer, { shutdownGraceMs: 0 })
  const clients = [1, 2, 3, 4].map(() => {
    const client = send({ port, path: '/a/upload', method: 'POST', headers: { 'content-length': 1000 } })
    client.on('error', () => {})
    client.write('a little')
    return client
  })
  await until(() => uploads === 4)
  assert.equal((await get('/a/quick')).status, 200)
  for (const client of clients) client.destroy()
  await listener.close()
})

test('a stopping server continues for the delay, and every response closes its connection', async t => {
  const { release, waiting, work } = holdWork()
  const answer: Answer = async (request, response) => {
    if (request.url === '/slow') await work()
    response.end(String(listener.isClosing))
  }
  const { get, listener } = await start(t, answer, { shutdownDelayMs: 300 })
  const slow = get('/slow')
  await until(() => waiting.length === 1)
  // This connection is idle now. Its client does not know that the server stops, but loses nothing.
  assert.equal((await get('/before')).headers.connection, 'keep-alive')
  const closed = listener.close()
  assert.equal(listener.isClosing, true)
  assert.equal((await get('/after')).headers.connection, 'close')
  release()
  assert.equal((await slow).headers.connection, 'close')
  await closed
  await assert.rejects(get('/late'), { code: 'ECONNREFUSED' })
})

test('a server without connections stops at once, and one with a hanging request after its grace period', async t => {
  const idle = await start(t, async () => {}, { shutdownDelayMs: 60_000 })
  await idle.listener.close()

  let isHanging = false
  const hang: Answer = () => {
    isHanging = true
    return new Promise(() => {})
  }
  const hanging = await start(t, hang, { shutdownGraceMs: 50 })
  const lost = assert.rejects(hanging.get('/hangs'), { code: 'ECONNRESET' })
  await until(() => isHanging)
  await hanging.listener.close()
  await lost
})
