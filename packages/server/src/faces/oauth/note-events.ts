import type { EventEmitter } from 'node:events'
import { present } from '@preflow/contract'
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider'
import { noteEvent, type SecurityEventName } from '../../ground/observe/security-events.ts'
import { applicationOf } from './adapter.ts'

/** The events of oidc-provider for a refused request, and our security events for them. */
const REFUSED: Record<string, SecurityEventName> = {
  'authorization.error': 'authorization.refused',
  'pushed_authorization_request.error': 'authorization.refused',
  'device_authorization.error': 'authorization.refused',
  'grant.error': 'token.refused',
  'introspection.error': 'token.refused',
  'revocation.error': 'token.refused',
  'userinfo.error': 'token.refused',
}

/** oidc-provider's message for a reused code or token, which may be stolen. It is in no response. */
const REUSED = /already (been )?(used|consumed)/
const REVOKE = '/oauth2/revoke'

/** Records what oidc-provider does as security events. */
export function noteEvents(provider: Provider): void {
  const emitter = provider as EventEmitter
  for (const [name, event] of Object.entries(REFUSED)) {
    emitter.on(name, (ctx: KoaContextWithOIDC, error: Error) => noteRefusal(ctx, error, event))
  }
  provider.on('grant.success', ctx => {
    const { accountId, scope } = issuedIn(ctx)
    const actor = accountId === undefined ? applicationIn(ctx) : ({ kind: 'user', id: accountId } as const)
    noteEvent('token.issued', {
      ...aboutClient(ctx),
      ...present({ actor }),
      details: { ...grantTypeOf(ctx), scopes: scope },
    })
  })
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.path !== REVOKE || ctx.status !== 200) return
    const { oidc } = ctx as unknown as { oidc?: KoaContextWithOIDC['oidc'] }
    if (oidc?.client) noteEvent('token.revoked', aboutClient({ oidc }))
  })
}

type WithOidc = Pick<KoaContextWithOIDC, 'oidc'>

function noteRefusal(ctx: KoaContextWithOIDC, error: Error, event: SecurityEventName): void {
  // The sign-in page has already recorded the reason.
  if (event === 'authorization.refused' && ctx.oidc?.entities.Interaction?.result?.['error'] !== undefined) return
  const { callId, error_detail: detail = '', message } = error as Error & { callId?: string; error_detail?: string }
  const isClient = error instanceof errors.InvalidClientAuth || error instanceof errors.InvalidClient
  const name = isClient ? 'client.authentication_failed' : REUSED.test(detail) ? 'token.reused' : event
  // For OAuth errors the message is the code.
  const reason = error instanceof errors.OIDCProviderError ? message : 'server_error'
  const isGrant = name === 'token.refused' || name === 'token.reused'
  noteEvent(name, {
    ...aboutClient(ctx),
    reason,
    ...present({ callId, details: isGrant ? grantTypeOf(ctx) : undefined }),
  })
}

function aboutClient({ oidc }: WithOidc): { clientId?: string; targetId?: string } {
  const { client } = oidc ?? {}
  return client ? { clientId: client.clientId, targetId: applicationOf(client).id } : {}
}

function applicationIn({ oidc }: WithOidc): { kind: 'application'; id: string } | undefined {
  return oidc.client && { kind: 'application', id: oidc.client.clientId }
}

function grantTypeOf({ oidc }: WithOidc): { grantType?: string } {
  const grantType = oidc?.params?.['grant_type']
  // An unknown grant may be any string that a client sent.
  return typeof grantType === 'string' && oidc.client?.grantTypes?.includes(grantType) ? { grantType } : {}
}

function issuedIn({ oidc }: WithOidc): { accountId?: string; scope: string[] } {
  const { AccessToken, ClientCredentials } = oidc.entities
  const scope = (AccessToken?.scope ?? ClientCredentials?.scope ?? '').split(' ').filter(name => name !== '')
  return { ...present({ accountId: AccessToken?.accountId ?? oidc.account?.accountId }), scope }
}
