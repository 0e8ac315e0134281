import { decisionOf, isDecided, viewOf } from '../answer.ts'
import { type Check, createProblems, notChecked } from '../check.ts'
import type { Exchange } from '../session.ts'

/** Where an answer sends the browser; undefined when nowhere. */
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
    title: 'Every flow is sent to an address of its own',
    why: 'A page that does not know for which flow it was opened can finish none, or the one of somebody else.',
    mend: 'Put something that leads to this flow, and that nobody guesses, into the address of the redirect.',
    level: 'should',
    scope: 'type',
    types: ['AUTHENTICATION'],
    run({ told }) {
      const problems = createProblems()
      const sent = told.flatMap(exchange => {
        const url = redirectOf(exchange)
        return url === undefined ? [] : { exchange, url, flowId: exchange.request?.flowId }
      })
      if (sent.length < 2) return notChecked('No two flows were sent anywhere.')
      for (const { exchange, url, flowId } of sent) {
        if (sent.some(other => other.url === url && other.flowId !== flowId)) {
          problems.add('Different flows are sent to the same address.', exchange)
        }
      }
      return problems.finding()
    },
  },
  {
    id: 'event.secure-page',
    title: 'Browsers are sent to a page behind TLS',
    why: 'What somebody types to prove who they are is read by everybody on the way otherwise.',
    mend: 'Redirect to an https address. http is for your own machine.',
    level: 'should',
    scope: 'type',
    types: ['AUTHENTICATION'],
    run({ told }) {
      const problems = createProblems()
      const sent = told.filter(exchange => redirectOf(exchange) !== undefined)
      if (sent.length === 0) return notChecked('No flow was sent anywhere.')
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
    title: 'Nobody is signed in before proving anything',
    why: 'SUCCESS to the very first call of a flow signs in whoever has opened the page.',
    mend: 'Answer INCOMPLETE with a redirect to your page, and SUCCESS only for a flow that was completed there.',
    level: 'should',
    scope: 'type',
    types: ['AUTHENTICATION'],
    run({ told }) {
      const decided = told.filter(exchange => isDecided(decisionOf(exchange)))
      if (decided.length === 0) return notChecked('No call was decided.')
      const problems = createProblems()
      // Each scenario is a flow of its own, which the extension has never seen.
      for (const exchange of decided) {
        if (decisionOf(exchange).status === 'SUCCESS') {
          problems.add('It answers SUCCESS to the first call of a flow.', exchange)
        }
      }
      return problems.finding()
    },
  },
]
