import { localClaims } from '../../ground/claims/local-claims.ts'
import { oidcClaimsFrom } from '../../ground/claims/oidc-claims.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
import type { ClaimConfigurationInput } from './routes/applications.ts'

/**
 * The OIDC claims that an application asks for.
 *
 * @returns Nothing when it asks for none: then the scopes decide alone. Throws a problem for a claim that does not exist.
 */
export function readRequestedClaims(configuration: ClaimConfigurationInput | undefined): string[] | undefined {
  const { claimMappings = [], dialect = 'LOCAL', requestedClaims = [] } = configuration ?? {}
  if (requestedClaims.length === 0) return undefined
  const localOf = new Map(claimMappings.map(({ applicationClaim, localClaim }) => [applicationClaim, localClaim.uri]))
  return [
    ...new Set(
      requestedClaims.flatMap(({ claim: { uri } }) => {
        const local = dialect === 'CUSTOM' ? (localOf.get(uri) ?? uri) : uri
        if (localClaims.has(local)) return oidcClaimsFrom(local)
        const shown = JSON.stringify(uri)
        throw requestProblems.invalid(
          `claimConfiguration.requestedClaims: there is no claim ${shown}. GET /claim-dialects/local/claims lists all.`,
        )
      }),
    ),
  ]
}
