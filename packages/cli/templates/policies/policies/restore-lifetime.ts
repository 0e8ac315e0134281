import * as policies from '@preflow/policies'

/** A refresh starts from the configured lifetime of the application, not from that of the previous token. */
export const restoreLifetime = () => policies.restoreLifetime({ applications: { web1: 3600 } })
