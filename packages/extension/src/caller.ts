import { createReplayMemory, type ReplayMemory } from './replays.ts'

/**
 * How the platform authenticates. Every secret is a list: during a rotation the old and the new one are both accepted.
 */
export type CallerAuthentication =
  /** Accepts every caller. Only for an extension behind a gateway that authenticates, or on a developer's machine. */
  | { type: 'none' }
  | { type: 'basic'; credentials: readonly { username: string; password: string }[] }
  | { type: 'bearer'; tokens: readonly string[] }
  | { type: 'apiKey'; header: string; keys: readonly string[] }
  /**
   * HMAC over id, time and body, as Standard Webhooks describes it. The body cannot be changed, and a recorded call cannot
   * be sent again: after ten seconds, in which platforms retry, it gets a 401 `replayed`.
   *
   * `secrets` are base64, with or without `whsec_`. `windowSeconds` is the maximum difference between the time of the
   * call and ours; default 300. `replayMemory` remembers calls; give processes that answer for each other a shared one.
   * Default: in memory of this process.
   */
  | { type: 'signature'; secrets: readonly string[]; windowSeconds?: number; replayMemory?: ReplayMemory }

/** Authenticates the caller. `undefined`: accepted. A string: the reason for the rejection, for the log. */
export interface CallerCheck {
  /** Before the body is read. */
  byHeaders(header: (name: string) => string | undefined): string | undefined
  /** With the body, if the authentication covers it. */
  byBody?(header: (name: string) => string | undefined, body: string): Promise<string | undefined>
  /**
   * The id of a call that {@link CallerCheck.byBody} accepted, and how many milliseconds ago a call with this id arrived
   * first. `ageMs` is absent if that is not known, so it may be a replay.
   */
  arrival?(header: (name: string) => string | undefined): Promise<{ id: string; ageMs?: number }>
  /** The value of `www-authenticate` in a rejection. */
  challenge?: string
}

/**
 * Creates the check of the caller.
 *
 * @throws {TypeError} If a secret is missing or empty, because an empty secret would accept every caller.
 */
export function createCallerCheck(authentication: CallerAuthentication, now: () => number): CallerCheck {
  return checks[authentication.type](authentication as never, now)
}

const checks: {
  [T in CallerAuthentication['type']]: (
    authentication: Extract<CallerAuthentication, { type: T }>,
    now: () => number,
  ) => CallerCheck
} = {
  none: () => ({ byHeaders: () => undefined }),
  basic: ({ credentials }) => {
    for (const { username } of credentials) {
      if (username.includes(':')) throw new TypeError('caller.credentials: a user name cannot contain a colon.')
    }
    const expected = secretsOf(
      'caller.credentials',
      credentials.map(({ username, password }) => username && password && base64(`${username}:${password}`)),
    )
    return {
      byHeaders: header => compare(schemeOf('Basic', header('authorization')), expected),
      challenge: 'Basic realm="extension", charset="UTF-8"',
    }
  },
  bearer: ({ tokens }) => {
    const expected = secretsOf('caller.tokens', tokens)
    return { byHeaders: header => compare(schemeOf('Bearer', header('authorization')), expected), challenge: 'Bearer' }
  },
  apiKey: ({ header: name, keys }) => {
    const expected = secretsOf('caller.keys', keys)
    const wanted = name.toLowerCase()
    return { byHeaders: header => compare(header(wanted), expected) }
  },
  signature: ({ secrets, windowSeconds = 300, replayMemory = createReplayMemory() }, now) => {
    if (secrets.length === 0) throw new TypeError('caller.secrets: at least one is required.')
    const keys = secrets.map(keyOf)
    return {
      byHeaders: header => {
        const seconds = Number(header('webhook-timestamp'))
        if (!header('webhook-id') || !header('webhook-signature') || !Number.isInteger(seconds)) return 'not signed'
        return Math.abs(now() / 1000 - seconds) > windowSeconds ? 'signed at another time' : undefined
      },
      byBody: async (header, body) => {
        const signed = encode(`${header('webhook-id')}.${header('webhook-timestamp')}.${body}`)
        const presented = (header('webhook-signature') ?? '').split(' ').slice(0, MAX_SIGNATURES)
        for (const signature of presented.flatMap(versioned => signatureOf(versioned) ?? [])) {
          for (const key of keys) {
            // The platform compares in constant time.
            if (await crypto.subtle.verify('HMAC', await key, signature, signed)) return undefined
          }
        }
        return 'wrong signature'
      },
      arrival: async header => {
        const id = header('webhook-id') ?? ''
        const nowMs = now()
        const signedAtMs = Number(header('webhook-timestamp')) * 1000
        const untilMs = signedAtMs + windowSeconds * 1000
        const firstMs = await replayMemory.firstArrival({ id, nowMs, signedAtMs, untilMs })
        return firstMs === undefined ? { id } : { id, ageMs: nowMs - firstMs }
      },
    }
  },
}

/** A caller that rotates keys sends two signatures. A longer list is an attempt to waste our CPU time. */
const MAX_SIGNATURES = 8

const encoder = new TextEncoder()
const encode = (text: string) => encoder.encode(text)

function secretsOf(name: string, secrets: readonly string[]): readonly string[] {
  if (secrets.length === 0 || secrets.some(secret => secret === '')) {
    throw new TypeError(
      `${name}: at least one is required, and none may be empty. Use type none to accept every caller.`,
    )
  }
  return secrets
}

/** `whsec_` and base64, as Standard Webhooks writes secrets. */
function keyOf(secret: string): Promise<CryptoKey> {
  const bytes = bytesOf(secret.replace(/^whsec_/, ''))
  if (!bytes || bytes.length === 0) throw new TypeError('caller.secrets: a signing secret is base64 and not empty.')
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
}

/** `v1,<base64>` is the symmetric scheme. Other schemes are for other keys. */
function signatureOf(versioned: string): Uint8Array<ArrayBuffer> | undefined {
  return versioned.startsWith('v1,') ? bytesOf(versioned.slice(3)) : undefined
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), character => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...encode(text)))
}

function schemeOf(scheme: string, authorization: string | undefined): string | undefined {
  const [given = '', credentials] = authorization?.split(/ +/, 2) ?? []
  return given.toLowerCase() === scheme.toLowerCase() ? credentials : undefined
}

/** Compares with every secret, so the time does not reveal which one was nearly right. */
function compare(presented: string | undefined, expected: readonly string[]): string | undefined {
  if (presented === undefined) return 'no credentials'
  let matches = false
  for (const secret of expected) matches = equalInConstantTime(presented, secret) || matches
  return matches ? undefined : 'wrong credentials'
}

/**
 * The time depends only on the length of the input. `crypto.subtle` is not used: one digest there costs more than twice
 * the CPU of a whole bare HTTP exchange, because it runs on another thread.
 */
export function equalInConstantTime(presented: string, expected: string): boolean {
  let difference = presented.length ^ expected.length
  for (let index = 0; index < presented.length; index++) {
    difference |= presented.charCodeAt(index) ^ expected.charCodeAt(index % expected.length)
  }
  return difference === 0
}
