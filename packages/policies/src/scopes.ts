import { allow, deny, type Handler, keepScopes } from '@preflow/extension'
import * as z from 'zod/mini'
import { readOptions } from './options.ts'

export interface ScopesOptions {
  /** The scopes that may be granted. All others are removed. */
  allowed: string[]
  /** Other lists for single applications, by client id. Default: none. */
  applications?: Record<string, string[]>
  /** The grants that are limited. Default `client_credentials`. */
  grantTypes?: string[]
  /** The reaction if none of the granted scopes remains. Default `allow`: a token without scopes. */
  noneLeft?: 'allow' | 'deny'
  /** The reaction if scopes must be removed but the event does not offer it. Default `deny`. */
  notOffered?: 'allow' | 'deny'
}

const decision = z.enum(['allow', 'deny'])

export const scopesOptionsSchema: z.ZodMiniType<Required<ScopesOptions>> = z.strictObject({
  allowed: z.array(z.string().check(z.minLength(1))),
  applications: z._default(z.record(z.string(), z.array(z.string().check(z.minLength(1)))), {}),
  grantTypes: z._default(z.array(z.string().check(z.minLength(1))), ['client_credentials']),
  noneLeft: z._default(decision, 'allow'),
  notOffered: z._default(decision, 'deny'),
})

/** Limits the scopes of some grants, independent of the request. */
export function scopes(options: ScopesOptions): Handler<'PRE_ISSUE_ACCESS_TOKEN'> {
  const settings = readOptions('scopes', scopesOptionsSchema, options)
  const applications = new Map(Object.entries(settings.applications))
  return (event, context) => {
    const { grantType = '', clientId } = event.request
    if (!settings.grantTypes.includes(grantType)) return allow([], { why: 'scopes: another grant' })
    const allowed = applications.get(clientId) ?? settings.allowed
    const granted = event.accessToken.scopes ?? []
    const kept = granted.filter(scope => allowed.includes(scope))
    if (kept.length === granted.length) return allow([], { why: 'scopes: all allowed' })
    if (kept.length === 0 && settings.noneLeft === 'deny') {
      return deny('invalid_scope', 'None of the requested scopes may be granted.', { why: 'scopes: none left' })
    }
    const limit = keepScopes(kept)
    if (!context.may(limit) && settings.notOffered === 'deny') {
      return deny('access_denied', 'The requested scopes may not be granted.', {
        why: 'scopes: limiting is not offered',
      })
    }
    return allow([limit], { why: 'scopes: limited' })
  }
}
