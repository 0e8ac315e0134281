/**
 * Informs applications of sign-outs, OpenID Connect Back-Channel Logout 1.0.
 *
 * The browser does not wait for it. Each application gets a logout token after the sign-out, and another one if it did not accept
 * the first.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Client, Provider } from 'oidc-provider'
import type { Log } from '../../ground/observe/log.ts'
import { logoutAddressOf, sendLogoutToken } from './seam/logout-tokens.ts'

/** A session that ended: its user, and its name for each client. */
export interface EndedSession {
  tenant: string
  sub: string
  clients: { clientId: string; sid: string }[]
}

/** Informs the clients of a session that have a logout address. Returns at once and never throws. */
export type InformClients = (provider: Pick<Provider, 'Client'>, session: EndedSession) => void

/** Milliseconds before each further attempt. */
const RETRIES_MS = [1000, 10_000, 60_000]
/** Sessions whose clients are being informed. Each takes little memory, and a client that does not answer holds it for minutes. */
const MAX_SESSIONS = 1000

/** @param retriesMs Milliseconds before each further attempt. Default: 1, 10 and 60 seconds. */
export function createClientInformer(
  log: Pick<Log, 'info' | 'warn'>,
  retriesMs: readonly number[] = RETRIES_MS,
): InformClients {
  let sessions = 0

  async function informAll(provider: Pick<Provider, 'Client'>, { clients, sub, tenant }: EndedSession): Promise<void> {
    await Promise.all(
      clients.map(async ({ clientId, sid }) => {
        const client = await provider.Client.find(clientId)
        if (client && logoutAddressOf(client) !== undefined) await inform(client, { sub, sid }, { tenant, clientId })
      }),
    )
  }

  async function inform(client: Client, session: { sub: string; sid: string }, facts: object): Promise<void> {
    for (const [attempt, delayMs] of [0, ...retriesMs].entries()) {
      // A server that stops does not wait for clients.
      if (delayMs > 0) await wait(delayMs, undefined, { ref: false })
      try {
        await sendLogoutToken(client, session)
        return log.info({ ...facts, attempts: attempt + 1 }, 'a client was informed of a sign-out')
      } catch (error) {
        const isLast = attempt === retriesMs.length
        log.warn(
          { ...facts, attempt: attempt + 1, reason: (error as Error).message },
          isLast ? 'a client was not informed of a sign-out' : 'a client was not informed of a sign-out yet',
        )
      }
    }
  }

  return (provider, session) => {
    if (session.clients.length === 0) return
    if (sessions >= MAX_SESSIONS) {
      return log.warn({ tenant: session.tenant }, 'clients are not informed of a sign-out: too many are waiting')
    }
    sessions += 1
    informAll(provider, session)
      .catch(error => log.warn({ err: error, tenant: session.tenant }, 'clients were not informed of a sign-out'))
      .finally(() => {
        sessions -= 1
      })
  }
}
