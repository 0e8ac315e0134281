import type { Events } from '@preflow/contract'
import type { HandlerName } from '@preflow/extension'
import type * as z from 'zod/mini'
import { breachedPasswordsOptionsSchema } from './breached-passwords.ts'
import { countryOptionsSchema } from './country.ts'
import { hoursOptionsSchema } from './hours.ts'
import { passwordRulesOptionsSchema } from './password-rules.ts'
import { profileRulesOptionsSchema } from './profile-rules.ts'
import { reputationOptionsSchema } from './reputation.ts'
import { restoreLifetimeOptionsSchema } from './restore-lifetime.ts'
import { scopesOptionsSchema } from './scopes.ts'
import { sourceAddressOptionsSchema } from './source-address.ts'

/** One policy, as tools list it. */
export interface CatalogEntry {
  /** The name of its function in `@preflow/policies`. */
  name: string
  /** What it does, in one sentence. */
  summary: string
  /** The handlers that it can implement. */
  handles: readonly HandlerName<keyof Events>[]
  /** Its options. */
  options: z.ZodMiniType
  /** The options that decide what the rule itself cannot, each with a reaction. */
  doubts: readonly string[]
  /** The names of its other required ports. */
  needs: readonly string[]
}

const tokens = ['preIssueAccessToken'] as const
const passwords = ['preUpdatePassword'] as const

/** Every policy. The README's table is generated from it. */
// biome-ignore format: one policy a line
export const catalog: readonly CatalogEntry[] = [
  { name: 'sourceAddress', summary: 'Decides about requests without a public client address.', handles: tokens, options: sourceAddressOptionsSchema, doubts: ['missing', 'malformed', 'private', 'reserved'], needs: [] },
  { name: 'country', summary: 'Blocks or allows tokens by the country of the client address, and may add it as a claim.', handles: tokens, options: countryOptionsSchema, doubts: ['unknown'], needs: ['lookup'] },
  { name: 'reputation', summary: 'Denies or shortens tokens by the reputation of the client address.', handles: tokens, options: reputationOptionsSchema, doubts: ['unavailable', 'notOffered'], needs: ['lookup'] },
  { name: 'hours', summary: 'Denies or shortens tokens outside of weekly hours.', handles: tokens, options: hoursOptionsSchema, doubts: ['outside'], needs: [] },
  { name: 'restoreLifetime', summary: "Starts every refresh from the application's own lifetime.", handles: tokens, options: restoreLifetimeOptionsSchema, doubts: [], needs: [] },
  { name: 'scopes', summary: 'Limits the scopes that machines are granted.', handles: tokens, options: scopesOptionsSchema, doubts: ['noneLeft', 'notOffered'], needs: [] },
  { name: 'profileRules', summary: 'Rejects profile updates that break a rule about an attribute.', handles: ['preUpdateProfile'], options: profileRulesOptionsSchema, doubts: [], needs: [] },
  { name: 'passwordRules', summary: "Rejects passwords by their length and by words of the user's own attributes.", handles: passwords, options: passwordRulesOptionsSchema, doubts: ['whenNotCheckable'], needs: ['credential'] },
  { name: 'breachedPasswords', summary: 'Rejects passwords that are known from data breaches.', handles: passwords, options: breachedPasswordsOptionsSchema, doubts: ['whenUnavailable', 'whenNotCheckable'], needs: ['credential', 'corpora', 'common', 'count'] },
]
