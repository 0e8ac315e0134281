import { PUBLIC_ADDRESS } from '@preflow/contract/guides'
import { type Decision, decisionOf, isDecided, isError } from '../answer.ts'
import { type Check, createProblems, notChecked } from '../check.ts'
import type { Exchange } from '../session.ts'
import { fromAddress } from '../variants.ts'

/** Values that a client can write into a header that should contain its address. */
const NO_ADDRESSES = ['no-address', '1.2.3.4&maxAgeInDays=365', '999.1.1.1', "' OR 1=1 --"] as const
/** Addresses that a decision by country or reputation must handle. */
const UNCOMMON_ADDRESSES = ['2001:4860:4860::8888', '10.0.0.1', '::1'] as const

export const addressChecks: readonly Check[] = [
  {
    id: 'event.address',
    title: 'The address of the client is validated',
    why: 'The header contains whatever the client sent: no address, a hidden query, or the same address as IPv6.',
    fix: 'Parse the address, reject invalid ones, and compare IPv4-mapped addresses as IPv4.',
    level: 'must',
    scope: 'type',
    types: ['PRE_ISSUE_ACCESS_TOKEN'],
    async run({ session, type, usual }) {
      const problems = createProblems()
      const callFrom = async (
        values: readonly string[] | undefined,
        variant: string,
      ): Promise<{ exchange: Exchange; decision: Decision } | undefined> => {
        const [exchange] = await session.sendScenario(type, usual, { variant, rewrite: fromAddress(values) })
        return exchange && { exchange, decision: decisionOf(exchange) }
      }
      const named = await callFrom([PUBLIC_ADDRESS], 'from a public address')
      const missing = await callFrom(undefined, 'without an address')
      if (!named || !missing || !isDecided(named.decision))
        return notChecked('The event was not decided in the first place.')

      for (const value of NO_ADDRESSES) {
        const answered = await callFrom([value], `from ${JSON.stringify(value)}`)
        if (missing.decision.status !== 'FAILED' || answered?.decision.status !== 'SUCCESS') continue
        problems.add(
          'It rejects a request without an address, but allows one with an invalid address.',
          answered.exchange,
        )
      }
      for (const value of UNCOMMON_ADDRESSES) {
        const answered = await callFrom([value], `from ${value}`)
        if (!answered || !isError(answered.decision)) continue
        const { exchange, decision } = answered
        problems.add(`The answer is ${decision.words}.`, exchange)
      }
      const mapped = await callFrom([`::ffff:${PUBLIC_ADDRESS}`], 'from the same address as IPv6')
      if (mapped && mapped.decision.status !== named.decision.status) {
        problems.add(
          `${named.decision.words} becomes ${mapped.decision.words} for the same address as IPv4-mapped IPv6.`,
          mapped.exchange,
        )
      }
      const isIndifferent = missing.decision.key === named.decision.key
      return problems.finding(isIndifferent ? 'the decision is the same with and without an address' : undefined)
    },
  },
]
