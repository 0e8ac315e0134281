import { PUBLIC_ADDRESS } from '@preflow/contract/guides'
import { type Decision, decisionOf, isDecided, isError } from '../answer.ts'
import { type Check, createProblems, notChecked } from '../check.ts'
import type { Exchange } from '../session.ts'
import { fromAddress } from '../variants.ts'

/** What a client can write into a header that is believed to hold its address. */
const NO_ADDRESSES = ['no-address', '1.2.3.4&maxAgeInDays=365', '999.1.1.1', "' OR 1=1 --"] as const
/** Addresses that a decision by country or reputation has to cope with. */
const UNCOMMON_ADDRESSES = ['2001:4860:4860::8888', '10.0.0.1', '::1'] as const

export const addressChecks: readonly Check[] = [
  {
    id: 'event.address',
    title: 'The address of the client is read with care',
    why: 'The header is whatever was sent: no address at all, a query in disguise, or the same address written as IPv6.',
    mend: 'Parse the address, refuse what is none, and compare IPv4-mapped addresses as IPv4.',
    level: 'must',
    scope: 'type',
    types: ['PRE_ISSUE_ACCESS_TOKEN'],
    async run({ session, type, usual }) {
      const problems = createProblems()
      const ask = async (
        values: readonly string[] | undefined,
        variant: string,
      ): Promise<{ exchange: Exchange; decision: Decision } | undefined> => {
        const [exchange] = await session.tell(type, usual, { variant, rewrite: fromAddress(values) })
        return exchange && { exchange, decision: decisionOf(exchange) }
      }
      const named = await ask([PUBLIC_ADDRESS], 'from a public address')
      const missing = await ask(undefined, 'from nowhere')
      if (!named || !missing || !isDecided(named.decision)) return notChecked('The event is not decided anyway.')

      for (const value of NO_ADDRESSES) {
        const answered = await ask([value], `from ${JSON.stringify(value)}`)
        if (missing.decision.status !== 'FAILED' || answered?.decision.status !== 'SUCCESS') continue
        problems.add(
          'It refuses a request without an address but lets one through whose address is none.',
          answered.exchange,
        )
      }
      for (const value of UNCOMMON_ADDRESSES) {
        const answered = await ask([value], `from ${value}`)
        if (!answered || !isError(answered.decision)) continue
        const { exchange, decision } = answered
        problems.add(`It is answered with ${decision.words}.`, exchange)
      }
      const mapped = await ask([`::ffff:${PUBLIC_ADDRESS}`], 'from the same address as IPv6')
      if (mapped && mapped.decision.status !== named.decision.status) {
        problems.add(
          `${named.decision.words} becomes ${mapped.decision.words}: the same address, written as IPv4-mapped IPv6.`,
          mapped.exchange,
        )
      }
      const isIndifferent = missing.decision.key === named.decision.key
      return problems.finding(isIndifferent ? 'it decides alike with and without an address' : undefined)
    },
  },
]
