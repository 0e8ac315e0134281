/**
 * Grants.
 *
 * - A grant stores the scopes that its sign-in requested and how the user signed in. Both limit derived tokens.
 * - A grant that token exchange or organization switch derived from another one ends with it.
 * - Grants store the generation of their user and their application. Artifacts without a grant store that of their application.
 *   Ended artifacts are not found.
 */
import { type Grant, Provider } from 'oidc-provider'
import { applicationOf } from '../adapter.ts'
import { type Stamped, widen, wrap } from './internals.ts'

/** What a grant stores in addition to the granted scopes. */
export interface GrantMemory {
  /** Scopes that the sign-in requested, granted or not. */
  asked?: string[]
  /** The authentication methods of the sign-in. */
  amr?: string[]
  /** The grant of the token from which this grant's tokens are derived. */
  parentGrantId?: string
  /** The generation of the user at the sign-in. */
  userGeneration?: string
  /** The generation of the application when the grant was made. */
  clientGeneration?: string
  /** The session in which the grant was made, and whether it ends with it. */
  sessionUid?: string
  endsWithSession?: boolean
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
  const { Grant } = provider as unknown as { Grant: Parameters<typeof widen>[0] }
  widen(Grant, 'asked', 'amr', 'parentGrantId', 'userGeneration', 'sessionUid', 'endsWithSession')
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

/** Stores the application's generation in new artifacts with a client and no grant, so that they end with it. */
export function stampWithApplication(provider: Provider): void {
  for (const Model of [provider.Grant, provider.ClientCredentials, provider.DeviceCode]) {
    widen(Model as never, 'clientGeneration')
    const prototype = Model.prototype as unknown as Stamped
    wrap(
      prototype,
      'save',
      save =>
        async function (this: Stamped, ...options) {
          const client = Provider.ctx?.oidc?.client
          const generation = client && applicationOf(client).generation
          if (generation !== undefined) this.clientGeneration ??= generation
          return save.apply(this, options)
        },
    )
  }
}
