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
  reach: 'Connection',
  answer: 'Answers',
  operation: 'Operations',
  event: 'Events of platforms',
  input: 'Requests that no platform sends',
  caller: 'Authentication',
  time: 'Time',
  secrecy: 'Secrecy',
}

/**
 * The table of checks. Those that call the extension run in this order. Those that only read answers inspect the
 * answers of the whole run, so their order does not matter.
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

/** What cannot be checked from outside. The report lists it, so that nobody assumes that it was checked. */
export const notCheckable: readonly string[] = [
  'what it writes to its log: passwords, tokens and addresses must not be in it',
  'what it does when a service that it calls is slow, broken or out of quota',
  'whether it compares credentials in constant time',
  'whether clients can forge the header with the client address',
  'the pages it sends browsers to, and what it does after a user submits them',
  'whether several instances share the necessary data, and what remains after a restart',
  'whether its decisions are the intended ones',
]
