import { errors, type TokenEndpointGrantContext } from 'oidc-provider'
import type { CheckPassword } from '../../../domain/credentials/check-password.ts'
import type { Issuer } from '../../../domain/tenants/issuer.ts'
import type { Database } from '../../../ground/store/database.ts'
import type { Application } from '../../../ground/store/model.ts'
import type { FindUser } from '../accounts.ts'
import type { AccessTokenClaims } from '../read-access-token.ts'
import type { Seam } from '../seam/seam.ts'

/** What a grant of our own needs, for one issuer. */
export interface GrantPorts {
  db: Database
  issuer: Issuer
  checkPassword: CheckPassword
  seam: Seam
  /** Epoch seconds. */
  nowSeconds(): number
  /** Active users only. */
  findUser: FindUser
  /** Who an access token of this issuer speaks for, when it is valid and not revoked. */
  readAccessToken(token: string): Promise<AccessTokenClaims | undefined>
  /** The application of a client of this issuer. */
  findApplication(clientId: string): Promise<Application | undefined>
}

/** A grant beside those of oidc-provider. The client is authenticated and may use the grant when `handle` is called. */
export interface TokenGrant {
  grantType: string
  /** Parameters beside `grant_type` and `scope`. */
  parameters: readonly string[]
  handle(ctx: TokenEndpointGrantContext, ports: GrantPorts): Promise<void>
}

/** What the request asks for. It gets those that application and user may have. */
export function requestedScopes(ctx: TokenEndpointGrantContext, otherwise: readonly string[] = []): string[] {
  const { scope } = ctx.oidc.params
  return scope ? scope.split(' ') : [...otherwise]
}

/** A required parameter. Throws the protocol's error when it is missing. */
export function required(ctx: TokenEndpointGrantContext, name: string): string {
  const value = ctx.oidc.params[name]
  if (typeof value !== 'string' || value === '') throw new errors.InvalidRequest(`missing required parameter ${name}`)
  return value
}
