import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createReturnProof, type ReturnProof } from '@preflow/extension'
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { acceptedVersion, type Entry, type EntryLimits } from './entry.ts'

/** Binds an entry to the first browser that opens it, by a cookie, and its forms to that cookie. */
export interface BrowserBinding {
  /** A new key for a browser, with the hash that the entry stores. */
  newKey(): { key: string; hash: string }
  /** Sends the key to the browser. */
  give(c: Context, entry: Entry, key: string): void
  isBound(c: Context, entry: Entry): boolean
  /** The code with which this browser finishes the sign-in, and the hash that the entry stores. */
  proofFor(c: Context, entry: Entry): Promise<ReturnProof>
  /** Proves that a form was created for this browser, this entry and this attempt. Creating one requires the cookie. */
  tokenFor(c: Context, entry: Entry, purpose: FormPurpose, key?: string): string
  isToken(c: Context, entry: Entry, purpose: FormPurpose, token: string): boolean
}

/** What a form is for: the number of the attempt, or the confirmation of the sign-in. */
export type FormPurpose = number | 'confirm'

const BROWSER_KEY_BYTES = 32

export function createBrowserBinding(options: {
  /** Whether pages are served over https. Only on this machine they may not be. */
  isSecure: boolean
  limits: EntryLimits
  randomBytes(length: number): Uint8Array
}): BrowserBinding {
  const { isSecure, limits, randomBytes } = options
  // `__Host-` prevents other hosts of the domain from setting the cookie. It requires https, which may be missing only
  // on this machine.
  const cookieName = ({ handle }: Entry) => `${isSecure ? '__Host-' : ''}pin-${hashOf(handle).slice(0, 12)}`
  const keyOf = (c: Context, entry: Entry) => getCookie(c, cookieName(entry)) ?? ''
  const tokenFor: BrowserBinding['tokenFor'] = (c, entry, purpose, key = keyOf(c, entry)) =>
    createHmac('sha256', key).update(`${entry.handle}:${purpose}`).digest('base64url')
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
    proofFor: (c, entry) =>
      createReturnProof({ browserKey: keyOf(c, entry), entry: entry.handle, version: acceptedVersion(entry) }),
    tokenFor,
    isToken: (c, entry, purpose, token) => equal(token, tokenFor(c, entry, purpose)),
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function equal(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
