import { defineExtension } from '@preflow/extension'
import { Hono } from 'hono'
import type { Peer } from './address.ts'
import type { Configuration } from './configuration.ts'
import { openStore } from './database.ts'
import { createEnrolmentApi, type EnrolmentOptions } from './enrolment.ts'
import { createEntryPages } from './entry-pages.ts'
import type { Pages } from './forms.ts'
import { modes } from './modes.ts'
import { createPinHasher } from './pin-hash.ts'
import { describeError, type Ports } from './ports.ts'
import { readPlatformUrls } from './return-url.ts'
import { createSignIn } from './sign-in.ts'
import type { Store } from './store.ts'
import { englishTexts } from './texts.ts'

export { DatabaseError } from '@preflow/database'
export { type Configuration, PREFIX, readConfiguration, settings } from './configuration.ts'
export { type EnrolmentResult, enrol, type ImportResult, importEnrolments } from './enrolment.ts'
export type { Log, Ports } from './ports.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** The running extension: the platform's endpoint, the pages, the enrolment API and the probes. */
export interface PinAuthenticator {
  /**
   * Answers every request to the extension. Needs no `this`.
   *
   * @param peer Where the request comes from, as `@hono/node-server` passes it. Used if no `addressHeader` is set.
   */
  fetch(request: Request, peer?: Peer): Promise<Response>
  /** The dependencies of {@link enrol} and {@link importEnrolments}. */
  enrolment: EnrolmentOptions
  /** From now on `/readyz` reports not ready and responses close their connection, so no new sign-ins arrive. */
  drain(): void
  /** Closes the database. */
  close(): Promise<void>
}

/**
 * Opens the store and creates the extension.
 *
 * | path below `publicUrl` | for |
 * |---|---|
 * | `POST /` | the platform: the endpoint of the custom authenticator |
 * | `GET`, `POST /pin`, `/pin/confirm` | browsers |
 * | `PUT`, `GET`, `DELETE /pins/{userId}` | administrators, if `adminKeys` are set |
 * | `GET /livez`, `GET /readyz` | probes |
 *
 * @returns The extension. Rejects with a `DatabaseError` if the database cannot be used.
 */
export async function createPinAuthenticator(configuration: Configuration, ports: Ports): Promise<PinAuthenticator> {
  const platformUrls = readPlatformUrls(configuration.platformUrls)
  if (typeof platformUrls === 'string') throw new TypeError(`platformUrls: ${platformUrls}`)
  const store = await openStore(configuration.database, error =>
    ports.log(describeError('database connection lost', error)),
  )

  const { minPinLength, pepper, previousPepper, hashCostLog2: costLog2 } = configuration
  const hasher = createPinHasher({ pepper, previousPepper, costLog2, randomBytes: ports.randomBytes })
  const enrolment: EnrolmentOptions = { store, hasher, policy: { minLength: minPinLength }, ports }
  const { limits, locks, accountLocks, attemptsKeptMs } = limitsOf(configuration)
  const publicUrl = configuration.publicUrl.replace(/\/+$/, '')
  const isSecure = publicUrl.startsWith('https:')
  const entryUrl = (handle: string) => `${publicUrl}/pin?handle=${handle}`
  const confirmUrl = (handle: string) => `${publicUrl}/pin/confirm?handle=${handle}`

  const mode = modes[configuration.mode]
  const { addressHeader, starterHeader, return: returnCheck } = configuration
  const shared = { store, platformUrls, limits, returnCheck, entryUrl, confirmUrl, ports }
  const signIn = createSignIn({ ...shared, mode, starterHeader, attemptsKeptMs })
  const extension = defineExtension(
    { authentication: signIn },
    {
      caller: configuration.callerAuthentication,
      now: ports.now,
      log: record => ports.log({ event: 'call', ...record }),
      onError: error => ports.log(describeError('call failed', error)),
    },
  )

  const { language } = configuration
  const texts = { ...englishTexts, ...configuration.texts }
  let isDraining = false
  const routes: Pages = new Hono()
  routes.post('/', c => extension.fetch(c.req.raw))
  const pages = { ...shared, hasher, pepper, addressHeader, locks, accountLocks, isSecure, texts, language }
  routes.route('/pin', createEntryPages(pages))
  if (configuration.adminKeys.length > 0) routes.route('/pins', createEnrolmentApi(configuration.adminKeys, enrolment))
  routes.get('/livez', c => c.text('ok\n'))
  routes.get('/readyz', async c => ((await isReady()) ? c.text('ok\n') : c.text('not ready\n', 503)))

  async function isReady(): Promise<boolean> {
    try {
      await store.ping()
      return !isDraining
    } catch (error) {
      ports.log(describeError('database does not answer', error))
      return false
    }
  }

  // Below the path of the public URL for a proxy that keeps the path, and at the root for one that removes it.
  const app: Pages = new Hono()
  app.use(async (c, next) => {
    await next()
    // An open connection would delay the shutdown until the grace time ends.
    if (isDraining) c.header('connection', 'close')
  })
  app.route('/', routes)
  const { pathname } = new URL(publicUrl)
  if (pathname !== '/') app.route(pathname, routes)
  return {
    fetch: async (request, peer = {}) => app.fetch(request, peer),
    enrolment,
    drain: () => {
      isDraining = true
    },
    close: closeOnce(store),
  }
}

/** The limits on time and on attempts, in milliseconds. */
function limitsOf(configuration: Configuration) {
  const limits = {
    entryMs: configuration.entrySeconds * 1000,
    resultMs: configuration.resultSeconds * 1000,
    attempts: configuration.entryAttempts,
  }
  const locks = {
    attempts: configuration.userAttempts,
    lockMs: configuration.lockSeconds * 1000,
    maxLockMs: configuration.maxLockSeconds * 1000,
  }
  const accountLocks = { attempts: configuration.accountAttempts, lockMs: HOUR_MS, maxLockMs: DAY_MS }
  return { limits, locks, accountLocks, attemptsKeptMs: 2 * Math.max(locks.maxLockMs, accountLocks.maxLockMs) }
}

function closeOnce(store: Store): () => Promise<void> {
  let closed: Promise<void> | undefined
  return () => {
    closed ??= store.close()
    return closed
  }
}
