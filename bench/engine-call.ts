/**
 * The engine's call compared with a bare undici request of the same size: one process, closed loop, the peer in another
 * process.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { platforms } from '@preflow/contract'
import { type ActionCall, createBreakers, createCredentialSource, createSend, executeAction } from '@preflow/engine'
import { Pool } from 'undici'
import { median } from './measure.ts'
import { tokenRequest } from './token-request.ts'

const CONNECTIONS = [1, 16, 64]

/** Measures `executeAction` and a bare request in turn, at each number of connections. */
export async function engineCall(rounds: number, millisecondsPerRound: number): Promise<string> {
  const { url, stop } = await startPeer()
  const bare = barePool(url)
  const engine = engineOf(url)
  const subjects: Subjects = { [BASE]: bare.call, executeAction: engine.call }
  try {
    const lines: string[] = []
    for (const connections of CONNECTIONS) {
      lines.push(...(await measured(subjects, connections, rounds, millisecondsPerRound)))
    }
    return [
      '### the engine call against a bare undici Pool.request',
      '',
      '| connections | subject | calls/s | ratio | CPU µs/call | CPU ratio |',
      '|---|---|---|---|---|---|',
      ...lines,
      '',
    ].join('\n')
  } finally {
    await bare.close()
    await engine.close()
    await stop()
  }
}

const BASE = 'bare Pool.request'
type Subjects = Record<string, () => Promise<unknown>>

async function startPeer(): Promise<{ url: string; stop(): Promise<void> }> {
  const program = `${import.meta.dirname}/targets/bare-http.ts`
  const peer = spawn(process.execPath, ['--conditions=@preflow/source', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [first] = (await once(createInterface({ input: peer.stdout as NodeJS.ReadableStream }), 'line')) as [string]
  const { url } = JSON.parse(first) as { url: string }
  return {
    url,
    async stop() {
      peer.kill('SIGTERM')
      await once(peer, 'exit')
    },
  }
}

function barePool(url: string) {
  const pool = new Pool(url, { connections: 64, pipelining: 1 })
  const body = JSON.stringify(tokenRequest('205.210.31.51'))
  const headers = { 'content-type': 'application/json' }
  return {
    call: async () => (await pool.request({ method: 'POST', path: '/', headers, body })).body.json(),
    close: () => pool.close(),
  }
}

function engineOf(url: string) {
  const { event, allowedOperations = [] } = tokenRequest('205.210.31.51')
  const send = createSend({ allowedAddresses: ['127.0.0.0/8'] })
  const ports = {
    send,
    now: Date.now,
    credentials: createCredentialSource({ send, now: Date.now }),
    breakers: createBreakers(),
  }
  const call: ActionCall = {
    action: {
      id: 'bench',
      type: 'PRE_ISSUE_ACCESS_TOKEN',
      version: 'v1',
      endpoint: { uri: url, authentication: { type: 'BEARER', properties: { accessToken: 'bench' } } },
    },
    platform: platforms.preflow,
    event,
    allowedOperations,
    facts: {},
    requestId: 'bench',
  }
  return {
    async call() {
      const outcome = await executeAction(call, ports)
      if (outcome.status !== 'success') throw new Error(`the call ended as ${outcome.status}`)
    },
    close: () => send.close(),
  }
}

/** Runs the subjects in turn, in reverse order in every other round. Returns a row of the table for each. */
async function measured(
  subjects: Subjects,
  connections: number,
  rounds: number,
  millisecondsPerRound: number,
): Promise<string[]> {
  for (const subject of Object.values(subjects)) await loop(subject, connections, millisecondsPerRound / 4)
  const rates: Record<string, { perSecond: number; cpu: number }[]> = {}
  for (let round = 0; round < rounds; round++) {
    const order = Object.entries(subjects)
    if (round % 2 === 1) order.reverse()
    for (const [name, subject] of order) {
      rates[name] = [...(rates[name] ?? []), await loop(subject, connections, millisecondsPerRound)]
    }
  }
  const base = rates[BASE] ?? []
  return Object.entries(rates).map(([name, own]) => {
    const ratio = (pick: 'perSecond' | 'cpu') =>
      median(own.map((one, round) => one[pick] / (base[round]?.[pick] ?? Number.NaN))).toFixed(2)
    const perSecond = median(own.map(one => one.perSecond)).toFixed(0)
    const cpu = median(own.map(one => one.cpu)).toFixed(0)
    return `| ${connections} | ${name} | ${perSecond} | ${ratio('perSecond')} | ${cpu} | ${ratio('cpu')} |`
  })
}

/** Runs calls in a closed loop for a while. CPU is that of this process. */
async function loop(subject: () => Promise<unknown>, connections: number, milliseconds: number) {
  const until = performance.now() + milliseconds
  const startedAt = performance.now()
  const before = process.cpuUsage()
  let count = 0
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < until) {
        await subject()
        count++
      }
    }),
  )
  const used = process.cpuUsage(before)
  return { perSecond: (count * 1000) / (performance.now() - startedAt), cpu: (used.user + used.system) / count }
}
