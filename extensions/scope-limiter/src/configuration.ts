import type { ServiceConfiguration } from '@preflow/extension/service'
import type { Setting, Settings } from '@preflow/extension/settings'
import * as z from 'zod/mini'

/** Which scopes remain for some clients and grants. */
export interface ScopeLimit {
  /** Client ids; `*` stands for any characters, none too. Default every client. */
  clients?: string[]
  /** Default: those of the setting `grantTypes`. */
  grantTypes?: string[]
  /** The scopes that remain; all others are taken away. None is a list without entries. */
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

/** Every setting of scope-limiter besides those that every extension has. The README shows this table. */
export const settings = {
  allowedScopes: {
    schema: names.check(z.minLength(1)),
    text: 'list',
    default: undefined,
    about: 'Scopes that remain for every client without a limit of its own, for example `read:metrics`.',
  } as Setting<string[] | undefined>,
  grantTypes: {
    schema: names.check(z.minLength(1)),
    text: 'list',
    default: ['client_credentials'],
    about: 'Grants that are limited; all others are left alone.',
  } as Setting<string[]>,
  limits: {
    schema: z.array(limitSchema),
    text: 'json',
    default: [],
    about: 'Limits for some clients or grants, see below. The first that fits counts.',
  } as Setting<ScopeLimit[]>,
  noneLeft: decision('allow', 'When no scope remains of those granted: `allow` a token without scopes, or `deny`.'),
  notOffered: decision('deny', 'When scopes must go but the platform does not offer it: `deny`, or `allow` them.'),
} satisfies Settings

export type Configuration = ServiceConfiguration<typeof settings>

/** What is wrong between settings that are right by themselves. */
export function contradictions({ allowedScopes, limits }: Configuration): string[] {
  if (allowedScopes !== undefined || limits.length > 0) return []
  return ['SCOPE_LIMITER_ALLOWED_SCOPES: missing. Name the scopes that remain, or give SCOPE_LIMITER_LIMITS.']
}
