/** The local claim dialect. The URIs of user attributes start with it. */
export const LOCAL_DIALECT = 'http://wso2.org/claims/'

/** The URI of a user attribute: `department` becomes `http://wso2.org/claims/department`. */
export function localClaimUri(name: string): string {
  return `${LOCAL_DIALECT}${name}`
}
