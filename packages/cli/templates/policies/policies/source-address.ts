import * as policies from '@preflow/policies'

/** Requests without a public client address get no token. */
export const sourceAddress = () => policies.sourceAddress({})
