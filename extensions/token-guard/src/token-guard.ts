import { present } from '@preflow/contract'
import { type DecisionRecord, defineExtension, type Extension, type Handler } from '@preflow/extension'
import {
  type CountryLookup,
  combine,
  country,
  type ReputationLookup,
  reputation,
  restoreLifetime,
  sourceAddress,
} from '@preflow/policies'
import type { Configuration } from './configuration.ts'

/** The dependencies of token-guard. */
export interface TokenGuardPorts {
  /** Required if countries are configured. */
  country?: CountryLookup
  /** Required unless reputation is `off`. */
  reputation?: ReputationLookup
  /** Receives one record per call. */
  log?(record: DecisionRecord): void
  onError?(error: unknown): void
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/**
 * Decides access tokens by the country, the reputation and the hour of a request.
 *
 * @example
 * const guard = createTokenGuard(configuration, { country: file.lookup, reputation: createAbuseIpDb({ apiKey }) })
 */
export function createTokenGuard(configuration: Configuration, ports: TokenGuardPorts): Extension {
  const { log, onError, now } = ports
  const { callerAuthentication: caller, budgetMs, maxBodyBytes } = configuration
  return defineExtension(
    { preIssueAccessToken: combine(...policies(configuration, ports)) },
    { caller, budgetMs, maxBodyBytes, ...present({ log, onError, now }) },
  )
}

/** Cheap policies first, so the reputation service is not called about clients that are denied anyway. */
function policies(c: Configuration, ports: TokenGuardPorts): Handler<'PRE_ISSUE_ACCESS_TOKEN'>[] {
  const source = { header: c.sourceHeader, trustedProxies: c.trustedProxies }
  const chosen = [
    restoreLifetime({ applications: c.applicationLifetimes }),
    sourceAddress({
      source,
      missing: c.missingAddress,
      malformed: c.malformedAddress,
      private: c.privateAddress,
      reserved: c.reservedAddress,
      shortenToSeconds: c.outsideSeconds,
    }),
  ]
  if (ports.country) {
    chosen.push(
      country(
        {
          source,
          blocked: c.blockedCountries,
          allowed: c.allowedCountries,
          unknown: c.unknownCountry,
          shortenToSeconds: c.outsideSeconds,
          ...present({ claim: c.countryClaim }),
        },
        { lookup: ports.country },
      ),
    )
  }
  if (ports.reputation) {
    chosen.push(
      reputation(
        {
          source,
          denyAbove: c.denyAbove,
          reduceFrom: c.reduceFrom,
          insideSeconds: c.insideSeconds,
          outsideSeconds: c.outsideSeconds,
          hours: { timeZone: c.timeZone, weekdays: c.weekdays, from: c.hoursFrom, to: c.hoursTo },
          unavailable: c.reputationUnavailable,
          notOffered: c.reductionNotOffered,
          ...present({ refreshSeconds: c.refreshSeconds }),
        },
        { lookup: ports.reputation },
      ),
    )
  }
  return chosen
}
