import { actionTypes, type Operation, operationMembers, operationNames } from '@preflow/contract'
import type { OperationVerdict, Outcome } from '@preflow/engine'
import { viewOf } from '../answer.ts'
import type { ReadingCheck, Remark } from '../check.ts'
import type { Exchange } from '../session.ts'

const NAMES: readonly unknown[] = operationNames

/** The error in the form of one operation, before any platform applies it. */
function faultOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return 'is not an object'
  const operation = item as Record<string, unknown>
  const { op, path, url, value } = operation
  const names = Object.keys(operation)
  const unknown = names.find(name => !operationMembers.includes(name))
  if (unknown !== undefined) return `has an unknown member, ${unknown}`
  if (!NAMES.includes(op)) {
    return typeof op === 'string' && NAMES.includes(op.toLowerCase())
      ? 'has an op that is not in lowercase'
      : 'has an op that is not add, remove, replace or redirect'
  }
  if (op === 'redirect') {
    if (path !== undefined || value !== undefined) return 'is a redirect with a path or a value'
    if (names.indexOf('url') < names.indexOf('op')) return 'has url before op, which WSO2 cannot read'
    return undefined
  }
  if (url !== undefined) return 'has a url but is not a redirect'
  if (typeof path !== 'string') return 'has no path, which WSO2 cannot handle'
  if (op !== 'remove' && (value === undefined || value === null)) return 'has no value'
  return undefined
}

function faultsOf(exchange: Exchange): string[] {
  const { payload } = viewOf(exchange)
  if (!payload) return []
  const { operations } = payload.record
  if (operations === undefined) return []
  if (operations === null) return ['operations is null, which WSO2 cannot handle. Omit it.']
  if (!Array.isArray(operations)) return ['operations is not a list.']
  return [...new Set(operations.flatMap(item => faultOf(item) ?? []))].map(fault => `An operation ${fault}.`)
}

/** The verdicts of the platforms on the operations. */
function verdictsOf({ judgements }: Exchange): { verdict: OperationVerdict; title: string }[] {
  return judgements.flatMap(({ platform, outcome }) =>
    operationsOf(outcome).map(verdict => ({ verdict, title: platform.title })),
  )
}

function operationsOf(outcome: Outcome): readonly OperationVerdict[] {
  return outcome.status === 'success' ? outcome.operations : []
}

/** One remark per verdict, with the platforms that share it. */
function remarks(exchange: Exchange, kind: OperationVerdict['verdict']): Remark[] {
  const titles = new Map<string, string[]>()
  for (const { verdict, title } of verdictsOf(exchange)) {
    if (verdict.verdict !== kind || verdict.op === 'redirect') continue
    const what = `${verdict.op} ${verdict.path ?? ''}`.trim()
    const text = kind === 'not_allowed' ? `${what} is not offered.` : `${what} is rejected: ${verdict.reason}`
    titles.set(text, [...(titles.get(text) ?? []), title])
  }
  return [...titles].map(([text, on]) => ({ text, on }))
}

/** The number of seconds of a lifetime in an event. */
function lifetimeIn(event: object, path: string): number | undefined {
  const segments = path.split('/').filter(Boolean)
  const name = segments.pop()
  let at: unknown = event
  for (const segment of segments) at = (at as Record<string, unknown> | undefined)?.[segment]
  const claim = Array.isArray(at) ? at.find(candidate => candidate?.name === name) : undefined
  const seconds = Number(claim?.value)
  return seconds > 0 ? seconds : undefined
}

const asksForSomething = {
  test: (exchange: Exchange) => (viewOf(exchange).payload?.record['operations'] ?? null) !== null,
  unseen: 'No answer contained an operation.',
}

