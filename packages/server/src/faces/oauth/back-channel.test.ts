import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client, Provider } from 'oidc-provider'
import { createClientInformer, type EndedSession } from './back-channel.ts'

/** What a client does with each logout token: whether it accepts it. */
type Answers = Record<string, boolean[]>

/** Informs the clients and resolves with the lines of the log, when all have been written. */
async function inform(answers: Answers, { retriesMs = [0, 0], lines = Object.keys(answers).length } = {}) {
  const sent: [clientId: string, sub: string, sid: string][] = []
  const clientOf = (clientId: string) => ({
    backchannelLogoutUri: answers[clientId] && 'https://app.example/logout',
    async backchannelLogout(sub: string, sid: string) {
      sent.push([clientId, sub, sid])
      if (!answers[clientId]?.shift()) throw new Error(`no answer from ${clientId}`)
    },
  })
  const provider = {
    Client: { find: async (id: string) => (id === 'deleted' ? undefined : clientOf(id)) as unknown as Client },
  } as unknown as Provider
  const log: [level: string, facts: Record<string, unknown>, message: string][] = []
  await new Promise<void>(resolve => {
    const write = (level: string) => (facts: unknown, message?: unknown) => {
      log.push([level, facts as Record<string, unknown>, String(message)])
      if (log.length === lines) resolve()
    }
    const informClients = createClientInformer({ info: write('info'), warn: write('warn') } as never, retriesMs)
    const clients = [...Object.keys(answers), 'silent', 'deleted'].map(clientId => ({ clientId, sid: `${clientId}-1` }))
    const session: EndedSession = { tenant: 'acme', sub: 'mira', clients }
    informClients(provider, session)
  })
  return { log, sent }
}

test('every client of the session that has a logout address is informed once, under its own name of the session', async () => {
  const { log, sent } = await inform({ shop: [true], mail: [true] })
  assert.deepEqual(sent, [
    ['shop', 'mira', 'shop-1'],
    ['mail', 'mira', 'mail-1'],
  ])
  assert.deepEqual(
    log.map(([level, facts]) => [level, facts['tenant'], facts['clientId'], facts['attempts']]),
    [
      ['info', 'acme', 'shop', 1],
      ['info', 'acme', 'mail', 1],
    ],
  )
})

test('a client that does not accept the token gets others, and holds no other client up', async () => {
  const { log, sent } = await inform({ shop: [false, false, true], mail: [true] }, { lines: 4 })
  assert.equal(sent.filter(([clientId]) => clientId === 'shop').length, 3)
  assert.deepEqual(
    log.filter(([, facts]) => facts['clientId'] === 'shop').map(([level, , message]) => [level, message]),
    [
      ['warn', 'a client was not informed of a sign-out yet'],
      ['warn', 'a client was not informed of a sign-out yet'],
      ['info', 'a client was informed of a sign-out'],
    ],
  )
  assert.equal(log.findIndex(([, facts]) => facts['clientId'] === 'mail') < 2, true)
})

test('after the last attempt the log has the reason', async () => {
  const { log } = await inform({ shop: [] }, { lines: 3 })
  const [level, facts, message] = log.at(-1) ?? []
  assert.deepEqual([level, message], ['warn', 'a client was not informed of a sign-out'])
  assert.deepEqual([facts?.['attempt'], facts?.['reason']], [3, 'no answer from shop'])
})

test('when too many sessions wait, the clients of another one are not informed, and the log has it', async () => {
  const lines: string[] = []
  const log = { info: () => {}, warn: (_facts: unknown, message: string) => void lines.push(message) }
  const informClients = createClientInformer(log as never, [])
  const provider = { Client: { find: () => new Promise(() => {}) } } as unknown as Provider
  const clients = [{ clientId: 'shop', sid: '1' }]
  for (let count = 0; count <= 1000; count += 1) informClients(provider, { tenant: 'acme', sub: 'mira', clients })
  assert.deepEqual(lines, ['clients are not informed of a sign-out: too many are waiting'])
})
