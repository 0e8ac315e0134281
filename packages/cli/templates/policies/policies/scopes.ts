import * as policies from '@preflow/policies'

/** Machines keep only the scopes that are listed. */
export const scopes = () => policies.scopes({ allowed: ['read:metrics'] })
