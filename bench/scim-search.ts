/**
 * Searches for users through SCIM, in one process with 200,000 users in the embedded database. The base is the search by user
 * name. While each filter runs, `/livez` of the same process is requested as well: a filter must not hold up anything else.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { median, start } from './measure.ts'

interface Search {
  name: string
  /** The query of a request. */
  query(users: number, index: number): Record<string, string>
}

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const filtered = (name: string, filter: (at: number) => string): Search => ({
  name,
  query: (users, index) => ({ filter: filter((index * 7919) % users) }),
})

const SEARCHES: readonly Search[] = [
  filtered('`userName eq`', at => `userName eq "user${at}"`),
  filtered('`emails eq`', at => `emails eq "user${at}@home.example"`),
  filtered(
    '`emails[type eq "work" and value eq …]`',
    at => `emails[type eq "work" and value eq "user${at}@work.example"]`,
  ),
  filtered('`externalId eq`', at => `externalId eq "e-${at}"`),
  filtered('`groups.value eq`, 300 members', at => `groups.value eq "g${at % 1000}"`),
  filtered('`name.familyName eq`, 100 users', at => `name.familyName eq "Family${at % 2000}"`),
  filtered(
    '`department eq … and title eq …`',
    at => `${enterprise}:department eq "Department ${at % 50}" and title eq "Title 3"`,
  ),
  filtered('`emails sw`', at => `emails sw "user${at}@"`),
  filtered('`emails co`', at => `emails co "r${at}@h"`),
  filtered('`not (title eq …)`', () => 'not (title eq "Title 3")'),
  filtered('`addresses.country eq`, not indexed: refused', () => 'addresses.country eq "DE"'),
  { name: 'first page', query: () => ({}) },
]

/** Measures every search and the probe beside it. */
export async function scimSearch(rounds: number, requests: number, users: number): Promise<string> {
  const target = await start({ name: 'scim', program: 'scim.ts', argv: [String(users)] })
  const pool = new Pool(target.url, { connections: 2, pipelining: 1 })
  const timed = async (path: string) => {
    const startedAt = performance.now()
    const { body, statusCode } = await pool.request({ method: 'GET', path, headers: target.headers })
    const text = await body.text()
    if (statusCode >= 500) throw new Error(`${path} answered ${statusCode}: ${text}`)
    return { ms: performance.now() - startedAt, text }
  }
  const search = (query: Record<string, string>) => timed(`/scim2/Users?${new URLSearchParams(query)}`)
  const probe = async () => (await timed('/livez')).ms
  try {
    const subjects = [...SEARCHES, await deepPage(users, async query => JSON.parse((await search(query)).text))]
    for (const { query } of subjects) await search(query(users, 1))
    for (let warm = 0; warm < requests; warm++) await probe()
    const samples = subjects.map(() => ({ ms: [] as number[], probeMs: [] as number[], idleMs: [] as number[] }))
    for (let round = 0; round < rounds; round++) {
      for (const [place, { query }] of subjects.entries()) {
        const sample = samples[place] as (typeof samples)[number]
        for (let index = 0; index < requests; index++) {
          sample.idleMs.push(await probe())
          let isRunning = true
          const running = search(query(users, round * requests + index)).finally(() => {
            isRunning = false
          })
          // With pauses, so that the probes themselves keep no core busy.
          for (; isRunning; await sleep(2)) sample.probeMs.push(await probe())
          await running
          sample.ms.push((await search(query(users, round * requests + index + 1))).ms)
        }
      }
    }
    const base = median(samples[0]?.ms as number[])
    const rows = subjects.map(({ name }, place) => {
      const { idleMs, ms, probeMs } = samples[place] as (typeof samples)[number]
      const ratios = [median, percentile99].map(of => (of(probeMs) / of(idleMs)).toFixed(1))
      return `| ${[name, median(ms).toFixed(1), (median(ms) / base).toFixed(1), ...ratios].join(' | ')} |`
    })
    return [
      `### Searches through SCIM, ${users.toLocaleString('en')} users, embedded database`,
      '',
      '| search | ms | ratio to `userName eq` | `/livez` meanwhile, ratio to idle: median | 99 % |',
      '|---|---|---|---|---|',
      ...rows,
      '',
    ].join('\n')
  } finally {
    await pool.close()
    target.process.kill('SIGTERM')
  }
}

function percentile99(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] as number
}

type Listed = { nextCursor?: string; Resources: { id: string }[] }

/** The last full page, reached by cursors. */
async function deepPage(users: number, search: (query: Record<string, string>) => Promise<Listed>): Promise<Search> {
  let cursor = ''
  const count = '200'
  for (let seen = 0; seen < users - 400; seen += 200) {
    const { nextCursor } = await search({ cursor, count, attributes: 'id' })
    if (nextCursor === undefined) break
    cursor = nextCursor
  }
  return { name: 'page behind all users but 400, by cursor', query: () => ({ cursor }) }
}
