/**
 * Logout tokens, OpenID Connect Back-Channel Logout 1.0. oidc-provider makes and sends them at its own end of a session, which this
 * server does not use.
 */
import type { Client } from 'oidc-provider'
import type { LogoutClient } from './internals.ts'

/** Where a client wants to be informed of sign-outs. */
export function logoutAddressOf(client: Client): string | undefined {
  return (client as unknown as LogoutClient).backchannelLogoutUri
}

/**
 * Sends a fresh logout token. Rejects when the client does not accept it, or cannot be reached.
 *
 * @param session The user, and the session as this client knows it.
 */
export function sendLogoutToken(client: Client, session: { sub: string; sid: string }): Promise<void> {
  return (client as unknown as LogoutClient).backchannelLogout(session.sub, session.sid)
}
