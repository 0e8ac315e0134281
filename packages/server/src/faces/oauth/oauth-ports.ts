import type { IncomingMessage } from 'node:http'
import type { CheckPassword } from '../../domain/credentials/check-password.ts'
import type { Limits } from '../../domain/limits/limits.ts'
import type { DecisionPorts } from '../../domain/tokens/decide-tokens.ts'
import type { ClientRequest } from '../../ground/http/client-request.ts'
import type { GuardedFetch } from '../../ground/http/guarded-fetch.ts'
import type { Log } from '../../ground/observe/log.ts'
import type { Database } from '../../ground/store/database.ts'
import type { TokenAlgorithm } from '../../ground/store/signing-keys.ts'

/** The ports of the OAuth face. */
export interface OAuthPorts extends DecisionPorts {
  db: Database
  /** Epoch milliseconds. */
  now(): number
  randomBytes(count: number): Uint8Array
  log: Log
  /** For access tokens, and for ID tokens unless the application chooses another one. */
  tokenAlgorithm: TokenAlgorithm
  sessionLifetimeSeconds: number
  sessionIdleSeconds: number
  clientRequestOf(request: IncomingMessage): ClientRequest
  checkPassword: CheckPassword
  limits: Limits
  refreshGraceSeconds: number
  /** Fetches the keys of clients and calls their logout addresses. */
  fetch: GuardedFetch
}
