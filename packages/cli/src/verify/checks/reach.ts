import type { ActionType } from '@preflow/contract'
import { isProtected, type Target } from '../../events/action-call.ts'
import { decisionOf, isDecided, isError, isRefusal } from '../answer.ts'
import { type Check, createProblems, notChecked, passed } from '../check.ts'
import type { Session } from '../session.ts'
import { bodyLike } from './input.ts'

/** The likely cause if every answer has this status. */
const hints: Readonly<Record<number, string>> = {
  403: 'The extension or a gateway expects another credential: check --auth.',
  404: 'Nothing exists at this path: check the address.',
  405: 'This path does not accept POST: check the address.',
  413: 'Its limit is below the size of a typical event.',
  502: 'The gateway reports that the extension crashed or answered in another form.',
}

function credentialHint(target: Target): string {
  return isProtected(target)
    ? 'It does not accept the credential that was sent: compare --auth and --sign with its settings.'
    : 'It requires a credential: set --auth or --sign.'
}

/** The meaning of any other refusal. */
const NOT_MINE = 'It does not handle this action type, or it cannot read the event.'

/** Errors that mean that there was never an HTTP connection. */
const UNREACHED: ReadonlySet<string> = new Set([
  'refused',
  'connect_timeout',
  'no_connection',
  'unreachable',
  'unknown_host',
  'tls',
])

/** Advice on TLS for a person at a terminal. */
function advice(message: string): string {
  if (message.includes('WRONG_VERSION_NUMBER')) return ' It seems to use plain HTTP: try http://.'
  return /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/.test(message)
    ? ' For a test instance, NODE_EXTRA_CA_CERTS=FILE.pem adds its certificate.'
    : ''
}

/** A second factor decides no event without a user, and may crash on one. */
function isEverDecided({ exchanges }: Session, type: ActionType): boolean {
  return exchanges.some(exchange => exchange.type === type && exchange.isEvent && isDecided(decisionOf(exchange)))
}

export const reachChecks: readonly Check[] = [
  {
    id: 'reach.connection',
    title: 'It can be reached',
    why: 'Without a connection the platform fails the flow: nobody gets a token, nobody can change a password.',
    fix: 'Start it, check host and port, and give it a valid certificate for its name.',
    level: 'must',
    scope: 'extension',
    alsoWithoutAnswer: true,
    run({ discovery }) {
      const problems = createProblems()
      for (const { exchange, type } of discovery) {
        if (!exchange || exchange.delivery.ok) continue
        const { code, message } = exchange.delivery.error
        if (UNREACHED.has(code)) problems.add(`${message}${advice(message)}`, type)
      }
      return problems.finding()
    },
  },
  {
    id: 'reach.claims',
    title: 'It decides at least one action type',
    why: 'An extension that decides nothing fails every flow that calls it.',
    fix: 'Answer an event with status 200 and SUCCESS, FAILED or INCOMPLETE.',
    level: 'must',
    scope: 'extension',
    alsoWithoutAnswer: true,
    run({ discovery, session }) {
      const decided = discovery.filter(({ answer, type }) => answer === 'decides' || isEverDecided(session, type))
      if (decided.length > 0) return passed(decided.map(({ type }) => type).join(', '))
      // The checks of answers and of time explain unusable answers.
      if (discovery.some(({ answer }) => answer === 'unclear' || answer === 'silent')) {
        return notChecked('No answer was a decision. The other checks explain why.')
      }
      const problems = createProblems()
      for (const { exchange, type } of discovery) {
        const status = exchange?.delivery.ok ? exchange.delivery.status : 0
        const decision = exchange && decisionOf(exchange)
        const words = decision && isError(decision) ? `, ${decision.words}` : ''
        const hint = status === 401 ? credentialHint(session.target) : (hints[status] ?? NOT_MINE)
        problems.add(`It was refused with status ${status}${words}. ${hint}`, type)
      }
      return problems.finding()
    },
  },
  {
    id: 'reach.unknown-type',
    title: 'An unknown action type is refused',
    why: 'If it is configured for the wrong action, an extension that ignores actionType allows everything without notice.',
    fix: 'Compare actionType with the types that you handle, and answer 400 with ERROR for any other.',
    level: 'should',
    scope: 'extension',
    async run(subject) {
      const { session, type } = subject
      const problems = createProblems()
      let refused = 0
      for (const actionType of ['PRE_SOMETHING_ELSE', '', null]) {
        const body = bodyLike(subject, request => ({ ...request, actionType }))
        const exchange = await session.probe(type, { label: `actionType ${JSON.stringify(actionType)}`, body })
        const { status, words } = decisionOf(exchange)
        const isAllowed = status === 'SUCCESS' || status === 'INCOMPLETE'
        if (isAllowed) problems.add(`The answer is ${words}.`, exchange)
        // FAILED is the wrong answer, but it allows nobody.
        else if (status === 'FAILED' || isRefusal(exchange)) refused += 1
      }
      const finding = problems.finding()
      return finding.result === 'passed' && refused === 0 ? notChecked('No answer to it was readable.') : finding
    },
  },
]
