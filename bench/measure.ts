/**
 * Interleaved measuring: every target is a process of its own, each round visits all of them, and ratios are computed
 * within a round. The result is the median over the rounds. CPU per request comes from the process times of the target
 * and varies less on a shared machine. Without /proc only requests per second are measured.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setInterval } from 'node:timers/promises'
import autocannon from 'autocannon'
import { Pool } from 'undici'

/** A measured program. Its first line on stdout is its address. */
export interface Target {
  name: string
  /** Path of the program in `bench/targets/`. */
  program: string
  argv?: string[]
  env?: Record<string, string>
}

/** The requests, the same for every target unless its first line sets others (`headers`, `bodies` in turn). */
export interface Load {
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body: string
  connections: number
  secondsPerRound: number
  rounds: number
  /**
   * Also measures CPU while every target gets this many requests a second. At full speed, a slower target pays more for
   * the same system calls, because it must wake the idle load generator for every answer.
   */
  requestsPerSecond?: number
}

export interface Running {
  target: Target
  process: ChildProcess
  url: string
  headers: Record<string, string>
  bodies: string[] | undefined
}

interface Sample {
  requestsPerSecond: number
  cpuMicroseconds: number | undefined
  p50: number
  p99: number
  failed: number
  pacedCpuMicroseconds: number | undefined
}

/** One row of a comparison: ratios to the first target, medians over rounds. */
export interface Line {
  name: string
  requestsPerSecond: number
  requestsRatio: number
  cpuMicroseconds: number | undefined
  cpuRatio: number | undefined
  /** The same at an equal rate for all targets. */
  pacedCpuRatio: number | undefined
  p50Ms: number
  p99Ms: number
  failed: number
}

/** Starts a target as its own process. */
export async function start(target: Target): Promise<Running> {
  const child = spawn(
    process.execPath,
    ['--conditions=@preflow/source', `${import.meta.dirname}/targets/${target.program}`, ...(target.argv ?? [])],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...target.env } },
  )
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const [first] = await Promise.race([
    once(lines, 'line') as Promise<[string]>,
    once(child, 'exit').then(([code]) => {
      throw new Error(`bench target ${target.name} ended with ${code} before it printed its address`)
    }),
  ])
  const said = JSON.parse(first) as { url: string; headers?: Record<string, string>; bodies?: string[] }
  return { target, process: child, url: said.url, headers: said.headers ?? {}, bodies: said.bodies }
}

