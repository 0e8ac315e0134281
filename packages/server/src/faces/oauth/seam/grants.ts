/**
 * Grants.
 *
 * - A grant stores the scopes that its sign-in requested and how the user signed in. Both limit derived tokens.
 * - A grant that token exchange or organization switch derived from another one ends with it.
 */
import type { Grant, Provider } from 'oidc-provider'
import { widen, wrap } from './internals.ts'

/** What a grant stores in addition to the granted scopes. */
export interface GrantMemory {
  /** Scopes that the sign-in requested, granted or not. */
  asked?: string[]
  /** The authentication methods of the sign-in. */
  amr?: string[]
  /** The grant of the token from which this grant's tokens are derived. */
  parentGrantId?: string
}

interface GrantClass {
  find(id: string, options?: object): Promise<(Grant & GrantMemory) | undefined>
}

/** Reads the stored members of a grant. */
export function memoryOf(grant: Grant): GrantMemory {
  return grant as Grant & GrantMemory
}

/** Finds a derived grant only while its parent exists. */
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
