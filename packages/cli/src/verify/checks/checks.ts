import type { EndpointAuthentication } from '@preflow/contract'
import type { Check } from '../check.ts'
import { addressChecks } from './address.ts'
import { answerChecks, usableCheck } from './answer.ts'
import { callerChecks } from './caller.ts'
import { eventChecks } from './event.ts'
import { inputChecks } from './input.ts'
import { operationChecks } from './operation.ts'
import { passwordChecks } from './password.ts'
import { profileChecks } from './profile.ts'
import { reachChecks } from './reach.ts'
import { refreshChecks } from './refresh.ts'
import { secrecyChecks } from './secrecy.ts'
import { signInChecks } from './sign-in.ts'
import { timeChecks } from './time.ts'

/** The groups, in the order of the report. */
export const groups: Readonly<Record<string, string>> = {
  reach: 'Reaching it',
  answer: 'Its answers',
  operation: 'The operations it asks for',
  event: 'What happens on platforms',
  input: 'What no platform sends',
  caller: 'Who may call',
  time: 'Time',
  secrecy: 'What it gives away',
}

/**
 * The table of checks, in the order in which they ask. Those that only read answers look at the answers of the whole run, so
 * that it does not matter where they stand.
 *
 * @param authentication The credentials of this run, which no answer may repeat.
 */
export function checksFor(authentication: EndpointAuthentication): readonly Check[] {
  return [
    ...reachChecks,
    ...answerChecks,
    usableCheck,
    ...operationChecks,
    ...refreshChecks,
    ...eventChecks,
    ...addressChecks,
    ...passwordChecks,
    ...profileChecks,
    ...signInChecks,
    ...inputChecks,
    ...callerChecks,
    ...timeChecks,
    ...secrecyChecks(authentication),
  ]
}

/** What nobody can see from outside. The report says so, lest silence be taken for praise. */
export const notCheckable: readonly string[] = [
  'what it writes to its log: passwords, tokens and addresses must not be in there',
  'what it does when a service it asks is slow, broken or out of quota',
  'whether it compares credentials in constant time',
  'whether the header it reads an address from can be forged by clients',
  'the pages it sends browsers to, and what it does after somebody has filled them in',
  'whether several instances share what they must share, and what is left after a restart',
  'whether its decisions are the ones you want',
]