/** User and system time of a process so far, in microseconds; clock ticks are hundredths of a second on Linux. */
export function cpuTime(pid: number): number | undefined {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return undefined
  const fields = (readFileSync(file, 'utf8').split(') ')[1] ?? '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

async function sample(running: Running, load: Load): Promise<Sample> {
  const pid = running.process.pid as number
  const bodies = running.bodies ?? [load.body]
  let clients = 0
  const before = cpuTime(pid)
  const result = await autocannon({
    url: running.url,
    method: load.method,
    headers: { ...load.headers, ...running.headers },
    // Every connection starts at another place in the list. Otherwise all would send the same request at the same time.
    setupClient: client => {
      const at = Math.floor((clients++ * bodies.length) / load.connections)
      client.setRequests([...bodies.slice(at), ...bodies.slice(0, at)].map(body => ({ body })))
    },
    connections: load.connections,
    duration: load.secondsPerRound,
  })
  const after = cpuTime(pid)
  const count = result.requests.total
  const { requestsPerSecond } = load
  const paced = requestsPerSecond === undefined ? undefined : await pace(running, load, requestsPerSecond)
  return {
    requestsPerSecond: result.requests.average,
    cpuMicroseconds: before !== undefined && after !== undefined && count > 0 ? (after - before) / count : undefined,
    p50: result.latency.p50,
    p99: result.latency.p99,
    failed: result.non2xx + result.errors + (paced?.failed ?? 0),
    pacedCpuMicroseconds: paced?.cpuMicroseconds,
  }
}

/** Sends requests at a steady rate: every millisecond, those that are due. */
async function pace(running: Running, load: Load, requestsPerSecond: number) {
  const pid = running.process.pid as number
  const bodies = running.bodies ?? [load.body]
  const { origin, pathname: path } = new URL(running.url)
  const pool = new Pool(origin, { connections: load.connections })
  const request = { path, method: load.method, headers: { ...load.headers, ...running.headers } }
  const answers: Promise<boolean>[] = []
  async function isAnswered(): Promise<boolean> {
    const { statusCode, body } = await pool.request({
      ...request,
      body: bodies[answers.length % bodies.length] as string,
    })
    await body.dump()
    return statusCode < 300
  }
  const before = cpuTime(pid)
  const startedAt = performance.now()
  const total = requestsPerSecond * load.secondsPerRound
  for await (const _ of setInterval(1)) {
    const due = Math.min(total, ((performance.now() - startedAt) * requestsPerSecond) / 1000)
    while (answers.length < due) answers.push(isAnswered().catch(() => false))
    if (due === total) break
  }
  const failed = (await Promise.all(answers)).filter(isGood => !isGood).length
  const after = cpuTime(pid)
  await pool.close()
  return { failed, cpuMicroseconds: before !== undefined && after !== undefined ? (after - before) / total : undefined }
}

/** The median; for an even count, the mean of the two middle values. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** Measures all targets against the first one. */
export async function compare(targets: Target[], load: Load): Promise<Line[]> {
  const running: Running[] = []
  try {
    for (const target of targets) running.push(await start(target))
    for (const each of running) await sample(each, { ...load, secondsPerRound: 1 })
    const rounds: Sample[][] = []
    for (let round = 0; round < load.rounds; round++) {
      const samples: Sample[] = []
      for (let step = 0; step < running.length; step++) {
        const index = (step + round) % running.length
        samples[index] = await sample(running[index] as Running, load)
      }
      rounds.push(samples)
    }
    return running.map(({ target }, index) => {
      const own = rounds.map(round => round[index] as Sample)
      const base = rounds.map(round => round[0] as Sample)
      const ratio = (of: (sample: Sample) => number | undefined) => {
        const ratios = own.map((one, round) => Number(of(one)) / Number(of(base[round] as Sample)))
        return ratios.some(Number.isNaN) ? undefined : median(ratios)
      }
      return {
        name: target.name,
        requestsPerSecond: median(own.map(one => one.requestsPerSecond)),
        requestsRatio: ratio(one => one.requestsPerSecond) as number,
        cpuMicroseconds: own.every(one => one.cpuMicroseconds !== undefined)
          ? median(own.map(one => one.cpuMicroseconds as number))
          : undefined,
        cpuRatio: ratio(one => one.cpuMicroseconds),
        pacedCpuRatio: ratio(one => one.pacedCpuMicroseconds),
        p50Ms: median(own.map(one => one.p50)),
        p99Ms: median(own.map(one => one.p99)),
        failed: own.reduce((sum, one) => sum + one.failed, 0),
      }
    })
  } finally {
    for (const { process: child } of running) {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
  }
}

/** The rows as a table for `bench/README.md`. */
export function table(title: string, lines: Line[]): string {
  const rows = lines.map(line =>
    [
      line.name,
      line.requestsPerSecond.toFixed(0),
      line.requestsRatio.toFixed(2),
      line.cpuMicroseconds?.toFixed(0) ?? '–',
      line.cpuRatio?.toFixed(2) ?? '–',
      line.pacedCpuRatio?.toFixed(2) ?? '–',
      `${line.p50Ms} / ${line.p99Ms}`,
      String(line.failed),
    ].join(' | '),
  )
  return [
    `### ${title}`,
    '',
    '| target | req/s | ratio | CPU µs/req | CPU ratio | at equal rate | p50 / p99 ms | failed |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map(row => `| ${row} |`),
    '',
  ].join('\n')
}
