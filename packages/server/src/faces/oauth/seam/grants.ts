/**
 * Grants.
 *
 * - A grant keeps what its sign-in asked for and how the user signed in: what a token may be turned into is limited by both.
 * - A grant that was made from another one, by token exchange or organization switch, ends with it.
 */
import type { Grant, Provider } from 'oidc-provider'
import { widen, wrap } from './internals.ts'

/** What a grant keeps beside the scopes that were given. */
export interface GrantMemory {
  /** Scopes that the sign-in asked for, given or not. */
  asked?: string[]
  /** How the user signed in. */
  amr?: string[]
  /** The grant of the token that this one's tokens were made from. */
  parentGrantId?: string
}

interface GrantClass {
  find(id: string, options?: object): Promise<(Grant & GrantMemory) | undefined>
}

/** Reads what a grant keeps. */
export function memoryOf(grant: Grant): GrantMemory {
  return grant as Grant & GrantMemory
}

/** A grant is found only while the one it was made from is. */
export function endDerivedGrants(provider: Provider): void {
  widen(provider.Grant as never, 'asked', 'amr', 'parentGrantId')
  wrap(
    provider.Grant as unknown as GrantClass,
    'find',
    find =>
      async function (this: GrantClass, id, options) {
        const grant = await find.call(this, id, options)
        if (grant?.parentGrantId === undefined) return grant
        return (await this.find(grant.parentGrantId)) ? grant : undefined
      },
  )
}
