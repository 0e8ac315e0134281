import type { Handlers } from '@preflow/extension'
import { createHandlers } from './decisions.ts'
import { port as breachCount } from './ports/breach-count.fixture.ts' // only with breachCount
import { port as commonPasswords } from './ports/common-passwords.fixture.ts' // only with commonPasswords
import { port as country } from './ports/country.fixture.ts' // only with country
import { port as credential } from './ports/credential.fixture.ts' // only with credential
import { port as reputation } from './ports/reputation.fixture.ts' // only with reputation
import type { Ports } from './ports.ts'

/** Ports with which every policy allows. */
const ports: Ports = {
  breachCount, // only with breachCount
  commonPasswords, // only with commonPasswords
  country, // only with country
  credential, // only with credential
  reputation, // only with reputation
}

/** The decisions of this project. A test replaces the ports that it needs. */
export function handlersWith(own: Partial<Ports> = {}): Handlers {
  return createHandlers({ ...ports, ...own })
}

export const noon = (): number => Date.parse('2026-03-02T12:00:00Z')
