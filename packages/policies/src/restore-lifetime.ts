import { allow, type Handler, setExpiresIn } from '@preflow/extension'
import * as z from 'zod/mini'
import { readOptions } from './options.ts'

export interface RestoreLifetimeOptions {
  /** The access token lifetime of each application in seconds, by client id. */
  applications: Record<string, number>
}

export const restoreLifetimeOptionsSchema: z.ZodMiniType<RestoreLifetimeOptions> = z.strictObject({
  applications: z.record(z.string(), z.int().check(z.gte(1))),
})

/**
 * Starts every refresh from the application's own lifetime.
 *
 * A platform refreshes with the lifetime of the previous token, so a reduced lifetime stays reduced. The event does not
 * contain the application's own lifetime, so it must be configured here. Unlisted applications do not change. Other
 * policies may reduce the lifetime again.
 */
export function restoreLifetime(options: RestoreLifetimeOptions): Handler<'PRE_ISSUE_ACCESS_TOKEN'> {
  const { applications } = readOptions('restore-lifetime', restoreLifetimeOptionsSchema, options)
  const lifetimes = new Map(Object.entries(applications))
  return event => {
    const seconds = event.request.grantType === 'refresh_token' ? lifetimes.get(event.request.clientId) : undefined
    return seconds === undefined
      ? allow([], { why: 'lifetime: kept' })
      : allow([setExpiresIn(seconds)], { why: "lifetime: the application's own" })
  }
}
