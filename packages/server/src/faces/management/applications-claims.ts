import { localClaims } from '../../ground/claims/local-claims.ts'
import { oidcClaimsFrom } from '../../ground/claims/oidc-claims.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
import type { ClaimConfigurationInput } from './routes/applications.ts'

/**
 * Reads the OIDC claims that an application requests.
 *
 * @returns Nothing if it requests none. Then only the scopes decide. Throws a problem for an unknown claim.
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
          `claimConfiguration.requestedClaims: the claim ${shown} does not exist. GET /claim-dialects/local/claims lists all claims.`,
        )
      }),
    ),
  ]
}
