import * as z from 'zod/mini'
import { createAnswers } from './answers.ts'
import { fetchGet, type HttpGet, orAfter, retryTime } from './http-get.ts'
import { readOptions } from './options.ts'

/** How often the range API has seen a password in breaches, 0 for never. */
export type BreachCount =
  | { kind: 'count'; count: number }
  /** No result; `why` is a class, for example `timeout` or `status 503`. */
  | { kind: 'unavailable'; why: string }

/**
 * Returns how often a password was seen. Never rejects. Answers at once if the range is cached.
 *
 * @param sha1 All 20 bytes of the SHA-1 of the password. Only the first 20 bits leave the process.
 * @param call.remainingMs Milliseconds after which the caller no longer waits.
 */
export type BreachCounter = (sha1: Uint8Array, call: { remainingMs: number }) => BreachCount | Promise<BreachCount>

export interface PwnedPasswordsOptions {
  /**
   * URL of the API. Default `https://api.pwnedpasswords.com`; a mirror must answer `/range/{5 digits}` in the same way.
   */
  url?: string
  /** Maximum milliseconds for one lookup, with its retry. Default 1200. */
  timeoutMs?: number
  /** Seconds for which a range is cached. Default 86,400: the service itself renews ranges far less often. */
  cacheSeconds?: number
  /** Maximum memory for cached ranges. Default 64 MiB: about 1,000 of the 1,048,576 ranges. */
  cacheBytes?: number
  /** User agent of this client, which the service requires. Default `preflow-password-guard`. */
  userAgent?: string
}

export const pwnedPasswordsOptionsSchema: z.ZodMiniType<Required<PwnedPasswordsOptions>> = z.strictObject({
  url: z._default(z.url({ protocol: /^https?$/ }), 'https://api.pwnedpasswords.com'),
  timeoutMs: z._default(z.int().check(z.gte(1), z.lte(10_000)), 1200),
  cacheSeconds: z._default(z.int().check(z.gte(0)), 86_400),
  cacheBytes: z._default(z.int().check(z.gte(0)), 64 * 1024 * 1024),
  userAgent: z._default(z.string().check(z.minLength(1)), 'preflow-password-guard'),
})

/** The dependencies of the client. */
export interface PwnedPasswordsPorts {
  /** Default: `fetch`. On Node, the one of `@preflow/policies/http-get` needs a third of its CPU. */
  get?: HttpGet
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/** A range has one to two thousand lines of about 40 bytes. */
const MAX_ANSWER_BYTES = 1024 * 1024
const PREFIX_DIGITS = 5
/** Pause after `429` without a readable `Retry-After`. */
const DEFAULT_PAUSE_MS = 5_000
/** A longer `Retry-After` would let one wrong header switch the check off. */
const MAX_PAUSE_MS = 3600 * 1000
/** A retry that starts later would hardly get an answer in time. */
const LEAST_ATTEMPT_MS = 100

/** Every line is the rest of a digest and a number. A response with anything else is invalid. */
const RANGE = /^(?:[0-9A-F]{35}:[0-9]{1,15}(?:\r?\n|$))+$/

class Unavailable extends Error {}

/**
 * A client of the Pwned Passwords range API.
 *
 * Ranges are cached, and concurrent lookups in the same range share one call. A failed connection and a `5xx` are
 * retried once within the same time. After `429` no request is sent until `Retry-After` has passed. Only `200` with
 * lines of digests and counts is an answer. Padding, which has the count 0, means that the password was not seen.
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
    // Checked once per range instead of once per lookup.
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

/** A timeout is not retried, because it has used up the time. */
function mayTryAgain(answer: Awaited<ReturnType<HttpGet>>): boolean {
  return answer.kind === 'failure' ? answer.why === 'connection' : answer.status >= 500
}

/** Every rest has 35 digits, so one followed by a colon is complete. */
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
