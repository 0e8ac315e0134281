import type { IncomingMessage } from 'node:http'
import { createBreakers, createCredentialSource, createSend } from '@preflow/engine'
import type { Configuration } from './configuration.ts'
import { createCallKeeper } from './domain/actions/call-record.ts'
import { createPlatforms } from './domain/actions/platforms.ts'
import { createTriggerAction, type TriggerAction } from './domain/actions/trigger-action.ts'
import { type CheckPassword, createPasswordCheck } from './domain/credentials/check-password.ts'
import { createKnownBrowsers, type KnownBrowsers } from './domain/credentials/known-browsers.ts'
import type { PasswordRules } from './domain/credentials/password-rules.ts'
import { createLimits, type Limits } from './domain/limits/limits.ts'
import { createAllowedOrigins, type IsAllowedOrigin } from './domain/tenants/allowed-origins.ts'
import { createIssuerFinder, type IssuerFinder } from './domain/tenants/find-issuer.ts'
import { type ClientRequest, readClientRequest, trustNetworks } from './ground/http/client-request.ts'
import { createGuardedFetch, type GuardedFetch } from './ground/http/guarded-fetch.ts'
import type { Ports } from './ground/ports.ts'
import type { Database } from './ground/store/database.ts'

/** The functions of the domain, for the faces. */
export interface Domain {
  db: Database
  issuers: IssuerFinder
  /** Whether pages of an origin may call the APIs of a tenant. */
  isAllowedOrigin: IsAllowedOrigin
  /** The only caller of extensions. */
  trigger: TriggerAction
  checkPassword: CheckPassword
  limits: Limits
  knownBrowsers: KnownBrowsers
  passwordRules: PasswordRules
  /** Finds the client of a request. Call it once, before anything reads the headers. */
  readClient(request: IncomingMessage): void
  /** The result of {@link Domain.readClient}. */
  clientRequestOf(request: IncomingMessage): ClientRequest
  /** Fetches addresses from the configuration of applications. */
  fetch: GuardedFetch
  /** The tenants whose calls were recorded since the last time. */
  takeRecorded(): string[]
  /** Closes the connections to extensions, and writes what is only in memory. */
  close(): Promise<void>
}

/** @param publicUrl The public URL of the server, known after it listens. */
export function createDomain(
  configuration: Configuration,
  { log, newId, now }: Ports,
  db: Database,
  passwordRules: PasswordRules,
  publicUrl: () => string,
): Domain {
  const isTrusted = trustNetworks(configuration.trustedProxies)
  const clients = new WeakMap<IncomingMessage, ClientRequest>()
  const clientRequestOf = (request: IncomingMessage) => clients.get(request) ?? { address: '', headers: [] }

  const send = createSend({
    allowedAddresses: configuration.privateEndpoints,
    maxConnectionsPerOwner: configuration.actionConnections,
    maxWaitingPerOwner: configuration.actionQueue,
  })
  const calls = createCallKeeper(db)
  const trigger = createTriggerAction({
    db,
    log,
    newId,
    keepCall: calls.keep,
    engine: {
      send,
      now,
      credentials: createCredentialSource({ send, now }),
      ...(configuration.breaksCircuits ? { breakers: createBreakers() } : {}),
    },
    platformOf: createPlatforms(configuration),
    disabledActions: configuration.disabledActions,
    disclosure: configuration,
    maxOperations: configuration.actionMaxOperations,
  })

  const limits = createLimits(db, configuration.limits)

  return {
    db,
    issuers: createIssuerFinder(db, publicUrl),
    isAllowedOrigin: createAllowedOrigins(db, configuration.allowedOrigins),
    trigger,
    checkPassword: createPasswordCheck({ db, limits, clientRequestOf }),
    limits,
    knownBrowsers: createKnownBrowsers(db),
    passwordRules,
    readClient(request) {
      clients.set(request, readClientRequest(request, isTrusted, configuration.addressHeader))
    },
    clientRequestOf,
    fetch: createGuardedFetch(send),
    takeRecorded: calls.takeRecorded,
    async close() {
      await limits.flush()
      await send.close()
    },
  }
}
