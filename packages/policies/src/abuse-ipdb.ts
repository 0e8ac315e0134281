import * as z from 'zod/mini'
import { createAnswers } from './answers.ts'
import { fetchGet, type HttpGet, orAfter, retryTime } from './http-get.ts'
import { readOptions } from './options.ts'
import type { Reputation, ReputationLookup } from './reputation.ts'

export interface AbuseIpDbOptions {
  apiKey: string
  /** URL of the API. Default `https://api.abuseipdb.com`. */
  url?: string
  /** Maximum age of the reports that count, in days, 1 to 365. Default 30. */
  maxAgeDays?: number
  /** Maximum milliseconds for a response. Default 1500: with everything else it must fit into the budget. */
  timeoutMs?: number
  /** Seconds for which a score is cached. Default 3600. */
  cacheSeconds?: number
  /** Maximum number of cached scores. Default 50,000. */
  cacheEntries?: number
}

export const abuseIpDbOptionsSchema: z.ZodMiniType<Required<AbuseIpDbOptions>> = z.strictObject({
  apiKey: z.string().check(z.minLength(1)),
  url: z._default(z.url({ protocol: /^https?$/ }), 'https://api.abuseipdb.com'),
  maxAgeDays: z._default(z.int().check(z.gte(1), z.lte(365)), 30),
  timeoutMs: z._default(z.int().check(z.gte(1), z.lte(10_000)), 1500),
  cacheSeconds: z._default(z.int().check(z.gte(0)), 3600),
  cacheEntries: z._default(z.int().check(z.gte(1)), 50_000),
})

/** The dependencies of the client. */
export interface AbuseIpDbPorts {
  /** Default: `fetch`. On Node, the one of `@preflow/policies/http-get` needs a third of its CPU. */
  get?: HttpGet
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/** No more of a response is read. A real one has less than a kilobyte. */
const MAX_ANSWER_BYTES = 65_536
/** Pause if the service reports a used-up quota but not until when. */
const DEFAULT_PAUSE_MS = 60_000
/** A quota lasts a day. A header with a longer time is wrong. */
const MAX_PAUSE_MS = 24 * 3600 * 1000

const answerSchema = z.looseObject({
  data: z.looseObject({ abuseConfidenceScore: z.number().check(z.gte(0), z.lte(100)) }),
})

class Unavailable extends Error {}

/**
 * A client of AbuseIPDB's `GET /api/v2/check`.
 *
 * Scores are cached, and concurrent requests for the same address share one call. When the quota is used up (`429` with
 * `Retry-After`, or `X-RateLimit-Remaining: 0` with `X-RateLimit-Reset`), no request is sent until it is renewed. Only
 * `200` with a score from 0 to 100 is a score; everything else is `unavailable`.
 *
 * @see https://docs.abuseipdb.com/#check-endpoint
 */
export function createAbuseIpDb(options: AbuseIpDbOptions, ports: AbuseIpDbPorts = {}): ReputationLookup {
  const settings = readOptions('reputation service', abuseIpDbOptionsSchema, options)
  const { get = fetchGet, now = Date.now } = ports
  const endpoint = new URL('api/v2/check', settings.url.endsWith('/') ? settings.url : `${settings.url}/`)
  let pausedUntil = 0

  async function ask(address: string): Promise<number> {
    const url = new URL(endpoint)
    url.searchParams.set('ipAddress', address)
    url.searchParams.set('maxAgeInDays', String(settings.maxAgeDays))
    const answer = await get(url.href, {
      headers: { key: settings.apiKey, accept: 'application/json' },
      timeoutMs: settings.timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
    })
    if (answer.kind === 'failure') throw new Unavailable(answer.why)
    pausedUntil = Math.max(pausedUntil, pauseAfter(answer.status, answer.header, now()))
    if (answer.status !== 200) throw new Unavailable(STATUS_CLASSES[answer.status] ?? `status ${answer.status}`)
    return scoreOf(answer.body)
  }

  const scores = createAnswers(ask, { keepMs: settings.cacheSeconds * 1000, maxSize: settings.cacheEntries, now })

  return (address, { remainingMs }) => {
    const known = scores.known(address)
    if (known !== undefined) return { kind: 'score', score: known }
    if (pausedUntil > now()) return { kind: 'unavailable', why: 'quota' }
    const asked = scores.ask(address).then(
      (score): Reputation => ({ kind: 'score', score }),
      (error): Reputation => {
        if (error instanceof Unavailable) return unavailable(error.message)
        throw error
      },
    )
    return orAfter(asked, Math.min(remainingMs, settings.timeoutMs), unavailable('timeout'))
  }
}

const unavailable = (why: string): Reputation => ({ kind: 'unavailable', why })

const STATUS_CLASSES: Record<number, string> = {
  401: 'key refused',
  403: 'key refused',
  422: 'address refused',
  429: 'quota',
}

function scoreOf(body: string): number {
  let document: unknown
  try {
    document = JSON.parse(body)
  } catch {
    throw new Unavailable('unreadable answer')
  }
  const parsed = answerSchema.safeParse(document)
  if (!parsed.success) throw new Unavailable('unreadable answer')
  return parsed.data.data.abuseConfidenceScore
}

/** Until when no request may be sent, in milliseconds since the epoch; 0 if requests are allowed. */
function pauseAfter(status: number, header: (name: string) => string | undefined, now: number): number {
  const isSpent = status === 429 || (status === 200 && header('x-ratelimit-remaining') === '0')
  if (!isSpent) return 0
  const retryAfter = header('retry-after')
  const reset = Number(header('x-ratelimit-reset'))
  const until = retryAfter !== undefined ? retryTime(retryAfter, now) : reset > 0 ? reset * 1000 : Number.NaN
  return Number.isFinite(until) ? Math.min(Math.max(until, now), now + MAX_PAUSE_MS) : now + DEFAULT_PAUSE_MS
}
