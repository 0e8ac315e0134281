import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import type { Entry, EntryLimits } from './entry.ts'

/** Binds an entry to the first browser that opens it, by a cookie, and its forms to that cookie. */
export interface BrowserBinding {
  /** A new key for a browser, with the hash that the entry keeps. */
  newKey(): { key: string; hash: string }
  /** Gives the browser the key. */
  give(c: Context, entry: Entry, key: string): void
  isBound(c: Context, entry: Entry): boolean
  /** Proves that a form was made for this browser, this entry and this attempt. Only who has the cookie can make one. */
  tokenFor(c: Context, entry: Entry, attempt: number, key?: string): string
  isToken(c: Context, entry: Entry, given: { token: string; attempt: number }): boolean
}

const BROWSER_KEY_BYTES = 32

export function createBrowserBinding(options: {
  /** Whether pages are served over https, as they must be anywhere but on this machine. */
  isSecure: boolean
  limits: EntryLimits
  randomBytes(length: number): Uint8Array
}): BrowserBinding {
  const { isSecure, limits, randomBytes } = options
  // With `__Host-` no other host of the domain can plant the cookie. It needs https, which this machine alone may lack.
  const cookieName = ({ handle }: Entry) => `${isSecure ? '__Host-' : ''}pin-${hashOf(handle).slice(0, 12)}`
  const keyOf = (c: Context, entry: Entry) => getCookie(c, cookieName(entry)) ?? ''
  const tokenFor: BrowserBinding['tokenFor'] = (c, entry, attempt, key = keyOf(c, entry)) =>
    createHmac('sha256', key).update(`${entry.handle}:${attempt}`).digest('base64url')
  return {
    newKey: () => {
      const key = Buffer.from(randomBytes(BROWSER_KEY_BYTES)).toString('base64url')
      return { key, hash: hashOf(key) }
    },
    give: (c, entry, key) =>
      setCookie(c, cookieName(entry), key, {
        path: '/',
        httpOnly: true,
        secure: isSecure,
        sameSite: 'Lax',
        maxAge: Math.ceil((limits.entryMs + limits.resultMs) / 1000),
      }),
    isBound: (c, entry) => entry.browserHash !== undefined && equal(hashOf(keyOf(c, entry)), entry.browserHash),
    tokenFor,
    isToken: (c, entry, { token, attempt }) => equal(token, tokenFor(c, entry, attempt)),
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function equal(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
