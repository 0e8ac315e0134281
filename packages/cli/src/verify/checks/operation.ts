import { actionTypes, type Operation, operationMembers, operationNames } from '@preflow/contract'
import type { OperationVerdict, Outcome } from '@preflow/engine'
import { viewOf } from '../answer.ts'
import type { ReadingCheck, Remark } from '../check.ts'
import type { Exchange } from '../session.ts'

const NAMES: readonly unknown[] = operationNames

/** What is wrong with the form of one operation, before anybody asks what it would do. */
function faultOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return 'is not an object'
  const operation = item as Record<string, unknown>
  const { op, path, url, value } = operation
  const names = Object.keys(operation)
  const unknown = names.find(name => !operationMembers.includes(name))
  if (unknown !== undefined) return `has a member the contract does not know, ${unknown}`
  if (!NAMES.includes(op)) {
    return typeof op === 'string' && NAMES.includes(op.toLowerCase())
      ? 'has its op not in small letters'
      : 'has an op that is not add, remove, replace or redirect'
  }
  if (op === 'redirect') {
    if (path !== undefined || value !== undefined) return 'is a redirect with a path or a value'
    if (names.indexOf('url') < names.indexOf('op')) return 'has url before op, which WSO2 cannot read'
    return undefined
  }
  if (url !== undefined) return 'has a url but is no redirect'
  if (typeof path !== 'string') return 'has no path, at which WSO2 breaks'
  if (op !== 'remove' && (value === undefined || value === null)) return 'has no value'
  return undefined
}

function faultsOf(exchange: Exchange): string[] {
  const { payload } = viewOf(exchange)
  if (!payload) return []
  const { operations } = payload.record
  if (operations === undefined) return []
  if (operations === null) return ['operations is null, at which WSO2 breaks: leave it out.']
  if (!Array.isArray(operations)) return ['operations is not a list.']
  return [...new Set(operations.flatMap(item => faultOf(item) ?? []))].map(fault => `An operation ${fault}.`)
}

/** What the platforms made of the operations, with who says so. */
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
  unseen: 'No answer asked for an operation.',
}

export const operationChecks: readonly ReadingCheck[] = [
  {
    id: 'operation.form',
    title: 'Operations are written as the contract has them',
    why: 'One operation that cannot be read makes the whole answer invalid; some platforms even break at it.',
    mend: 'Write op first, in small letters; path for add, remove and replace; value for add and replace; url only for redirect.',
    level: 'must',
    regards: asksForSomething,
    inspect: faultsOf,
  },
  {
    id: 'operation.redirect',
    title: 'A redirect is asked for where one is possible, and leads somewhere',
    why: 'Only custom authentication knows INCOMPLETE, with exactly one redirect to a page.',
    mend: 'Send one redirect to an absolute https URL, only in INCOMPLETE and only for AUTHENTICATION.',
    level: 'must',
    regards: asksForSomething,
    inspect(exchange) {
      const { payload } = viewOf(exchange)
      if (!payload || faultsOf(exchange).length > 0) return []
      const { actionStatus } = payload
      const operations = payload.operations as readonly Operation[]
      if (actionStatus === 'SUCCESS') {
        return operations.some(({ op }) => op === 'redirect') ? ['SUCCESS asks for a redirect.'] : []
      }
      if (actionStatus !== 'INCOMPLETE') return []
      if (!actionTypes[exchange.type].mayRedirect) return ['INCOMPLETE means nothing for this action type.']
      const [redirect, ...others] = operations
      if (!redirect || others.length > 0) return [`INCOMPLETE has ${operations.length} operations instead of one.`]
      if (redirect.op !== 'redirect') return [`INCOMPLETE asks for ${redirect.op} instead of a redirect.`]
      const protocol = URL.parse(redirect.url ?? '')?.protocol
      return protocol === 'https:' || protocol === 'http:' ? [] : ['The redirect is to no absolute http or https URL.']
    },
  },
  {
    id: 'operation.allowed',
    title: 'Only what was offered is asked for',
    why: 'What is not in allowedOperations is dropped without a word: the flow goes on without the change.',
    mend: 'Look whether the op and the path are in allowedOperations of this very event, and decide what to do if not.',
    level: 'must',
    regards: asksForSomething,
    inspect: exchange => (faultsOf(exchange).length > 0 ? [] : remarks(exchange, 'not_allowed')),
  },
  {
    id: 'operation.applied',
    title: 'Every operation is applied',
    why: 'A rejected operation changes nothing and fails nothing: the flow goes on without the change.',
    mend: 'Correct what the reason names, and look into the event first: what is there, what is not, and what is offered.',
    level: 'must',
    regards: asksForSomething,
    inspect(exchange) {
      const { payload } = viewOf(exchange)
      if (faultsOf(exchange).length > 0 || payload?.actionStatus !== 'SUCCESS') return []
      const isAsking = payload.operations.length > 0
      const breaking = exchange.judgements.flatMap(({ outcome }) =>
        // Without operations it is something else that the platform breaks at.
        isAsking && outcome.status === 'error' && outcome.error.code === 'not_supported' ? outcome.error.message : [],
      )
      return [...remarks(exchange, 'rejected'), ...new Set(breaking)]
    },
  },
  {
    id: 'operation.lifetime',
    title: 'No lifetime gets longer',
    why: 'A fixed lifetime meant to shorten a risky token lengthens the token of an application that is set shorter.',
    mend: 'Replace expires_in by the smaller of your limit and the value in the event, unless you mean to lengthen it.',
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
          ? [`${operation.path} gets longer than it was.`]
          : []
      })
    },
  },
]
