import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Database } from '../../ground/store/database.ts'

/** The account that a browser remembers. */
interface Account {
  tenantId: string
  userName: string
}

/** Recognizes browsers in which a user signed in before. It proves nothing else. */
export interface KnownBrowsers {
  /** Returns an id of the browser, if this user signed in there before. Each user of a browser has another id. */
  find(cookies: string | undefined, account: Account): string | undefined
  /** Returns the `set-cookie` header for a browser in which this user just signed in. Undefined: it already has the cookie. */
  remember(cookies: string | undefined, account: Account, isSecure: boolean): string | undefined
}

const NAME = 'preflow-known'
/** Browsers send a cookie with this name only over TLS, and a subdomain without TLS cannot set it. */
const SECURE_NAME = `__Secure-${NAME}`
const MAX_AGE_SECONDS = 180 * 86_400
/** Maximum number of users of one browser. The oldest sign-in is dropped first. */
const MAX_ACCOUNTS = 5
const NONCE_BYTES = 12

/**
 * Creates the cookie of known browsers: a random id per user, with a keyed hash that binds it to tenant and user name. The
 * server stores nothing, and the cookie does not reveal the user.
 */
export function createKnownBrowsers(db: Pick<Database, 'seal'>): KnownBrowsers {
  const secret = db.seal.deriveSecret('known browsers')
  const tagOf = (nonce: string, { tenantId, userName }: Account) =>
    createHmac('sha256', secret)
      .update(JSON.stringify([tenantId, userName.toLowerCase(), nonce]))
      .digest('base64url')
  const isOf = (entry: string, account: Account) => {
    const [nonce = '', tag = ''] = entry.split('~')
    const given = Buffer.from(tag)
    const expected = Buffer.from(tagOf(nonce, account))
    return given.byteLength === expected.byteLength && timingSafeEqual(given, expected)
  }
  const entryOf = (entries: readonly string[], account: Account) => entries.find(entry => isOf(entry, account))

  return {
    find: (cookies, account) => entryOf(entriesIn(cookies), account)?.split('~', 1)[0],
    remember(cookies, account, isSecure) {
      const entries = entriesIn(cookies)
      if (entryOf(entries, account) !== undefined) return undefined
      const nonce = randomBytes(NONCE_BYTES).toString('base64url')
      const value = [`${nonce}~${tagOf(nonce, account)}`, ...entries].slice(0, MAX_ACCOUNTS).join('.')
      const name = isSecure ? SECURE_NAME : NAME
      const secure = isSecure ? '; secure' : ''
      return `${name}=${value}; path=/; max-age=${MAX_AGE_SECONDS}; samesite=lax; httponly${secure}`
    },
  }
}

function entriesIn(cookies: string | undefined): string[] {
  const pairs = (cookies ?? '').split(';').map(pair => pair.trim().split('='))
  const [, value = ''] = pairs.find(([name]) => name === SECURE_NAME) ?? pairs.find(([name]) => name === NAME) ?? []
  return value
    .split('.')
    .filter(entry => entry !== '')
    .slice(0, MAX_ACCOUNTS)
}
