import type { ServiceConfiguration } from '@preflow/extension/service'
import type { Settings } from '@preflow/extension/settings'
import type { Opening } from './opening.ts'
import * as breachCount from './ports/breach-count.ts' // only with breachCount
import * as commonPasswords from './ports/common-passwords.ts' // only with commonPasswords
import * as country from './ports/country.ts' // only with country
import * as credential from './ports/credential.ts' // only with credential
import * as reputation from './ports/reputation.ts' // only with reputation

/** The settings of the ports. */
export const settings = {
  ...country.settings, // only with country
  ...credential.settings, // only with credential
  ...reputation.settings, // only with reputation
} satisfies Settings

/** The dependencies of the policies. The service opens them, and tests replace them. */
export interface Ports {
  breachCount: breachCount.Port // only with breachCount
  commonPasswords: commonPasswords.Port // only with commonPasswords
  country: country.Port // only with country
  credential: credential.Port // only with credential
  reputation: reputation.Port // only with reputation
}

/** Opens every port. Rejects with a message if one cannot be opened. */
export async function openPorts(
  configuration: ServiceConfiguration<typeof settings>,
  opening: Opening,
): Promise<Ports> {
  return {
    breachCount: breachCount.open(configuration, opening), // only with breachCount
    commonPasswords: await commonPasswords.open(configuration, opening), // only with commonPasswords
    country: await country.open(configuration, opening), // only with country
    credential: await credential.open(configuration, opening), // only with credential
    reputation: reputation.open(configuration, opening), // only with reputation
  }
}
