import { present } from '@preflow/contract'
import { allow, type DecisionRecord, defineExtension, type Extension, type Handler } from '@preflow/extension'
import { scopes } from '@preflow/policies'
import type { Configuration, ScopeLimit } from './configuration.ts'

/** The dependencies of scope-limiter. */
export interface ScopeLimiterPorts {
  /** Receives one record per call. */
  log?(record: DecisionRecord): void
  onError?(error: unknown): void
}

/** Removes the requested scopes that a client may not have with a grant. It never adds one. */
export function createScopeLimiter(configuration: Configuration, ports: ScopeLimiterPorts = {}): Extension {
  const { log, onError } = ports
  const { callerAuthentication: caller, budgetMs, maxBodyBytes } = configuration
  return defineExtension(
    { preIssueAccessToken: limitScopes(configuration) },
    { caller, budgetMs, maxBodyBytes, ...present({ log, onError }) },
  )
}

function limitScopes(configuration: Configuration): Handler<'PRE_ISSUE_ACCESS_TOKEN'> {
  const { allowedScopes, noneLeft, notOffered } = configuration
  const fallback: ScopeLimit[] = allowedScopes === undefined ? [] : [{ scopes: allowedScopes }]
  const limits = [...configuration.limits, ...fallback].map(limit => {
    const { clients = ['*'], grantTypes = configuration.grantTypes, scopes: allowed } = limit
    return {
      fits: ({ clientId, grantType = '' }: { clientId: string; grantType?: string }) =>
        grantTypes.includes(grantType) && clients.some(pattern => matches(pattern, clientId)),
      decide: scopes({ allowed, grantTypes, noneLeft, notOffered }),
    }
  })
  return (event, context) =>
    limits.find(({ fits }) => fits(event.request))?.decide(event, context) ??
    allow([], { why: 'scopes: no limit for this client and grant' })
}

/**
 * Whether the string matches the pattern, in which `*` matches any characters. Uses the first position for each part
 * and never goes back.
 */
function matches(pattern: string, text: string): boolean {
  const [head = '', ...parts] = pattern.split('*')
  const tail = parts.pop()
  if (tail === undefined) return text === pattern
  if (!text.startsWith(head)) return false
  let from = head.length
  for (const part of parts) {
    const at = text.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return text.length - tail.length >= from && text.endsWith(tail)
}
