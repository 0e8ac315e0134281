import * as policies from '@preflow/policies'

/** Machines keep only the listed scopes. */
export const scopes = () => policies.scopes({ allowed: ['read:metrics'] })
