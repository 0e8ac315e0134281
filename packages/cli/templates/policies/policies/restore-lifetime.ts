import * as policies from '@preflow/policies'

/** A refresh starts from the lifetime that is set for the application, whatever the token before it had. */
export const restoreLifetime = () => policies.restoreLifetime({ applications: { web1: 3600 } })
