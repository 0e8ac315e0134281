import { jwtBearer } from './jwt-bearer.ts'
import { organizationSwitch } from './organization-switch.ts'
import { password } from './password.ts'
import { tokenExchange } from './token-exchange.ts'
import type { TokenGrant } from './token-grant.ts'

/** The table of this server's own grants. */
export const grants: readonly TokenGrant[] = [password, tokenExchange, jwtBearer, organizationSwitch]