export const operationChecks: readonly ReadingCheck[] = [
  {
    id: 'operation.form',
    title: 'Operations have the form of the contract',
    why: 'One unreadable operation makes the whole answer invalid. Some platforms even crash.',
    fix: 'Write op first, in lowercase; path for add, remove and replace; value for add and replace; url only for redirect.',
    level: 'must',
    regards: asksForSomething,
    inspect: faultsOf,
  },
  {
    id: 'operation.redirect',
    title: 'A redirect is sent only where it is possible, and has an address',
    why: 'Only custom authentication has INCOMPLETE, with exactly one redirect to a page.',
    fix: 'Send one redirect to an absolute https URL, only in INCOMPLETE and only for AUTHENTICATION.',
    level: 'must',
    regards: asksForSomething,
    inspect(exchange) {
      const { payload } = viewOf(exchange)
      if (!payload || faultsOf(exchange).length > 0) return []
      const { actionStatus } = payload
      const operations = payload.operations as readonly Operation[]
      if (actionStatus === 'SUCCESS') {
        return operations.some(({ op }) => op === 'redirect') ? ['SUCCESS contains a redirect.'] : []
      }
      if (actionStatus !== 'INCOMPLETE') return []
      if (!actionTypes[exchange.type].mayRedirect) return ['This action type has no INCOMPLETE.']
      const [redirect, ...others] = operations
      if (!redirect || others.length > 0) return [`INCOMPLETE has ${operations.length} operations instead of one.`]
      if (redirect.op !== 'redirect') return [`INCOMPLETE has ${redirect.op} instead of a redirect.`]
      const protocol = URL.parse(redirect.url ?? '')?.protocol
      return protocol === 'https:' || protocol === 'http:' ? [] : ['The redirect has no absolute http or https URL.']
    },
  },
  {
    id: 'operation.allowed',
    title: 'Only offered operations are sent',
    why: 'An operation that is not in allowedOperations is dropped silently: the flow continues without the change.',
    fix: 'Check that the op and the path are in allowedOperations of this event, and decide what to do otherwise.',
    level: 'must',
    regards: asksForSomething,
    inspect: exchange => (faultsOf(exchange).length > 0 ? [] : remarks(exchange, 'not_allowed')),
  },
  {
    id: 'operation.applied',
    title: 'Every operation is applied',
    why: 'A rejected operation changes nothing and fails nothing: the flow continues without the change.',
    fix: 'Fix what the reason states. First check what the event contains and what it offers.',
    level: 'must',
    regards: asksForSomething,
    inspect(exchange) {
      const { payload } = viewOf(exchange)
      if (faultsOf(exchange).length > 0 || payload?.actionStatus !== 'SUCCESS') return []
      const hasOperations = payload.operations.length > 0
      const breaking = exchange.judgements.flatMap(({ outcome }) =>
        // Without operations, the platform fails at something else.
        hasOperations && outcome.status === 'error' && outcome.error.code === 'not_supported'
          ? outcome.error.message
          : [],
      )
      return [...remarks(exchange, 'rejected'), ...new Set(breaking)]
    },
  },
  {
    id: 'operation.lifetime',
    title: 'No lifetime becomes longer',
    why: 'A fixed lifetime that should shorten risky tokens extends the tokens of an application with a shorter lifetime.',
    fix: 'Replace expires_in with the smaller of your limit and the value in the event, unless you want to extend it.',
    level: 'should',
    regards: asksForSomething,
    inspect(exchange) {
      const { event = {} } = exchange.request ?? {}
      const lifetimes = actionTypes[exchange.type].places.filter(({ kind }) => kind === 'lifetime')
      const { payload } = viewOf(exchange)
      if (payload?.actionStatus !== 'SUCCESS') return []
      return (payload.operations as readonly Operation[]).flatMap(operation => {
        const place = lifetimes.find(({ path }) => path === operation?.path)
        const before = place && lifetimeIn(event, place.path)
        return before !== undefined && Number(operation.value) > before
          ? [`${operation.path} becomes longer than it was.`]
          : []
      })
    },
  },
]
