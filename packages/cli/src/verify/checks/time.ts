import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { scenariosOf } from '../../events/scenarios.ts'
import { decisionOf } from '../answer.ts'
import { type Check, createProblems, notChecked } from '../check.ts'
import type { Exchange } from '../session.ts'
import { bodyLike } from './input.ts'

const PARALLEL = 16

/** The median. */
function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
}

const milliseconds = (ms: number) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`

/** The durations of answers to events, in the order of sending. */
function durationsOf(exchanges: readonly Exchange[], type: Exchange['type']): number[] {
  return exchanges
    .filter(exchange => exchange.request && exchange.type === type && exchange.delivery.ok)
    .map(({ durationMs }) => durationMs)
}

/** How long answers took, for the report. */
export interface Timing {
  /** The very first call. */
  firstMs: number
  medianMs: number
  slowestMs: number
  answers: number
}

/** Undefined if there was no answer. */
export function timingOf(exchanges: readonly Exchange[], type: Exchange['type']): Timing | undefined {
  const durations = durationsOf(exchanges, type)
  const [firstMs, ...later] = durations
  if (firstMs === undefined) return undefined
  return { firstMs, medianMs: median(durations), slowestMs: Math.max(...later, 0), answers: durations.length }
}

export const timeChecks: readonly Check[] = [
  {
    id: 'time.concurrency',
    title: 'Sixteen simultaneous calls get the same decisions as single ones',
    why: 'State that leaks from one call into another shows up only when calls overlap, and then users see it.',
    fix: 'Keep the state of a call in its own variables.',
    level: 'must',
    scope: 'type',
    async run({ session, type, eventExchanges, usual }) {
      const problems = createProblems()
      const known = new Map<string, Exchange>()
      for (const exchange of eventExchanges) if (!known.has(exchange.label)) known.set(exchange.label, exchange)
      const first = known.get(usual.name)
      if (!first || decisionOf(first).status === 'unusable') return notChecked('No event has a readable answer.')
      // Two scenarios with different decisions, if there are any, because only they reveal a mix-up.
      const other = [...known.values()].find(exchange => decisionOf(exchange).key !== decisionOf(first).key) ?? first
      const pair = [first, other].map(({ label }) => scenariosOf(type).find(({ name }) => name === label) ?? usual)
      const alone: string[] = []
      for (const scenario of pair) {
        const [exchange] = await session.sendScenario(type, scenario, {
          isOnce: true,
          isPrivate: true,
          variant: 'alone',
        })
        alone.push(exchange ? decisionOf(exchange).key : '')
      }
      const together = await Promise.all(
        Array.from({ length: PARALLEL }, async (_, n) => {
          const [exchange] = await session.sendScenario(type, pair[n % 2] ?? usual, {
            isOnce: true,
            isPrivate: true,
            variant: 'among 16 at once',
          })
          return { exchange, expected: alone[n % 2] }
        }),
      )
      for (const { exchange, expected } of together) {
        if (!exchange) continue
        if (!exchange.delivery.ok && exchange.delivery.error.code !== 'deadline') {
          problems.add(`There was no answer: ${exchange.delivery.error.message}`, exchange)
        } else if (exchange.delivery.ok && decisionOf(exchange).key !== expected) {
          problems.add('The decision differs from that of a single call.', exchange)
        }
      }
      return problems.finding()
    },
  },
  {
    id: 'time.keep-alive',
    title: 'A connection serves more than one call',
    why: 'Platforms keep connections open. Otherwise every call pays for TCP and TLS again, often more than for the decision.',
    fix: 'Keep connections open after an answer, longer than the idle timeout of the platform.',
    level: 'should',
    scope: 'extension',
    async run(subject) {
      const { session, type } = subject
      const SuitableAgent = session.target.url.startsWith('https:') ? SecureAgent : Agent
      const agent = new SuitableAgent({ keepAlive: true, maxSockets: 1 })
      const problems = createProblems()
      try {
        const body = bodyLike(subject, request => request)
        const results = []
        for (const n of [1, 2, 3]) {
          results.push(await session.probe(type, { label: `call ${n} of a connection`, body, agent }))
        }
        for (const { delivery, label } of results) {
          if (!delivery.ok) problems.add(`There was no answer: ${delivery.error.message}`, label)
        }
        if (!results.some(({ isConnectionReused }) => isConnectionReused)) {
          problems.add('Each call needs a new connection.', 'three calls in a row')
        }
      } finally {
        agent.destroy()
      }
      return problems.finding()
    },
  },
  {
    id: 'time.deadline',
    title: 'Every answer comes in time',
    why: 'After the deadline the platform tries again and then fails the flow.',
    fix: 'Give everything that waits a time limit well below the deadline, and answer without it when the time is over.',
    level: 'must',
    inspect: ({ delivery }) =>
      !delivery.ok && delivery.error.code === 'deadline' ? ['There is no complete answer within the deadline.'] : [],
  },
  {
    id: 'time.quick',
    title: 'Answers leave time for a second attempt',
    why: 'An answer that needs more than half of the deadline on a good day misses it on a bad one, and users wait.',
    fix: 'Find out what is slow: a cold start (load data lazily, keep one instance warm) or an upstream call (cache it).',
    level: 'should',
    scope: 'type',
    run({ session, type }) {
      const timing = timingOf(session.exchanges, type)
      if (!timing) return notChecked('There was no answer.')
      const { firstMs, medianMs, slowestMs } = timing
      const limitMs = session.deadlineMs / 2
      const problems = createProblems()
      const report = (what: string, ms: number) => {
        if (ms > limitMs) problems.add(`${what} took ${milliseconds(ms)} of ${session.deadlineMs} ms.`, 'all events')
      }
      report('The first answer', firstMs)
      if (medianMs > limitMs) report('Half of the answers', medianMs)
      else report('The slowest of the later answers', slowestMs)
      return problems.finding(
        `first ${milliseconds(firstMs)}, median ${milliseconds(medianMs)}, slowest ${milliseconds(slowestMs)}`,
      )
    },
  },
]
