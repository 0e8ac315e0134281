import type { Limits, Use } from '../limits/limits.ts'
import { networkOf } from '../limits/networks.ts'

/** Slows down password guessing. */
export interface Attempts {
  /** Returns the seconds until this client may try a password of this user. Undefined: now. */
  waitFor(attempt: Attempt): Promise<number | undefined>
  /** Counts a wrong password. Resolves with whether it is the last one that is checked. */
  failed(attempt: Attempt): Promise<boolean>
  /**
   * Resets the count after the right password. If too many concurrent attempts were wrong, it returns seconds and resets nothing.
   * Otherwise many concurrent guesses would pass before the first one is counted.
   */
  succeeded(attempt: Attempt): Promise<number | undefined>
}

/** The user and the client of an attempt. */
export interface Attempt {
  tenantId: string
  userName: string
  /** The client's address. */
  address: string
  /** The id of a browser in which this user signed in before. Strangers cannot use up its attempts. */
  browser?: string
}

/**
 * Counts wrong passwords: of an account from one network, of an account from everywhere, and from a network for all accounts.
 * Browsers and networks in which the user signed in before have their own counts, so that strangers cannot lock the user out.
 */
export function createAttempts(limits: Limits): Attempts {
  async function usesOf(attempt: Attempt): Promise<{ own: Use[]; shared: Use[] }> {
    const { address, browser } = attempt
    const account = accountOf(attempt)
    if (browser !== undefined) {
      const of = [...account, 'browser', browser]
      const own: Use[] = [
        { bucket: 'password', of },
        { bucket: 'account', of },
      ]
      return { own, shared: [] }
    }
    const fromNetwork: Use = { bucket: 'password', of: account, address }
    const byNetwork: Use = { bucket: 'address', of: [], address }
    if (!(await limits.isKnown(account, address))) {
      return { own: [fromNetwork], shared: [{ bucket: 'account', of: account }, byNetwork] }
    }
    const ofNetwork: Use = { bucket: 'account', of: [...account, 'network', networkOf(address)] }
    return { own: [fromNetwork, ofNetwork], shared: [byNetwork] }
  }

  return {
    async waitFor(attempt) {
      const { own, shared } = await usesOf(attempt)
      return limits.waitFor(...own, ...shared)
    },
    async failed(attempt) {
      const { own, shared } = await usesOf(attempt)
      const pauses = await Promise.all([...own, ...shared].map(use => limits.count(use)))
      return pauses.some(seconds => seconds !== undefined)
    },
    async succeeded(attempt) {
      const { own } = await usesOf(attempt)
      const seconds = await limits.waitFor(...own)
      if (seconds !== undefined) return seconds
      await Promise.all(own.map(limits.forget))
      await limits.know(accountOf(attempt), attempt.address)
      return undefined
    },
  }
}

/** The user name in a normal form, which is the same in every organization of the tenant. */
function accountOf({ tenantId, userName }: Attempt): string[] {
  return ['user', tenantId, userName.toLowerCase()]
}
