import type { ActionType } from '@preflow/contract'
import { isProtected, type Target } from '../../events/action-call.ts'
import { decisionOf, isDecided, isError, isRefusal } from '../answer.ts'
import { type Check, createProblems, notChecked, passed } from '../check.ts'
import type { Session } from '../session.ts'
import { bodyLike } from './input.ts'

/** What an answer to everything hints at, by its status. */
const hints: Readonly<Record<number, string>> = {
  403: 'It wants another credential, or a gateway before it does: look at --auth.',
  404: 'Nothing lives at this path: look at the address.',
  405: 'It does not take POST at this path: look at the address.',
  413: 'It reads less than a usual event has.',
  502: 'The gateway before it found it crashed or answering in another form.',
}

function credentialHint(target: Target): string {
  return isProtected(target)
    ? 'It does not accept the credential that was sent: compare --auth and --sign with its settings.'
    : 'It requires a credential: set --auth or --sign.'
}

/** What any other refusal says. */
const NOT_MINE = 'It says that this is none of its action types, or that it cannot read the event.'

/** Failures that mean there was never a connection that carried HTTP. */
const UNREACHED: ReadonlySet<string> = new Set([
  'refused',
  'connect_timeout',
  'no_connection',
  'unreachable',
  'unknown_host',
  'tls',
])

/** What a person at a terminal can do about TLS, which a platform cannot. */
function advice(message: string): string {
  if (message.includes('WRONG_VERSION_NUMBER')) return ' It seems to speak plain HTTP: try http://.'
  return /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/.test(message)
    ? ' For a test instance, NODE_EXTRA_CA_CERTS=FILE.pem trusts its certificate as well.'
    : ''
}

/** A second factor decides no event without a user, and may crash at one. */
function isEverDecided({ exchanges }: Session, type: ActionType): boolean {
  return exchanges.some(exchange => exchange.type === type && exchange.isEvent && isDecided(decisionOf(exchange)))
}

export const reachChecks: readonly Check[] = [
  {
    id: 'reach.connection',
    title: 'It can be reached',
    why: 'A platform that gets no connection fails the flow: nobody gets a token, nobody can change a password.',
    mend: 'Start it, look at host and port, and give it a valid certificate for its name.',
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
    why: 'An extension that decides nothing makes every flow fail that asks it.',
    mend: 'Answer an event with status 200 and SUCCESS, FAILED or INCOMPLETE.',
    level: 'must',
    scope: 'extension',
    alsoWithoutAnswer: true,
    run({ discovery, session }) {
      const decided = discovery.filter(({ answer, type }) => answer === 'decides' || isEverDecided(session, type))
      if (decided.length > 0) return passed(decided.map(({ type }) => type).join(', '))
      // What is there but cannot be used is told by the checks of answers and of time.
      if (discovery.some(({ answer }) => answer === 'unclear' || answer === 'silent')) {
        return notChecked('No answer was a decision, and the other checks say why.')
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
    title: 'An action type it does not know is refused',
    why: 'Configured for the wrong action, an extension that does not look at actionType lets everything through, unnoticed.',
    mend: 'Compare actionType with the types you handle, and answer 400 with ERROR for any other.',
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
        const isLetThrough = status === 'SUCCESS' || status === 'INCOMPLETE'
        if (isLetThrough) problems.add(`It is answered with ${words}.`, exchange)
        // FAILED is no way to say it, but it lets nobody in.
        else if (status === 'FAILED' || isRefusal(exchange)) refused += 1
      }
      const finding = problems.finding()
      return finding.result === 'passed' && refused === 0 ? notChecked('No answer to it could be read.') : finding
    },
  },
]
