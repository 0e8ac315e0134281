import * as z from 'zod/mini'
import { createAnswers } from './answers.ts'
import { fetchGet, type HttpGet, orAfter, retryTime } from './http-get.ts'
import { readOptions } from './options.ts'

/** What the range API says of a password: how often it was seen in breaches, 0 for never. */
export type BreachCount =
  | { kind: 'count'; count: number }
  /** Nothing could be learned; `why` is a class, for example `timeout` or `status 503`. */
  | { kind: 'unavailable'; why: string }

/**
 * Asks how often a password was seen. Never rejects. Answers at once when it knows the range.
 *
 * @param sha1 All 20 bytes of the SHA-1 of the password. Only the first 20 bits leave the process.
 * @param call.remainingMs Milliseconds after which nobody waits for the answer any more.
 */
export type BreachCounter = (sha1: Uint8Array, call: { remainingMs: number }) => BreachCount | Promise<BreachCount>

export interface PwnedPasswordsOptions {
  /** Where the API is. Default `https://api.pwnedpasswords.com`; a mirror must answer `/range/{5 digits}` alike. */
  url?: string
  /** Milliseconds that one question may take, with its second attempt. Default 1200. */
  timeoutMs?: number
  /** How long a range is remembered, in seconds. Default 86,400: the service itself renews them far more rarely. */
  cacheSeconds?: number
  /** How much memory the remembered ranges may take. Default 64 MiB: about 1,000 of the 1,048,576 ranges. */
  cacheBytes?: number
  /** How this client introduces itself; the service asks every client to. Default `preflow-password-guard`. */
  userAgent?: string
}

export const pwnedPasswordsOptionsSchema: z.ZodMiniType<Required<PwnedPasswordsOptions>> = z.strictObject({
  url: z._default(z.url({ protocol: /^https?$/ }), 'https://api.pwnedpasswords.com'),
  timeoutMs: z._default(z.int().check(z.gte(1), z.lte(10_000)), 1200),
  cacheSeconds: z._default(z.int().check(z.gte(0)), 86_400),
  cacheBytes: z._default(z.int().check(z.gte(0)), 64 * 1024 * 1024),
  userAgent: z._default(z.string().check(z.minLength(1)), 'preflow-password-guard'),
})

/** What the client needs of its surroundings. */
export interface PwnedPasswordsPorts {
  /** Default: `fetch`. On Node, the one of `@preflow/policies/http-get` takes a third of its CPU. */
  get?: HttpGet
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/** A range has one to two thousand lines of about 40 bytes. */
const MAX_ANSWER_BYTES = 1024 * 1024
const PREFIX_DIGITS = 5
/** After `429` without a `Retry-After` that can be read. */
const DEFAULT_PAUSE_MS = 5_000
/** A `Retry-After` beyond this would let one wrong header switch the check off. */
const MAX_PAUSE_MS = 3600 * 1000
/** A second attempt that starts later would hardly be answered. */
const LEAST_ATTEMPT_MS = 100

/** Every line is the rest of a digest and a number; nothing else is an answer, however it begins. */
const RANGE = /^(?:[0-9A-F]{35}:[0-9]{1,15}(?:\r?\n|$))+$/

class Unavailable extends Error {}

/**
 * A client of the Pwned Passwords range API.
 *
 * Ranges are cached, and questions about the same range at the same time share one call. A connection that fails and a
 * `5xx` are tried once more within the same time. After `429` nobody asks until `Retry-After` has passed. Only `200` with
 * lines of digests and counts is an answer; padding, which has the count 0, says that the password was not seen.
 *
 * @see https://haveibeenpwned.com/API/v3#PwnedPasswords
 * @example
 * const count = createPwnedPasswords({}, { get: createHttpGet() })
 */
export function createPwnedPasswords(options: PwnedPasswordsOptions, ports: PwnedPasswordsPorts = {}): BreachCounter {
  const settings = readOptions('range API', pwnedPasswordsOptionsSchema, options)
  const { get = fetchGet, now = Date.now } = ports
  const endpoint = `${settings.url.replace(/\/$/, '')}/range/`
  const headers = { 'add-padding': 'true', 'user-agent': settings.userAgent, accept: 'text/plain' }
  let pausedUntil = 0

  async function ask(prefix: string): Promise<string> {
    const deadline = now() + settings.timeoutMs
    const first = await attempt(prefix, settings.timeoutMs)
    const remainingMs = deadline - now()
    const last = mayTryAgain(first) && remainingMs >= LEAST_ATTEMPT_MS ? await attempt(prefix, remainingMs) : first
    if (last.kind === 'failure') throw new Unavailable(last.why)
    if (last.status === 429) {
      const until = retryTime(last.header('retry-after') ?? '', now())
      const pauseMs = Number.isNaN(until) ? DEFAULT_PAUSE_MS : until - now()
      pausedUntil = Math.max(pausedUntil, now() + Math.min(pauseMs, MAX_PAUSE_MS))
    }
    if (last.status !== 200) throw new Unavailable(last.status === 429 ? 'rate limit' : `status ${last.status}`)
    // Once for a range instead of once for a look-up.
    const body = last.body.toUpperCase()
    if (!RANGE.test(body)) throw new Unavailable('unreadable answer')
    return body
  }

  const attempt = (prefix: string, timeoutMs: number) =>
    get(endpoint + prefix, { headers, timeoutMs, maxBytes: MAX_ANSWER_BYTES })

  const ranges = createAnswers(ask, {
    keepMs: settings.cacheSeconds * 1000,
    maxSize: settings.cacheBytes,
    sizeOf: body => body.length,
    now,
  })

  return (sha1, { remainingMs }) => {
    const digits = hexOf(sha1)
    const prefix = digits.slice(0, PREFIX_DIGITS)
    const rest = digits.slice(PREFIX_DIGITS)
    const known = ranges.known(prefix)
    if (known !== undefined) return countIn(known, rest)
    if (pausedUntil > now()) return unavailable('rate limit')
    const asked = ranges.ask(prefix).then(
      body => countIn(body, rest),
      (error): BreachCount => {
        if (error instanceof Unavailable) return unavailable(error.message)
        throw error
      },
    )
    return orAfter(asked, Math.min(remainingMs, settings.timeoutMs), unavailable('timeout'))
  }
}

const unavailable = (why: string): BreachCount => ({ kind: 'unavailable', why })

/** A timeout is not tried again: it has used the time up. */
function mayTryAgain(answer: Awaited<ReturnType<HttpGet>>): boolean {
  return answer.kind === 'failure' ? answer.why === 'connection' : answer.status >= 500
}

/** Every rest has 35 digits, so one followed by a colon is a whole one. */
function countIn(range: string, rest: string): BreachCount {
  const at = range.indexOf(`${rest}:`)
  return {
    kind: 'count',
    count: at < 0 ? 0 : Number.parseInt(range.slice(at + rest.length + 1, at + rest.length + 17), 10),
  }
}

function hexOf(digest: Uint8Array): string {
  let digits = ''
  for (const byte of digest) digits += HEX[byte]
  return digits
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0').toUpperCase())
