import * as policies from '@preflow/policies'

/** Profile updates must follow these rules. */
export const profileRules = () =>
  policies.profileRules({ rules: [{ claim: 'http://wso2.org/claims/department', mayBeRemoved: false }] })
