/**
 * What limits are worth: the cost of a request against its size, and how fast `/livez` is answered while the server is attacked, next
 * to the same without an attack in the same run.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { cpuTime } from './measure.ts'

/** What the server under attack reports of itself. */
interface Attacked {
  url: string
  admin: string
  application: string
  user: string
  extensionUrl: string
  action: string
}

/** A server of its own for each part, with changed limits. */
async function start(limits: string[]): Promise<{ server: Attacked; child: ChildProcess; stop(): Promise<void> }> {
  const program = `${import.meta.dirname}/targets/attacked.ts`
  const child = spawn(process.execPath, ['--conditions=@preflow/source', program, ...limits], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [first] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [string]
  return {
    server: JSON.parse(first),
    child,
    async stop() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

const SCIM = 'application/scim+json'
const FORM = 'application/x-www-form-urlencoded'

function patchOf(count: number): string {
  const Operations = Array.from({ length: count }, (_, i) => ({
    op: 'add',
    path: 'emails',
    value: [{ value: `m${i}@example.com`, type: 'work' }],
  }))
  return JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations })
}

/** `attempts` in turn; CPU of the server for one of them, in milliseconds. */
async function cost(child: ChildProcess, attempts: number, once: () => Promise<unknown>): Promise<number> {
  const pid = child.pid as number
  await once()
  const before = cpuTime(pid) ?? 0
  for (let i = 0; i < attempts; i++) await once()
  return ((cpuTime(pid) ?? 0) - before) / attempts / 1000
}

async function setOperations({ action, admin, extensionUrl, url }: Attacked, count: number): Promise<void> {
  const response = await fetch(url + action, {
    method: 'PATCH',
    headers: { authorization: admin, 'content-type': 'application/json' },
    body: JSON.stringify({ endpoint: { uri: `${extensionUrl}/${count}` } }),
  })
  if (!response.ok) throw new Error(`changing the action answered ${response.status}: ${await response.text()}`)
  await response.body?.cancel()
}

async function switchAction({ action, admin, url }: Attacked, to: 'activate' | 'deactivate'): Promise<void> {
  const response = await fetch(`${url}${action}/${to}`, { method: 'POST', headers: { authorization: admin } })
  await response.body?.cancel()
}

async function patchMe({ url, user }: Attacked, body: string): Promise<void> {
  const headers = { authorization: user, 'content-type': SCIM }
  const response = await fetch(`${url}/scim2/Me`, { method: 'PATCH', headers, body })
  await response.arrayBuffer()
}

async function token({ application, url }: Attacked): Promise<void> {
  const headers = { authorization: application, 'content-type': FORM }
  const body = 'grant_type=client_credentials'
  await (await fetch(`${url}/oauth2/token`, { method: 'POST', headers, body })).arrayBuffer()
}

/** CPU against size, up to the limits and far beyond them. */
async function sizes(isQuick: boolean): Promise<string> {
  const { child, server, stop } = await start(['off'])
  const attempts = isQuick ? 10 : 60
  const lines = ['| request | size | CPU ms | CPU µs for each |', '|---|---|---|---|']
  const add = (name: string, size: number, ms: number) =>
    lines.push(`| ${name} | ${size} | ${ms.toFixed(2)} | ${((ms / size) * 1000).toFixed(1)} |`)
  try {
    for (const count of [1, 8, 16, 32, 64, 12_000]) {
      const body = patchOf(count)
      add('PATCH of operations at `/scim2/Me`', count, await cost(child, attempts, () => patchMe(server, body)))
    }
    await switchAction(server, 'activate')
    for (const count of [1, 8, 16, 32, 64, 10_000]) {
      await setOperations(server, count)
      add('token request with operations in the answer', count, await cost(child, attempts, () => token(server)))
    }
  } finally {
    await stop()
  }
  return lines.join('\n')
}

/** One attack: what many connections send. */
interface Attack {
  name: string
  connections: number
  path: string
  method?: 'GET' | 'POST' | 'PATCH'
  headers?: Record<string, string>
  /** By the number of the request. */
  bodyOf?(i: number): string
  headersOf?(i: number): Record<string, string>
}

const basic = (name: string, secret: string) => `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`

function attacksOn({ application, user }: Attacked): Attack[] {
  const bomb = patchOf(12_000)
  const grant = 'grant_type=client_credentials'
  return [
    {
      name: 'PATCH with 12,000 operations at `/scim2/Me`',
      ...{ connections: 8, path: '/scim2/Me', method: 'PATCH' },
      headers: { authorization: user, 'content-type': SCIM },
      bodyOf: () => bomb,
    },
    {
      name: 'an extension that answers with 10,000 operations',
      ...{ connections: 8, path: '/oauth2/token', method: 'POST' },
      headers: { authorization: application, 'content-type': FORM },
      bodyOf: () => grant,
    },
    {
      name: 'wrong passwords for changing names, 40 connections',
      ...{ connections: 40, path: '/scim2/Me' },
      headersOf: i => ({ authorization: basic(`name-${i}`, 'Password1') }),
    },
    {
      name: 'wrong secrets of an application, 40 connections',
      ...{ connections: 40, path: '/oauth2/token', method: 'POST' },
      headers: { 'content-type': FORM },
      headersOf: i => {
        const [id = ''] = Buffer.from(application.slice(6), 'base64').toString().split(':')
        return { authorization: basic(id, `guess-${i}`) }
      },
      bodyOf: () => grant,
    },
    {
      name: 'sign-ins that start, 40 connections',
      ...{ connections: 40, path: '/oauth2/authorize?response_type=code&client_id=unknown' },
    },
    {
      name: 'token requests, 600 connections',
      ...{ connections: 600, path: '/oauth2/token', method: 'POST' },
      headers: { authorization: application, 'content-type': FORM },
      bodyOf: () => grant,
    },
  ]
}

interface Latencies {
  p50: number
  p99: number
}

/** How long `/livez` takes, measured by a process that does nothing else. */
async function probe(url: string, seconds: number): Promise<Latencies> {
  const child = spawn(process.execPath, [`${import.meta.dirname}/targets/probe.ts`, url, String(seconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [string]
  return JSON.parse(line)
}

async function attacked(url: string, attack: Attack, seconds: number): Promise<Latencies & { statuses: string }> {
  let i = 0
  const { bodyOf, connections, headers = {}, headersOf, method = 'GET', path } = attack
  const running = autocannon({
    url: url + path,
    method,
    connections,
    duration: seconds + 1,
    requests: [
      {
        setupRequest(request) {
          i++
          const body = bodyOf?.(i)
          return { ...request, headers: { ...headers, ...headersOf?.(i) }, ...(body === undefined ? {} : { body }) }
        },
      },
    ],
  })
  await sleep(500)
  const latencies = await probe(url, seconds)
  const { statusCodeStats = {} } = (await running) as { statusCodeStats?: Record<string, { count: number }> }
  const statuses = Object.entries(statusCodeStats).map(([status, { count }]) => `${count}×${status}`)
  return { ...latencies, statuses: statuses.join(' ') }
}

/** `/livez` under each attack. */
async function attacks(isQuick: boolean): Promise<string> {
  const seconds = isQuick ? 2 : 5
  const lines = ['| attack | `/livez` p50 ms | ratio | p99 ms | ratio | answers |', '|---|---|---|---|---|---|']
  const { server, stop } = await start([])
  try {
    await setOperations(server, 10_000)
    for (const attack of attacksOn(server)) {
      await switchAction(server, attack.name.startsWith('an extension') ? 'activate' : 'deactivate')
      const idle = await probe(server.url, seconds)
      const under = await attacked(server.url, attack, seconds)
      const ratio = (share: keyof Latencies) => (under[share] / idle[share]).toFixed(1)
      lines.push(
        `| ${attack.name} | ${under.p50.toFixed(1)} | ${ratio('p50')} | ${under.p99.toFixed(1)} | ${ratio('p99')} | ${under.statuses} |`,
      )
    }
  } finally {
    await stop()
  }
  return lines.join('\n')
}

export async function limits(isQuick: boolean): Promise<string> {
  return `## cost against size\n\n${await sizes(isQuick)}\n\n## /livez under attack\n\n${await attacks(isQuick)}\n`
}
