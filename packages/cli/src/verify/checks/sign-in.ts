import { decisionOf, isDecided, viewOf } from '../answer.ts'
import { type Check, createProblems, notChecked } from '../check.ts'
import type { Exchange } from '../session.ts'

/** The address of the redirect; undefined if there is none. */
function redirectOf(exchange: Exchange): string | undefined {
  const { payload } = viewOf(exchange)
  if (payload?.actionStatus !== 'INCOMPLETE') return undefined
  const [redirect] = payload.operations as readonly { url?: unknown }[]
  return typeof redirect?.url === 'string' ? redirect.url : undefined
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

export const signInChecks: readonly Check[] = [
  {
    id: 'event.flows-apart',
    title: 'Every flow gets its own address',
    why: "A page that does not know its flow can complete no flow, or somebody else's.",
    fix: 'Put an unguessable reference to this flow into the address of the redirect.',
    level: 'should',
    scope: 'type',
    types: ['AUTHENTICATION'],
    run({ eventExchanges }) {
      const problems = createProblems()
      const sent = eventExchanges.flatMap(exchange => {
        const url = redirectOf(exchange)
        return url === undefined ? [] : { exchange, url, flowId: exchange.request?.flowId }
      })
      if (sent.length < 2) return notChecked('No two flows were redirected.')
      for (const { exchange, url, flowId } of sent) {
        if (sent.some(other => other.url === url && other.flowId !== flowId)) {
          problems.add('Different flows are redirected to the same address.', exchange)
        }
      }
      return problems.finding()
    },
  },
  {
    id: 'event.secure-page',
    title: 'Browsers are redirected to a page with TLS',
    why: 'Without TLS, anybody on the network can read what the user enters.',
    fix: 'Redirect to an https address. Use http only on your own machine.',
    level: 'should',
    scope: 'type',
    types: ['AUTHENTICATION'],
    run({ eventExchanges }) {
      const problems = createProblems()
      const sent = eventExchanges.filter(exchange => redirectOf(exchange) !== undefined)
      if (sent.length === 0) return notChecked('No flow was redirected.')
      for (const exchange of sent) {
        const url = URL.parse(redirectOf(exchange) ?? '')
        if (url?.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
          problems.add(`The page is at http://${url.host}.`, exchange)
        }
      }
      return problems.finding()
    },
  },
  {
    id: 'event.asks-before-signing-in',
    title: 'Nobody is signed in without proof',
    why: 'SUCCESS on the first call of a flow signs in anyone who opens the page.',
    fix: 'Answer INCOMPLETE with a redirect to your page, and SUCCESS only for a flow that was completed there.',
    level: 'should',
    scope: 'type',
    types: ['AUTHENTICATION'],
    run({ eventExchanges }) {
      const decided = eventExchanges.filter(exchange => isDecided(decisionOf(exchange)))
      if (decided.length === 0) return notChecked('No call was decided.')
      const problems = createProblems()
      // Each scenario is a new flow.
      for (const exchange of decided) {
        if (decisionOf(exchange).status === 'SUCCESS') {
          problems.add('It answers SUCCESS on the first call of a flow.', exchange)
        }
      }
      return problems.finding()
    },
  },
]
