import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Database } from '../../ground/store/database.ts'

/** Whose sign-in a browser remembers. */
interface Account {
  tenantId: string
  userName: string
}

/** Recognizes browsers in which somebody signed in before. It proves nothing but that. */
export interface KnownBrowsers {
  /** An id of the browser, if this user signed in there before. Other users of the same browser have another one. */
  find(cookies: string | undefined, account: Account): string | undefined
  /** The `set-cookie` header for a browser in which this user has just signed in. Undefined: it has the cookie already. */
  remember(cookies: string | undefined, account: Account, isSecure: boolean): string | undefined
}

const NAME = 'preflow-known'
/** Browsers send a cookie of this name over TLS only, and a subdomain without TLS cannot set it. */
const SECURE_NAME = `__Secure-${NAME}`
const MAX_AGE_SECONDS = 180 * 86_400
/** The users of one browser. The one who signed in longest ago is forgotten first. */
const MAX_ACCOUNTS = 5
const NONCE_BYTES = 12

/**
 * Makes the cookie of known browsers: a random id per user, with a keyed hash that ties it to tenant and user name. The server stores
 * nothing, and the cookie does not show whose it is.
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
