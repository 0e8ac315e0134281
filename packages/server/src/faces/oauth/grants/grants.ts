import type { TokenEndpointGrantContext } from 'oidc-provider'
import type { CheckPassword } from '../../../domain/credentials/check-password.ts'
import type { Issuer } from '../../../domain/tenants/issuer.ts'
import type { Database } from '../../../ground/store/database.ts'
import type { Application, Organization, User } from '../../../ground/store/model.ts'
import type { Seam } from '../seam.ts'
import { jwtBearer } from './jwt-bearer.ts'
import { organizationSwitch } from './organization-switch.ts'
import { password } from './password.ts'
import { tokenExchange } from './token-exchange.ts'

/** What a grant of our own needs, for one issuer. */
export interface GrantPorts {
  db: Database
  issuer: Issuer
  checkPassword: CheckPassword
  seam: Seam
  /** Epoch seconds. */
  nowSeconds(): number
  /** Active users only. */
  findUser(id: string): Promise<{ user: User; organization?: Organization } | undefined>
  /** What the application may ask for on behalf of a user. */
  scopesOf(application: Application): Promise<string[]>
  /** Who an access token of this issuer speaks for, when it is valid and not revoked. */
  readAccessToken(token: string): Promise<{ userId?: string; scopes: string[]; clientId: string } | undefined>
  /** The claims of an ID token of this issuer, when it has not expired. */
  verifyIdToken(jwt: string): Promise<Record<string, unknown> | undefined>
}

/** A grant beside those of oidc-provider. The client is authenticated and may use the grant when `handle` is called. */
export interface TokenGrant {
  grantType: string
  /** Parameters beside `grant_type` and `scope`. */
  parameters: readonly string[]
  handle(ctx: TokenEndpointGrantContext, ports: GrantPorts): Promise<void>
}

/** The table of our own grants. */
export const grants: readonly TokenGrant[] = [password, tokenExchange, jwtBearer, organizationSwitch]
