import type { ServiceConfiguration } from '@preflow/extension/service'
import type { Setting, Settings } from '@preflow/extension/settings'
import * as z from 'zod/mini'

/** The scopes that remain for some clients and grants. */
export interface ScopeLimit {
  /** Client ids; `*` matches any characters, none too. Default: every client. */
  clients?: string[]
  /** Default: those of the setting `grantTypes`. */
  grantTypes?: string[]
  /** The scopes that remain. All others are removed. An empty list removes all. */
  scopes: string[]
}

const names = z.array(z.string().check(z.minLength(1)))

const limitSchema: z.ZodMiniType<ScopeLimit> = z.strictObject({
  clients: z.exactOptional(names.check(z.minLength(1))),
  grantTypes: z.exactOptional(names.check(z.minLength(1))),
  scopes: names,
})

const decision = (value: 'allow' | 'deny', about: string): Setting<'allow' | 'deny'> => ({
  schema: z.enum(['allow', 'deny']),
  text: 'text',
  default: value,
  about,
})

/** The settings of scope-limiter, besides those of every extension. The README shows this table. */
export const settings = {
  allowedScopes: {
    schema: names.check(z.minLength(1)),
    text: 'list',
    default: undefined,
    about: 'Scopes that remain for every client without its own limit, for example `read:metrics`.',
  } as Setting<string[] | undefined>,
  grantTypes: {
    schema: names.check(z.minLength(1)),
    text: 'list',
    default: ['client_credentials'],
    about: 'Grants that are limited. Other grants do not change.',
  } as Setting<string[]>,
  limits: {
    schema: z.array(limitSchema),
    text: 'json',
    default: [],
    about: 'Limits for some clients or grants, see above. The first one that matches is used.',
  } as Setting<ScopeLimit[]>,
  noneLeft: decision('allow', 'If none of the granted scopes remains: `allow` a token without scopes, or `deny`.'),
  notOffered: decision(
    'deny',
    'If scopes must be removed but the platform does not offer it: `deny`, or `allow` them.',
  ),
} satisfies Settings

export type Configuration = ServiceConfiguration<typeof settings>

/** Finds conflicts between settings that are valid on their own. */
export function contradictions({ allowedScopes, limits }: Configuration): string[] {
  if (allowedScopes !== undefined || limits.length > 0) return []
  return ['SCOPE_LIMITER_ALLOWED_SCOPES: missing. Set the scopes that remain, or set SCOPE_LIMITER_LIMITS.']
}
