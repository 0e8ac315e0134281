import * as policies from '@preflow/policies'

/** Outside of working hours, tokens live shorter. */
export const hours = () =>
  policies.hours({ hours: { timeZone: 'UTC', from: '09:00', to: '17:00' }, outside: 'shorten' })
