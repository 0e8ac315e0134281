import * as policies from '@preflow/policies'

/** Outside working hours, tokens have a shorter lifetime. */
export const hours = () =>
  policies.hours({ hours: { timeZone: 'UTC', from: '09:00', to: '17:00' }, outside: 'shorten' })
