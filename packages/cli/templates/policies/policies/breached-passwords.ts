import * as policies from '@preflow/policies'
import type { Ports } from '../ports.ts'

/** Rejects new passwords that are known from breaches. */
export const breachedPasswords = (ports: Pick<Ports, 'breachCount' | 'commonPasswords' | 'credential'>) =>
  policies.breachedPasswords(
    {},
    { common: ports.commonPasswords, count: ports.breachCount, credential: ports.credential },
  )
