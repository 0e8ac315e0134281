import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'

/**
 * Recognizes browsers in which a user has entered the right PIN before. Strangers' wrong PINs are not counted for them, so
 * strangers cannot lock the owner out. A stolen cookie gives no more attempts than a network.
 */
export interface KnownBrowsers {
  /** Makes the browser known for the user. */
  give(c: Context, userId: string): void
  /** Names the browser, if it is known for the user. */
  nameOf(c: Context, userId: string): string | undefined
}

const NONCE_BYTES = 16
const DAY_SECONDS = 86_400
const KNOWN_DAYS = 180

export function createKnownBrowsers(options: {
  /** Secret of the deployment. A new one makes no browser known any more. */
  pepper: string
  isSecure: boolean
  randomBytes(length: number): Uint8Array
}): KnownBrowsers {
  const { isSecure, pepper, randomBytes } = options
  const key = createHmac('sha256', pepper).update('known browsers').digest()
  const mac = (text: string) => createHmac('sha256', key).update(text).digest('base64url')
  const cookieName = (userId: string) => `${isSecure ? '__Host-' : ''}pin-known-${mac(`name:${userId}`).slice(0, 12)}`
  const proofOf = (userId: string, nonce: string) => mac(`proof:${nonce}:${userId}`)
  return {
    give(c, userId) {
      const nonce = Buffer.from(randomBytes(NONCE_BYTES)).toString('base64url')
      setCookie(c, cookieName(userId), `${nonce}.${proofOf(userId, nonce)}`, {
        path: '/',
        httpOnly: true,
        secure: isSecure,
        sameSite: 'Lax',
        maxAge: KNOWN_DAYS * DAY_SECONDS,
      })
    },
    nameOf(c, userId) {
      const [nonce = '', given = ''] = (getCookie(c, cookieName(userId)) ?? '').split('.')
      const [a, b] = [Buffer.from(given), Buffer.from(proofOf(userId, nonce))]
      return nonce !== '' && a.length === b.length && timingSafeEqual(a, b) ? nonce : undefined
    },
  }
}
