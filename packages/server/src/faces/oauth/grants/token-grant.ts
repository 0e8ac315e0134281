import { errors, type TokenEndpointGrantContext } from 'oidc-provider'
import type { CheckPassword } from '../../../domain/credentials/check-password.ts'
import type { Issuer } from '../../../domain/tenants/issuer.ts'
import type { Database } from '../../../ground/store/database.ts'
import type { Application } from '../../../ground/store/model.ts'
import type { FindUser } from '../accounts.ts'
import type { AccessTokenClaims } from '../read-access-token.ts'
import type { Seam } from '../seam/seam.ts'

/** The ports of this server's own grants, for one issuer. */
export interface GrantPorts {
  db: Database
  issuer: Issuer
  checkPassword: CheckPassword
  seam: Seam
  /** Epoch seconds. */
  nowSeconds(): number
  /** Finds only active users. */
  findUser: FindUser
  /** Returns the claims of a valid, unrevoked access token of this issuer. */
  readAccessToken(token: string): Promise<AccessTokenClaims | undefined>
  /** Finds the application of a client of this issuer. */
  findApplication(clientId: string): Promise<Application | undefined>
}

/**
 * A grant in addition to those of oidc-provider. `handle` is called after the client is authenticated and authorized for the
 * grant.
 */
export interface TokenGrant {
  grantType: string
  /** Parameters in addition to `grant_type` and `scope`. */
  parameters: readonly string[]
  handle(ctx: TokenEndpointGrantContext, ports: GrantPorts): Promise<void>
}

/** The requested scopes. The token gets those that application and user may have. */
export function requestedScopes(ctx: TokenEndpointGrantContext, otherwise: readonly string[] = []): string[] {
  const { scope } = ctx.oidc.params
  return scope ? scope.split(' ') : [...otherwise]
}

/** Returns a required parameter. Throws the protocol's error if it is missing. */
export function required(ctx: TokenEndpointGrantContext, name: string): string {
  const value = ctx.oidc.params[name]
  if (typeof value !== 'string' || value === '') throw new errors.InvalidRequest(`missing required parameter ${name}`)
  return value
}
